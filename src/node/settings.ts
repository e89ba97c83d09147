// What a node is told about itself when it starts.

import type { NamespaceSettings } from "../replica/namespaces.ts";

export interface NodeSettings {
  readonly node: string;
  readonly cluster: string;
  /** `dc` or `dc/rack`. */
  readonly zone: string;
  readonly weight: number;
  /** For the first layout, if this node makes it. */
  readonly partitions: number;
  readonly replication: number;
  /** For keys of no namespace. */
  readonly defaults: Omit<NamespaceSettings, "prefix" | "n">;
  readonly namespaces: readonly NamespaceSettings[];
  readonly maxClockSkewMs: number;
  readonly heartbeatMs: number;
  /** Of decoded objects in memory, in bytes. */
  readonly cacheBytes: number;
  /** After how many group commits the journal is flushed; storage decides unless given. */
  readonly journalCount?: number | undefined;
  /** From which size on sets and maps are written in parts, in bytes. */
  readonly apartBytes?: number | undefined;
  /** How much this node keeps for owners that cannot be reached, in bytes. */
  readonly hintBytes?: number | undefined;
  /** How long an owner may be away before nothing more is kept for it, in milliseconds. */
  readonly hintWindowMs?: number | undefined;
  /** The mean pause between two comparisons with other owners, in milliseconds. */
  readonly compareMs?: number | undefined;
  /** How long tombstones and the like are kept at the least, in milliseconds. */
  readonly forgetAfterMs?: number | undefined;
  /** After how long a member that is down is left out of forgetting, in milliseconds. */
  readonly maxAbsenceMs?: number | undefined;
  /** Multiaddrs to begin with. */
  readonly join: readonly string[];
  /** Host and port of the doors, as others shall know them. Asked at every heartbeat. */
  readonly doors: () => { readonly http: string | undefined; readonly resp: string | undefined };
}

/** The release, as status and handshakes show it. */
export const VERSION = "0.1.0";

export const DEFAULT_HINT_BYTES = 256 * 1024 * 1024;

export const DEFAULT_COMPARE_MS = 10_000;

export const DEFAULT_FORGET_AFTER_MS = 600_000;

/** Three days: a node that is away for longer comes back with empty copies. */
export const DEFAULT_MAX_ABSENCE_MS = 259_200_000;
