// A document of Yjs that is kept under a key.
//
// The program edits its own copy, at once and without asking anybody; what it changes is sent as updates, one after
// the other, and what others have changed comes with `sync`. An update that fails stays to be sent again:
// it may arrive twice, which changes nothing.

import * as Y from "yjs";
import type { KeyValueApi } from "../node/api.ts";

export class LiveDocument implements AsyncDisposable {
  /** Edit it like any other. */
  readonly doc: Y.Doc = new Y.Doc();
  readonly #api: KeyValueApi;
  readonly #key: Uint8Array;
  #unsent: Uint8Array[] = [];
  #sending: Promise<void> = Promise.resolve();

  private constructor(api: KeyValueApi, key: Uint8Array) {
    this.#api = api;
    this.#key = key;
  }

  /** Reads the document of a key; an empty one if there is none. */
  static async open(api: KeyValueApi, key: Uint8Array): Promise<LiveDocument> {
    const document = new LiveDocument(api, key);
    await document.#pull();
    document.doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin !== document) document.#unsent.push(update);
    });
    return document;
  }

  /** Sends what was changed here and fetches what was changed elsewhere. */
  sync(): Promise<void> {
    const synced = this.#sending.catch(() => {}).then(async () => {
      await this.#push();
      await this.#pull();
    });
    this.#sending = synced;
    return synced;
  }

  /** Sends what is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.sync();
    this.doc.destroy();
  }

  async #push(): Promise<void> {
    // What is changed while these are on their way comes behind them.
    const count = this.#unsent.length;
    if (count === 0) return;
    const update = Y.mergeUpdates(this.#unsent) as Uint8Array<ArrayBuffer>;
    await this.#api.update(this.#key, [{ type: "document", operation: { kind: "edit", update } }]);
    this.#unsent = this.#unsent.slice(count);
  }

  async #pull(): Promise<void> {
    const { merged } = await this.#api.get(this.#key);
    const update = merged.valueOf("document");
    if (update !== undefined) Y.applyUpdate(this.doc, update, this);
  }
}
