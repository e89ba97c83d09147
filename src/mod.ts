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
export type { Entry, ListEntry, ListOptions, Written } from "./client/database.ts";
export type { AddOptions } from "./client/typed_values.ts";
export type { SessionOptions } from "./client/session.ts";
export type { LiveDocument } from "./client/live_document.ts";
export type { DistinctCount, Flag, Maximum, Minimum, Register } from "./client/single_values.ts";
export type { Element } from "./client/typed_key.ts";
export type { Counter, ElementSet, ValueMap } from "./client/typed_values.ts";
export { type Key, UndecodedValue } from "./client/keys_and_values.ts";
export type {
  DeleteResult,
  GetOptions,
  KeyPlacement,
  MemberState,
  MemberView,
  NodeApi,
  NodeStatus,
  OperationId,
  PutOptions,
  ReadOptions,
  ReadResult,
  RingView,
  WriteOptions,
  WriteResult,
} from "./node/api.ts";
export type {
  DifferencesView,
  DifferenceView,
  EqualityView,
  HintedOwnerView,
  HintsView,
  PeerRepairView,
  RepairOptions,
  RepairView,
} from "./node/repair_api.ts";
export type { ConflictRule, NamespaceSettings, QuorumLevel } from "./replica/namespaces.ts";
export {
  ConflictError,
  CorruptError,
  DenamoError,
  type ErrorCode,
  type FailedOutcome,
  OverloadedError,
  QuorumError,
  TimeoutError,
  TooLargeError,
} from "./wire/errors.ts";
export type { Log } from "./ports/log.ts";
