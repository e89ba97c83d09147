// The way in of a node that runs in a program of its own: open until the node is stopped, and then shut.
//
// A node that has stopped has nothing to answer from, and what it would say by chance (an empty list, a time-out, a
// failure of its closed store) would be taken for news of the cluster.

import type { AdminApi, KeyValueApi, NodeApi } from "../node/api.ts";
import { DenamoError } from "../wire/errors.ts";

export class StoppableApi implements NodeApi {
  readonly #api: NodeApi;
  readonly namespaces: NodeApi["namespaces"];
  #isStopped = false;

  constructor(api: NodeApi) {
    this.#api = api;
    this.namespaces = {
      list: () => this.#open().namespaces.list(),
      set: (...request) => this.#ask((api) => api.namespaces.set(...request)),
      remove: (...request) => this.#ask((api) => api.namespaces.remove(...request)),
    };
  }

  /** From now on every call fails with the code `stopped`; those under way end as they do. */
  stop(): void {
    this.#isStopped = true;
  }

  readonly get: KeyValueApi["get"] = (...request) => this.#ask((api) => api.get(...request));
  readonly put: KeyValueApi["put"] = (...request) => this.#ask((api) => api.put(...request));
  readonly delete: KeyValueApi["delete"] = (...request) =>
    this.#ask((api) => api.delete(...request));
  readonly update: KeyValueApi["update"] = (...request) =>
    this.#ask((api) => api.update(...request));
  readonly expire: KeyValueApi["expire"] = (...request) =>
    this.#ask((api) => api.expire(...request));
  readonly scan: KeyValueApi["scan"] = (...request) => this.#ask((api) => api.scan(...request));

  readonly status: AdminApi["status"] = () => this.#open().status();
  readonly members: AdminApi["members"] = () => this.#open().members();
  readonly ring: AdminApi["ring"] = () => this.#open().ring();
  readonly placement: AdminApi["placement"] = (key) => this.#open().placement(key);
  readonly measurements: AdminApi["measurements"] = () => this.#open().measurements();
  readonly nowMs: AdminApi["nowMs"] = () => this.#open().nowMs();
  readonly equality: NodeApi["equality"] = () => this.#open().equality();
  readonly initLayout: AdminApi["initLayout"] = (...request) =>
    this.#ask((api) => api.initLayout(...request));
  readonly hints: NodeApi["hints"] = () => this.#ask((api) => api.hints());
  readonly repair: NodeApi["repair"] = (...request) => this.#ask((api) => api.repair(...request));
  readonly differences: NodeApi["differences"] = (...request) =>
    this.#ask((api) => api.differences(...request));

  /** @throws {DenamoError} `stopped` */
  #open(): NodeApi {
    if (this.#isStopped) throw new DenamoError("stopped", "no", "The node was stopped");
    return this.#api;
  }

  /** Like {@linkcode #open}, for calls that are waited for. */
  #ask<T>(call: (api: NodeApi) => Promise<T>): Promise<T> {
    try {
      return call(this.#open());
    } catch (error) {
      return Promise.reject(error);
    }
  }
}
