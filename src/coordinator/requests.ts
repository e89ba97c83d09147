// Client requests as they travel from the node that took them to the owner that coordinates them.
//
//   get    := 1 | key | r | strict | atLeast
//   put    := 2 | key | w | strict | context | kind | bytes | expiresAtMs | keepExpiry
//   delete := 3 | key | w | strict | context
//   expire := 4 | key | w | strict | expiresAtMs
//   update := 5 | key | w | strict | context | operation ...      as crdt/operation_codec.ts has them
//
// A node that knows nothing of `atLeast` answers without it; who forwards looks at the answer (at_least.ts).

import { type HybridTime, MAX_TIME } from "../causality/dot.ts";
import type { DataObject } from "../crdt/data_object.ts";
import { decodeObject } from "../crdt/object_codec.ts";
import type { NestedOperation } from "../crdt/map.ts";
import { decodeOperation, encodeOperation } from "../crdt/operation_codec.ts";
import type { OperationResult } from "../crdt/typed_update.ts";
import type { StoredValue, ValueKind } from "../crdt/value.ts";
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
  /** A token: the answer must have seen what it has. */
  readonly atLeast: string | undefined;
}

export interface PutRequest extends Asked {
  readonly op: "put";
  readonly context: string | undefined;
  readonly value: StoredValue;
  readonly expiresAtMs: number | undefined;
  readonly keepExpiry: boolean;
}

export interface DeleteRequest extends Asked {
  readonly op: "delete";
  readonly context: string | undefined;
}

export interface ExpireRequest extends Asked {
  readonly op: "expire";
  readonly expiresAtMs: number | undefined;
}

export interface UpdateRequest extends Asked {
  readonly op: "update";
  readonly context: string | undefined;
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
  /** Of a write: the values that its coordinator's copy holds, and a context if it may give one. */
  readonly siblings: number;
  context(): string | undefined;
  /** Of a write: a token that a later read may carry to see it. */
  atLeast(): string | undefined;
  /** Of a delete or expire: whether there was a value, and when it ended. */
  readonly existed: boolean;
  readonly expiresAtMs: number | undefined;
  /** Of an update: what came of each operation. */
  readonly results: readonly OperationResult[];
}

const OPS = ["get", "put", "delete", "expire", "update"] as const;
const KINDS: readonly ValueKind[] = ["bytes", "text", "msgpack"];

export function encodeClientRequest(request: ClientRequest): unknown[] {
  const parts: unknown[] = [
    OPS.indexOf(request.op) + 1,
    request.key,
    request.level === undefined ? null : [request.level],
    request.strict ?? null,
  ];
  switch (request.op) {
    case "get":
      return [...parts, tokenOf(request.atLeast)];
    case "put":
      return [
        ...parts,
        tokenOf(request.context),
        KINDS.indexOf(request.value.kind),
        request.value.bytes,
        request.expiresAtMs ?? null,
        request.keepExpiry,
      ];
    case "delete":
      return [...parts, tokenOf(request.context)];
    case "expire":
      return [...parts, request.expiresAtMs ?? null];
    case "update":
      return [...parts, tokenOf(request.context), request.operations.map(encodeOperation)];
  }
}

/** A token that a program has made up may be no UTF-8, and would make the whole message malformed. */
function tokenOf(token: string | undefined): string | null {
  return token?.toWellFormed() ?? null;
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
      return { op, ...asked, atLeast: args.optional((part) => part.text(LIMITS.contextToken)) };
    case "put": {
      const context = args.optional((part) => part.text(LIMITS.contextToken));
      const kind = KINDS[args.count(KINDS.length - 1)]!;
      const bytes = args.ownBytes(LIMITS.value);
      const expiresAtMs = args.optional((part) => part.count());
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
      return { op, ...asked, context: args.optional((part) => part.text(LIMITS.contextToken)) };
    case "expire":
      return { op, ...asked, expiresAtMs: args.optional((part) => part.count()) };
    case "update": {
      const context = args.optional((part) => part.text(LIMITS.contextToken));
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
  const context = answer.context();
  return [
    answer.object?.encoded() ?? null,
    answer.siblings,
    context ?? null,
    answer.existed,
    answer.expiresAtMs ?? null,
    context === undefined ? answer.atLeast() ?? null : null,
    answer.floor,
    answer.results.map(({ changed, count }) => [changed, count === undefined ? null : `${count}`]),
  ];
}

/** @throws {MalformedError} */
export function decodeClientAnswer(parts: readonly unknown[]): ClientAnswer {
  const args = new Arguments(parts, "client answer");
  // Owners merged at a read may hold more together than one of them may store.
  const bytes = args.optional((part) => part.ownBytes(LIMITS.message));
  const siblings = args.count();
  const token = args.optional((part) => part.text(LIMITS.contextToken));
  const existed = args.flag();
  const expiresAtMs = args.optional((part) => part.count());
  const atLeast = args.optional((part) => part.text(LIMITS.contextToken));
  const floor = args.optional((part) => part.count(MAX_TIME)) ?? 0;
  const results = (args.optional((it) => it.list(LIMITS.operationCount)) ?? []).map(readResult);
  return {
    floor,
    results,
    object: bytes === undefined ? undefined : decodeObject(bytes),
    siblings,
    context: () => token,
    atLeast: () => token ?? atLeast,
    existed,
    expiresAtMs,
  };
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
