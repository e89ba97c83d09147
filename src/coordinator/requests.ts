// Client requests as they travel from the node that took them to the owner that coordinates them.
//
//   get    := 1 | key | r | strict | atLeast
//   put    := 2 | key | w | strict | context | kind | bytes | expiresAtMs | keepExpiry
//   delete := 3 | key | w | strict | context
//   expire := 4 | key | w | strict | expiresAtMs
//   update := 5 | key | w | strict | context | operation ...      as crdt/operation_codec.ts has them
//
// Contexts travel as causality/context.ts has them: the node that took the request has looked at their seals. Who
// forwards a read looks at its answer too (at_least.ts).

import { type Context, decodeContext, encodeContext } from "../causality/context.ts";
import { type HybridTime, MAX_FLOOR } from "../causality/dot.ts";
import type { DataObject } from "../crdt/data_object.ts";
import { decodeObject } from "../crdt/object_codec.ts";
import type { NestedOperation } from "../crdt/map.ts";
import { decodeOperation, encodeOperation } from "../crdt/operation_codec.ts";
import type { OperationResult } from "../crdt/typed_update.ts";
import { type StoredValue, VALUE_KINDS } from "../crdt/value.ts";
import { MalformedError } from "../base/malformed.ts";
import type { QuorumLevel } from "../replica/namespaces.ts";
import { Arguments } from "../wire/arguments.ts";
import { LIMITS } from "../wire/limits.ts";

interface Asked {
  readonly key: Uint8Array;
  /** How many owners; undefined leaves it to the namespace. */
  readonly level: QuorumLevel | undefined;
  readonly strict: boolean | undefined;
}

export interface GetRequest extends Asked {
  readonly op: "get";
  /** What the answer must have seen: all of these. */
  readonly atLeast: readonly Context[];
}

export interface PutRequest extends Asked {
  readonly op: "put";
  readonly context: Context | undefined;
  readonly value: StoredValue;
  readonly expiresAtMs: number | undefined;
  readonly keepExpiry: boolean;
}

export interface DeleteRequest extends Asked {
  readonly op: "delete";
  readonly context: Context | undefined;
}

export interface ExpireRequest extends Asked {
  readonly op: "expire";
  readonly expiresAtMs: number | undefined;
}

export interface UpdateRequest extends Asked {
  readonly op: "update";
  readonly context: Context | undefined;
  /** On values that merge, in this order. */
  readonly operations: readonly NestedOperation[];
}

export type ClientRequest =
  | GetRequest
  | PutRequest
  | DeleteRequest
  | ExpireRequest
  | UpdateRequest;

/** What the coordinating owner answers. */
export interface ClientAnswer {
  /** Of a get: what was read. */
  readonly object?: DataObject | undefined;
  /** Of a get: up to where the copies that were read have seen everything; 0 if that is not known. */
  readonly floor: HybridTime;
  /** Of a write: the values that its coordinator's copy holds. */
  readonly siblings: number;
  /** Of a write: what a read has to have seen to show it; undefined if nothing was written. */
  seen(): Context | undefined;
  /** Of a write: whether what it leaves was shown to its client, so that the same may replace it. */
  readonly isShown: boolean;
  /** Of a delete or expire: whether there was a value, and when it ended. */
  readonly existed: boolean;
  readonly expiresAtMs: number | undefined;
  /** Of an update: what came of each operation. */
  readonly results: readonly OperationResult[];
}

const OPS = ["get", "put", "delete", "expire", "update"] as const;

export function encodeClientRequest(request: ClientRequest): unknown[] {
  const parts: unknown[] = [
    OPS.indexOf(request.op) + 1,
    request.key,
    request.level === undefined ? null : [request.level],
    request.strict ?? null,
  ];
  switch (request.op) {
    case "get":
      return [...parts, request.atLeast.map(encodeContext)];
    case "put":
      return [
        ...parts,
        encoded(request.context),
        VALUE_KINDS.indexOf(request.value.kind),
        request.value.bytes,
        request.expiresAtMs ?? null,
        request.keepExpiry,
      ];
    case "delete":
      return [...parts, encoded(request.context)];
    case "expire":
      return [...parts, request.expiresAtMs ?? null];
    case "update":
      return [...parts, encoded(request.context), request.operations.map(encodeOperation)];
  }
}

/** @throws {MalformedError} */
export function decodeClientRequest(args: Arguments): ClientRequest {
  const op = OPS[args.count(OPS.length) - 1];
  const key = args.ownBytes(LIMITS.key);
  const level = args.optional(readLevel);
  const strict = args.optional((part) => part.flag());
  const asked = { key, level, strict };
  switch (op) {
    case "get":
      return { op, ...asked, atLeast: readContexts(args) };
    case "put": {
      const context = args.optional(readContext);
      const kind = VALUE_KINDS[args.count(VALUE_KINDS.length - 1)]!;
      const bytes = args.ownBytes(LIMITS.value);
      const expiresAtMs = args.optional(readEnd);
      return {
        op,
        ...asked,
        context,
        value: { kind, bytes },
        expiresAtMs,
        keepExpiry: args.flag(),
      };
    }
    case "delete":
      return { op, ...asked, context: args.optional(readContext) };
    case "expire":
      return { op, ...asked, expiresAtMs: args.optional(readEnd) };
    case "update": {
      const context = args.optional(readContext);
      const list = new Arguments(args.list(LIMITS.operationCount), "operations");
      const operations: NestedOperation[] = [];
      while (!list.isAtEnd) operations.push(decodeOperation(list.ownBytes(LIMITS.value)));
      return { op, ...asked, context, operations };
    }
    default:
      throw new MalformedError("client request", "its operation is unknown");
  }
}

export function encodeClientAnswer(answer: ClientAnswer): unknown[] {
  return [
    answer.object?.encoded() ?? null,
    answer.siblings,
    encoded(answer.seen()),
    answer.isShown,
    answer.existed,
    answer.expiresAtMs ?? null,
    answer.floor,
    answer.results.map(({ changed, count }) => [changed, count === undefined ? null : `${count}`]),
  ];
}

/** @throws {MalformedError} */
export function decodeClientAnswer(answer: readonly unknown[]): ClientAnswer {
  const args = new Arguments(answer, "client answer");
  // Owners merged at a read may hold more together than one of them may store.
  const bytes = args.optional((part) => part.ownBytes(LIMITS.message));
  const siblings = args.count();
  const seen = args.optional(readContext);
  const isShown = args.flag();
  const existed = args.flag();
  const expiresAtMs = args.optional((part) => part.count());
  const floor = args.optional((part) => part.count(MAX_FLOOR)) ?? 0;
  const results = (args.optional((it) => it.list(LIMITS.operationCount)) ?? []).map(readResult);
  return {
    floor,
    results,
    object: bytes === undefined ? undefined : decodeObject(bytes),
    siblings,
    seen: () => seen,
    isShown,
    existed,
    expiresAtMs,
  };
}

function encoded(context: Context | undefined): Uint8Array | null {
  return context === undefined ? null : encodeContext(context);
}

/** When a value ends: 0 stands for never in an object, and a request does not say it so. */
function readEnd(args: Arguments): number {
  const endMs = args.count();
  if (endMs === 0) throw new MalformedError("client request", "a value ends before all time");
  return endMs;
}

function readContext(args: Arguments): Context {
  return decodeContext(args.bytes(LIMITS.context));
}

function readContexts(args: Arguments): Context[] {
  const list = new Arguments(args.list(LIMITS.contextsOfReadCount), "contexts");
  const contexts: Context[] = [];
  while (!list.isAtEnd) contexts.push(readContext(list));
  return contexts;
}

function readResult(part: unknown): OperationResult {
  if (!Array.isArray(part)) throw new MalformedError("client answer", "a result is none");
  const args = new Arguments(part, "result");
  const changed = args.count();
  const digits = args.optional((it) => it.text());
  if (digits !== undefined && !/^-?[0-9]+$/.test(digits)) {
    throw new MalformedError("client answer", "a count is no number");
  }
  return { changed, count: digits === undefined ? undefined : BigInt(digits) };
}

function readLevel(args: Arguments): QuorumLevel {
  const [level] = args.list(1);
  if (typeof level === "number") return level;
  if (level === "one" || level === "quorum" || level === "all") return level;
  throw new MalformedError("client request", "its level is unknown");
}
