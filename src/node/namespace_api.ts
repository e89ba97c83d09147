// What operators see and set of namespaces while the cluster runs.

import type { Namespace, NamespaceSettings } from "../replica/namespaces.ts";

/** What is set for one prefix. What is left open is decided by the defaults. */
export type SettingsOfPrefix = Omit<NamespaceSettings, "prefix">;

/** What holds for the keys of a namespace, or for those of none. */
export type SettingsInForce = Omit<Namespace, "prefix">;

/** One namespace, as the node that was asked knows it. */
export interface NamespaceView {
  /** Its keys begin with this text. */
  readonly prefix: string;
  /** Whether it was set at run time, or comes from the configuration of the nodes. */
  readonly source: "set" | "config";
  /** When and at which node it was set; undefined for what is configured. Milliseconds since 1970. */
  readonly setAtMs: number | undefined;
  /** The node at which it was set; undefined for what is configured. */
  readonly setBy: string | undefined;
  /** What was said, without what is left open. */
  readonly settings: SettingsOfPrefix;
  /** What holds, with what is left open filled in. `n` is undefined before there is a layout. */
  readonly inForce: SettingsInForce;
}

/** All namespaces, as the node that was asked knows them. */
export interface NamespacesView {
  /** What holds for keys of no namespace at the node that was asked. */
  readonly defaults: SettingsInForce;
  /** By prefix. */
  readonly namespaces: readonly NamespaceView[];
  /** Members whose last word is that they know other settings. They learn, or have news: it takes a moment. */
  readonly differing: readonly string[];
}

/** What operators see and set of namespaces while the cluster runs. */
export interface NamespaceApi {
  /** What this node knows of all namespaces. */
  list(): NamespacesView;
  /**
   * Sets a prefix, in place of all that was set for it; resolves once it is on the disk of this node and in force
   * there. The other nodes have it a moment later, or as soon as they can be reached.
   *
   * @throws {DenamoError} `bad_request` that lists every mistake, `clock_skew` if the clock of this node cannot be relied on
   */
  set(prefix: string, settings: SettingsOfPrefix): Promise<NamespaceView>;
  /**
   * Removes what was set at run time for a prefix; what the configuration says of it counts again.
   *
   * @returns whether anything was set
   */
  remove(prefix: string): Promise<boolean>;
}
