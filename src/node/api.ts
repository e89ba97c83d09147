// The one interface through which doors, clients and commands reach a node.
//
// Keys are bytes here; `src/mod.ts` and the doors make them from strings, paths and arrays. Every method
// ends in one of three ways: it resolves (ok), or it rejects with a DenamoError whose `outcome` is `no`
// (certainly without effect) or `unknown` (it may take effect). See wire/errors.ts for the codes.

import type { NestedOperation } from "../crdt/map.ts";
import type { MergedValues } from "../crdt/merged_values.ts";
import type { OperationResult } from "../crdt/typed_update.ts";
import type { StoredValue } from "../crdt/value.ts";
import type { NamespaceApi } from "./namespace_api.ts";
import type { RepairApi } from "./repair_api.ts";

export type * from "./namespace_api.ts";
export type * from "./repair_api.ts";
export { TYPE_NAMES, type TypeName } from "../crdt/contract.ts";
export type { MapEntry, NestedOperation, NestedValues } from "../crdt/map.ts";
export { CLIENT_SESSION_MAX, type OperationId, TRIED_MS_MAX } from "../crdt/operation_id.ts";
export type { OperationResult } from "../crdt/typed_update.ts";
export { MergedValues } from "../crdt/merged_values.ts";

/** How many owners: a number, one of them, more than half of them, or all. */
export type QuorumLevel = number | "one" | "quorum" | "all";

export interface RequestOptions {
  /** Count owners only, never their stand-ins. */
  readonly strict?: boolean | undefined;
  /** When to give up, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

export interface ReadOptions extends RequestOptions {
  /** How many owners must have answered. */
  readonly r?: QuorumLevel | undefined;
}

export interface GetOptions extends ReadOptions {
  /**
   * A token of the same key that an earlier read or write has given, or several with commas between them: the answer
   * has seen all that they cover. More nodes are asked where that is necessary, until the time is over; then the
   * read fails as `stale`.
   */
  readonly atLeast?: string | undefined;
}

export interface WriteOptions extends RequestOptions {
  /** How many owners must have the write on disk. */
  readonly w?: QuorumLevel | undefined;
  /** The token of an earlier read of the same key: the write replaces exactly what that read saw. */
  readonly context?: string | undefined;
}

export interface PutOptions extends WriteOptions {
  /** When the value ends, in milliseconds since 1970. Without it and `keepExpiry` it does not end. */
  readonly expiresAtMs?: number | undefined;
  /** Leave the expiry of the value that is replaced. */
  readonly keepExpiry?: boolean | undefined;
}

/** What a read found. */
export interface ReadResult {
  /** The latest of the siblings, undefined if there is none. */
  readonly value: StoredValue | undefined;
  /** All values that no later write has replaced, the latest first. */
  readonly siblings: readonly StoredValue[];
  /** When the latest value ends, in milliseconds since 1970; undefined if it does not. */
  readonly expiresAtMs: number | undefined;
  /** Whether there is any value, of whatever type. */
  readonly exists: boolean;
  /** The values that merge. */
  readonly merged: MergedValues;
  /** Makes the token that a later write carries to replace exactly what this read saw. */
  context(): string;
}

export interface WriteResult {
  /** How many siblings the coordinator's copy holds after the write: 1 unless others wrote meanwhile. */
  readonly siblings: number;
  /** The token that covers this write, if it left no sibling but its own; else read to get one. */
  context(): string | undefined;
  /**
   * The token that a later read carries in `atLeast` to see this write; undefined if nothing was written. It is
   * the context if there is one, else a token for reads only.
   */
  atLeast(): string | undefined;
}

/** What came of operations on values that merge. */
export interface UpdateResult {
  /** One for each operation, in order. */
  readonly results: readonly OperationResult[];
  /** As that of a {@linkcode WriteResult}. */
  atLeast(): string | undefined;
}

export interface DeleteResult extends WriteResult {
  /** Whether there was a value to delete. */
  readonly existed: boolean;
}

/** A place in a scan: a partition and, within it, the key after which to go on. */
export interface ScanPosition {
  readonly partition: number;
  readonly after?: Uint8Array | undefined;
}

export interface ScanOptions extends ReadOptions {
  readonly from: ScanPosition;
  /** Only keys that begin with these bytes. */
  readonly prefix?: Uint8Array | undefined;
  /** Stop after this many keys. */
  readonly limit: number;
  /** Go on to the end of the partition in which the limit was reached. */
  readonly wholePartitions?: boolean | undefined;
}

/** Keys with at least one live value, in the order of their partitions and, within one, of their bytes. */
export interface ScanPage {
  readonly keys: readonly Uint8Array[];
  /** Where to go on; undefined at the end. */
  readonly next: ScanPosition | undefined;
}

/** Whether a node can store: `readonly` serves what it has, `failed` not even that. */
export type DiskState = "ok" | "readonly" | "failed";

/** `up` by its heartbeats, `suspect` when they are late, `down` when they have stopped. */
export type MemberState = "up" | "suspect" | "down";

/** What one source of failure detection says of a member. */
export interface MemberSource {
  readonly source: "heartbeats" | "connection" | "probes" | "words";
  readonly says: string;
  readonly forMs: number;
}

export interface MemberView {
  readonly node: string;
  readonly peerId: string | undefined;
  readonly state: MemberState;
  /** For how long it has been in this state, as far as the node that was asked has listened. */
  readonly stateForMs: number;
  /** What speaks for this state: a short phrase. */
  readonly because: string;
  /** What each source says of it, and for how long; of ourselves and of strangers there is none. */
  readonly sources: readonly MemberSource[];
  /** The level of the phi accrual detector, 0 for ourselves. */
  readonly phi: number;
  readonly incarnation: number;
  readonly zone: string;
  readonly weight: number;
  /** Whether the layout names this node. */
  readonly inLayout: boolean;
  readonly isSelf: boolean;
  readonly isConnected: boolean;
  readonly addresses: readonly string[];
  /** Host and port of its doors, as it announces them. */
  readonly http: string | undefined;
  readonly resp: string | undefined;
  /** The layout that it says it has. */
  readonly layoutVersion: number;
  /** Whether its disk takes writes, as it says: `readonly` serves what it has, `failed` not even that. */
  readonly disk: DiskState;
}

export interface RingMemberView {
  readonly node: string;
  readonly zone: string;
  readonly weight: number;
  /** In how many partitions this node is an owner. */
  readonly partitions: number;
  /** Owned partitions divided by the fair share of its weight. */
  readonly load: number;
}

export interface RingView {
  readonly version: number;
  readonly id: string;
  readonly partitions: number;
  readonly replication: number;
  readonly members: readonly RingMemberView[];
}

/** Where one key lives. */
export interface KeyPlacement {
  readonly partition: number;
  readonly owners: readonly string[];
  readonly fallbacks: readonly string[];
}

export interface NodeStatus {
  readonly node: string;
  readonly peerId: string;
  readonly cluster: string;
  readonly version: string;
  readonly zone: string;
  readonly uptimeMs: number;
  /** Whether requests can be served; if not, `notReadyBecause` is a sentence. */
  readonly isReady: boolean;
  readonly notReadyBecause: string | undefined;
  readonly layoutVersion: number;
  readonly layoutId: string | undefined;
  readonly membersUp: number;
  readonly membersKnown: number;
  readonly addresses: readonly string[];
  readonly http: string | undefined;
  readonly resp: string | undefined;
}

/** A count or level for the operator: `name` in snake case with its unit last. */
export interface Measurement {
  readonly name: string;
  readonly help: string;
  readonly kind: "counter" | "gauge";
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** The data of a node: any node takes any request for any key. */
export interface KeyValueApi {
  get(key: Uint8Array, options?: GetOptions): Promise<ReadResult>;
  put(key: Uint8Array, value: StoredValue, options?: PutOptions): Promise<WriteResult>;
  delete(key: Uint8Array, options?: WriteOptions): Promise<DeleteResult>;
  /**
   * Carries out operations on values that merge, in this order and all or none. An operation on a counter that has
   * an id counts once, however often and at whatever node it is tried.
   *
   * @throws {DenamoError} `wrong_type` if the key holds a value of another type; `too_late` if the time in which an
   * operation could take effect is over, and it is not known here: earlier tries may have taken effect or not
   */
  update(
    key: Uint8Array,
    operations: readonly NestedOperation[],
    options?: WriteOptions,
  ): Promise<UpdateResult>;
  /**
   * Sets when the value ends; undefined means never.
   *
   * @returns whether there was a value, and when it ended before
   */
  expire(
    key: Uint8Array,
    expiresAtMs: number | undefined,
    options?: WriteOptions,
  ): Promise<{ existed: boolean; expiredAtMs: number | undefined }>;
  scan(options: ScanOptions): Promise<ScanPage>;
}

/** What an operator sees and does. */
export interface AdminApi {
  status(): NodeStatus;
  members(): MemberView[];
  /** Undefined before the first layout. */
  ring(): RingView | undefined;
  placement(key: Uint8Array): KeyPlacement | undefined;
  /**
   * Makes the first layout of the cluster, once exactly the nodes `members` are seen.
   *
   * @throws {DenamoError} `layout_exists` if there is one, `layout_refused` if a node is missing
   */
  initLayout(members: readonly string[]): Promise<RingView>;
  measurements(): Measurement[];
  /**
   * The time of the cluster, as this node knows it: doors turn times to live into times with it. The wall clock of the
   * node, or the median of all clocks if that one is wrong.
   */
  nowMs(): number;
}

export interface NodeApi extends KeyValueApi, AdminApi, RepairApi {
  readonly namespaces: NamespaceApi;
}
