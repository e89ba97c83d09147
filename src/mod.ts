// Denamo for Deno programs: start a node inside this process.
//
// This is the one place where a node meets the outside world: libp2p, Deno KV, the wall clock, its files
// and its doors.

/**
 * A peer-to-peer key-value store whose nodes are plain Deno processes.
 *
 * ```ts
 * import { startNode } from "@denamo/denamo";
 *
 * const data = await Deno.makeTempDir();
 * {
 *   await using db = await startNode({ name: "n1", data, replication: 1 });
 *
 *   await db.put("greeting", { hello: "world" });
 *   const { value, context } = await db.get<{ hello: string }>("greeting");
 *   console.assert(value?.hello === "world");
 *
 *   await db.put(["users", 42n], "Ada", { context: undefined, w: "all" });
 *   await db.put("greeting", "replaces exactly what was read", { context });
 *   for await (const entry of db.list({ prefix: ["users"] })) console.log(entry.key, entry.value);
 *   await db.delete("greeting");
 * }
 * await Deno.remove(data, { recursive: true });
 * ```
 *
 * @module
 */

export { StartAnewError } from "./node/left_behind.ts";
export { type NodeOptions, RunningNode, startNode } from "./start_node.ts";
export type { Database, Entry, ListEntry, ListOptions, Written } from "./client/database.ts";
export type { AddOptions } from "./client/typed_values.ts";
export type { SessionOptions } from "./client/session.ts";
export type { LiveDocument, YjsDocument } from "./client/live_document.ts";
export type { DistinctCount, Flag, Maximum, Minimum, Register } from "./client/single_values.ts";
export type { Element } from "./client/typed_key.ts";
export type { Counter, ElementSet, ValueMap } from "./client/typed_values.ts";
export { type Key, UndecodedValue } from "./client/keys_and_values.ts";
export type { KvKeyPart } from "./base/kv_key.ts";
export type { ActorId, HybridTime } from "./causality/dot.ts";
export type { VersionVector } from "./causality/version_vector.ts";
export type { CounterOperation } from "./crdt/counter.ts";
export type { DocumentOperation } from "./crdt/document.ts";
export type { ExtremeOperation } from "./crdt/extremes.ts";
export type { FlagOperation } from "./crdt/flag.ts";
export type { HyperLogLogOperation } from "./crdt/hyperloglog.ts";
export type { Registers } from "./crdt/hyperloglog_registers.ts";
export type { MapOperation, NestedOperations } from "./crdt/map.ts";
export type { RegisterOperation } from "./crdt/register.ts";
export type { SetOperation } from "./crdt/set.ts";
export type { StoredValue, ValueKind } from "./crdt/value.ts";
export {
  type AdminApi,
  type DeleteResult,
  type DiskState,
  type GetOptions,
  type InitLayoutOptions,
  type KeyPlacement,
  type KeyValueApi,
  type MapEntry,
  type Measurement,
  type MemberSource,
  type MemberState,
  type MemberView,
  type MergedValues,
  type NestedOperation,
  type NestedValues,
  type NodeApi,
  type NodeStatus,
  type OperationId,
  type OperationResult,
  type PutOptions,
  type QuorumLevel,
  type ReadOptions,
  type ReadResult,
  type RequestOptions,
  type RingMemberView,
  type RingView,
  type ScanOptions,
  type ScanPage,
  type ScanPosition,
  TYPE_NAMES,
  type TypeName,
  type UpdateResult,
  type WriteOptions,
  type WriteResult,
} from "./node/api.ts";
export type {
  NamespaceApi,
  NamespacesView,
  NamespaceView,
  SettingsInForce,
  SettingsOfPrefix,
} from "./node/namespace_api.ts";
export type {
  DifferencesView,
  DifferenceView,
  EqualityView,
  HintedOwnerView,
  HintsView,
  PeerRepairView,
  RepairApi,
  RepairOptions,
  RepairView,
} from "./node/repair_api.ts";
export type { ConflictRule, Namespace, NamespaceSettings } from "./replica/namespaces.ts";
export {
  ConflictError,
  CorruptError,
  DenamoError,
  ERROR_CODES,
  type ErrorCode,
  type ErrorDetails,
  type FailedOutcome,
  OverloadedError,
  QuorumError,
  TimeoutError,
  TooLargeError,
} from "./wire/errors.ts";
export type { Log, LogFields } from "./ports/log.ts";
