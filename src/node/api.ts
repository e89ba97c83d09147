// The one interface through which doors, clients and commands reach a node.
//
// Keys are bytes here; `src/mod.ts` and the doors make them from strings, paths and arrays. Every method
// ends in one of three ways: it resolves (ok), or it rejects with a DenamoError whose `outcome` is `no`
// (certainly without effect) or `unknown` (it may take effect). See wire/errors.ts for the codes.

import type { NestedOperation } from "../crdt/map.ts";
import type { MergedValues } from "../crdt/merged_values.ts";
import type { OperationResult } from "../crdt/typed_update.ts";
import type { StoredValue } from "../crdt/value.ts";
import type { QuorumLevel } from "../replica/namespaces.ts";
import type { NamespaceApi } from "./namespace_api.ts";
import type { RepairApi } from "./repair_api.ts";

export type * from "./namespace_api.ts";
export type * from "./repair_api.ts";
export { TYPE_NAMES, type TypeName } from "../crdt/contract.ts";
export type { MapEntry, NestedOperation, NestedValues } from "../crdt/map.ts";
export { CLIENT_SESSION_MAX, type OperationId, TRIED_MS_MAX } from "../crdt/operation_id.ts";
export type { OperationResult } from "../crdt/typed_update.ts";
export { MergedValues } from "../crdt/merged_values.ts";
export type { QuorumLevel } from "../replica/namespaces.ts";

/** What every request may say. What is left open, the key's namespace says. */
export interface RequestOptions {
  /** Count owners only, never their stand-ins. */
  readonly strict?: boolean | undefined;
  /** When to give up, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** How a read is answered. What is left open, the key's namespace says. */
export interface ReadOptions extends RequestOptions {
  /** How many owners must have answered. */
  readonly r?: QuorumLevel | undefined;
}

/** How one key is read. */
export interface GetOptions extends ReadOptions {
  /**
   * A token of the same key that an earlier read or write has given, or several with commas between them: the answer
   * has seen all that they cover. More nodes are asked where that is necessary, until the time is over; then the
   * read fails as `stale`.
   */
  readonly atLeast?: string | undefined;
}

/** How a write is made. What is left open, the key's namespace says. */
export interface WriteOptions extends RequestOptions {
  /** How many owners must have the write on disk. */
  readonly w?: QuorumLevel | undefined;
  /** The token of an earlier read of the same key: the write replaces exactly what that read saw. */
  readonly context?: string | undefined;
}

/** How a value is put. */
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

/** What a write left. */
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

/** What a delete left. */
export interface DeleteResult extends WriteResult {
  /** Whether there was a value to delete. */
  readonly existed: boolean;
}

/** A place in a scan: a partition and, within it, the key after which to go on. */
export interface ScanPosition {
  /** The number of the partition, from 0. */
  readonly partition: number;
  /** The key after which to go on; undefined begins with the first of the partition. */
  readonly after?: Uint8Array | undefined;
}

/** Which part of all keys a scan gives. */
export interface ScanOptions extends ReadOptions {
  /** Where to begin: `{ partition: 0 }`, or `next` of the page before. */
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
  /** The keys, each once within a scan. */
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
  /** Which: its heartbeats, our connection to it, probes of it, or what others say. */
  readonly source: "heartbeats" | "connection" | "probes" | "words";
  /** What it says: a word or a short phrase. */
  readonly says: string;
  /** For how long it has said so, in milliseconds. */
  readonly forMs: number;
}

/** What one node knows of another, or of itself. */
export interface MemberView {
  /** Its name. */
  readonly node: string;
  /** The libp2p peer id under which it was last heard; undefined if it was never heard. */
  readonly peerId: string | undefined;
  /** Whether it is alive, as far as the node that was asked can tell. */
  readonly state: MemberState;
  /** For how long it has been in this state, as far as the node that was asked has listened. */
  readonly stateForMs: number;
  /** What speaks for this state: a short phrase. */
  readonly because: string;
  /** What each source says of it, and for how long; of ourselves and of strangers there is none. */
  readonly sources: readonly MemberSource[];
  /** The level of the phi accrual detector, 0 for ourselves. */
  readonly phi: number;
  /**
   * How often it has begun anew: of two peers with its name the one with the larger number counts.
   */
  readonly incarnation: number;
  /** `dc/rack`, as it says itself. */
  readonly zone: string;
  /** Its share of the data beside others, as it says itself. */
  readonly weight: number;
  /** Whether the layout names this node. */
  readonly inLayout: boolean;
  /** Whether it is the node that was asked. */
  readonly isSelf: boolean;
  /** Whether there is a connection to it at this moment. */
  readonly isConnected: boolean;
  /** The multiaddrs at which it can be reached, as it says itself. */
  readonly addresses: readonly string[];
  /** Host and port of its doors, as it announces them. */
  readonly http: string | undefined;
  /** Host and port of its RESP door, as it announces it. */
  readonly resp: string | undefined;
  /** The layout that it says it has; of a version there may be two, if two clusters have met. */
  readonly layoutVersion: number;
  /** The id of that layout; undefined if it is not known. */
  readonly layoutId: string | undefined;
  /**
   * Whether its disk takes writes, as it says: `readonly` serves what it has, `failed` not even that. Undefined if it
   * was never heard of.
   */
  readonly disk: DiskState | undefined;
}

/** One owner in a layout, and how much it owns. */
export interface RingMemberView {
  /** Its name. */
  readonly node: string;
  /** `dc/rack`, as the layout has it. */
  readonly zone: string;
  /** Its share of the data beside others, as the layout has it. */
  readonly weight: number;
  /** In how many partitions this node is an owner. */
  readonly partitions: number;
  /** Owned partitions divided by the fair share of its weight. */
  readonly load: number;
}

/** The layout that counts at the node that was asked. */
export interface RingView {
  /** The first is 1; each later layout has the next number. */
  readonly version: number;
  /** Its version and a hash of what is in it: two nodes with one id have the same layout. */
  readonly id: string;
  /** Into how many equal parts the keys are divided by their hash. */
  readonly partitions: number;
  /** How many owners each key has, if its namespace does not say. */
  readonly replication: number;
  /** All nodes that it names. */
  readonly members: readonly RingMemberView[];
}

/** Where one key lives. */
export interface KeyPlacement {
  /** The number of the partition, from 0. */
  readonly partition: number;
  /** The names of the nodes that keep it, in the order of its preference list. */
  readonly owners: readonly string[];
  /**
   * The names of all others, in the order in which they stand in for owners that cannot be reached.
   */
  readonly fallbacks: readonly string[];
}

/** How the node that was asked is doing. */
export interface NodeStatus {
  /** Its name. */
  readonly node: string;
  /** Its libp2p peer id. */
  readonly peerId: string;
  /** The name of its cluster: nodes of another are refused. */
  readonly cluster: string;
  /** The version of the program, as in its package. */
  readonly version: string;
  /** `dc/rack`. */
  readonly zone: string;
  /** For how long it has been running, in milliseconds. */
  readonly uptimeMs: number;
  /** Whether requests can be served; if not, `notReadyBecause` is a sentence. */
  readonly isReady: boolean;
  /** Why no requests can be served: a sentence. Undefined if they can. */
  readonly notReadyBecause: string | undefined;
  /** The layout that it has; 0 if it has none. */
  readonly layoutVersion: number;
  /** The id of that layout, as {@linkcode RingView.id}. */
  readonly layoutId: string | undefined;
  /** How many members it sees alive, itself among them. */
  readonly membersUp: number;
  /** How many members it has heard of, itself among them. */
  readonly membersKnown: number;
  /** The multiaddrs at which others reach it. */
  readonly addresses: readonly string[];
  /** Host and port of its HTTP door, as really bound; undefined without one. */
  readonly http: string | undefined;
  /** Host and port of its RESP door, as really bound; undefined without one. */
  readonly resp: string | undefined;
}

/** A count or level for the operator: `name` in snake case with its unit last. */
export interface Measurement {
  /** What is measured, such as `hinted_bytes`. */
  readonly name: string;
  /** What it means, in a sentence. */
  readonly help: string;
  /** Whether it only grows while the node runs. */
  readonly kind: "counter" | "gauge";
  /** The figure, in the unit that the name ends with. */
  readonly value: number;
  /** What tells it from others of its name, such as the peer that it is about. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** The data of a node: any node takes any request for any key. */
export interface KeyValueApi {
  /**
   * Reads a key from R of its owners.
   * // @throws {DenamoError} `quorum`, `timeout`, `stale` and others; a read has no effect whatever its outcome
   */
  get(key: Uint8Array, options?: GetOptions): Promise<ReadResult>;
  /**
   * Writes a value: with a context in place of what that covers, else of what its coordinator holds. Resolves once W
   * owners have it on their disks.
   * // @throws {DenamoError} whose `outcome` tells whether the write may have taken effect
   */
  put(key: Uint8Array, value: StoredValue, options?: PutOptions): Promise<WriteResult>;
  /**
   * Deletes what the context covers, or everything that a read finds.
   * // @throws {DenamoError} whose `outcome` tells whether the delete may have taken effect
   */
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
  /**
   * One page of the keys that have a value.
   * // @throws {DenamoError} `quorum` if a partition has too few owners that answer
   */
  scan(options: ScanOptions): Promise<ScanPage>;
}

/** How a first layout may be made. */
export interface InitLayoutOptions {
  /** Makes the layout though it leaves out nodes that are seen, or keeps fewer copies than was asked for. */
  readonly force?: boolean | undefined;
}

/** What an operator sees and does. */
export interface AdminApi {
  /** How this node is doing. */
  status(): NodeStatus;
  /** This node, those that it has heard of and those that the layout names, by name. */
  members(): MemberView[];
  /** Undefined before the first layout. */
  ring(): RingView | undefined;
  /** Where a key lives; undefined before the first layout. */
  placement(key: Uint8Array): KeyPlacement | undefined;
  /**
   * Makes the first layout of the cluster, once the nodes `members` are seen. It cannot be changed.
   *
   * @throws {DenamoError} `layout_exists` if there is one, `layout_refused` if a node is missing, or if the layout
   * would leave out a node that is seen or keep fewer copies than `replication` says, unless that is forced
   */
  initLayout(members: readonly string[], options?: InitLayoutOptions): Promise<RingView>;
  /** What is measured at this node, as `/metrics` shows it. */
  measurements(): Measurement[];
  /**
   * The time of the cluster, as this node knows it: doors turn times to live into times with it. The wall clock of the
   * node, or the median of all clocks if that one is wrong.
   */
  nowMs(): number;
}

/** All that a node can do, for programs that run it, for its doors and for operators. */
export interface NodeApi extends KeyValueApi, AdminApi, RepairApi {
  /** Settings of key prefixes, which can be changed while the cluster runs. */
  readonly namespaces: NamespaceApi;
}
