// What a request must be before it goes anywhere.

import type { NestedOperation } from "../crdt/map.ts";
import { encodeOperation } from "../crdt/operation_codec.ts";
import { keyOfId } from "../crdt/operation_id.ts";
import { DenamoError, TooLargeError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import type { ClientRequest } from "./requests.ts";

/** @throws {DenamoError} with the outcome `no`: what is too large, or no operation */
export function checkRequest(request: ClientRequest): void {
  checkKey(request.key);
  if (request.op === "update") checkOperations(request.operations);
  if (request.op !== "put") return;
  const { length } = request.value.bytes;
  if (length > LIMITS.value) throw new TooLargeError("The value", LIMITS.value, length);
}

function checkOperations(operations: readonly NestedOperation[]): void {
  const { length } = operations;
  if (length === 0) throw new DenamoError("bad_request", "no", "There is no operation");
  if (length > LIMITS.operationCount) {
    throw new TooLargeError("The list of operations", LIMITS.operationCount, length);
  }
  for (const operation of operations) checkNumbers(operation);
  const bytes = operations.reduce((sum, it) => sum + encodeOperation(it).length, 0);
  if (bytes > LIMITS.value) throw new TooLargeError("All operations together", LIMITS.value, bytes);
}

/** What no message can hold would never get to a coordinator that refuses it. */
function checkNumbers({ operation, type }: NestedOperation): void {
  if (type === "map" && operation.kind === "update") return checkNumbers(operation.nested);
  if ((type === "max" || type === "min") && !Number.isFinite(operation.value)) {
    throw new DenamoError("bad_request", "no", `Cannot put ${operation.value} into a ${type}`);
  }
  if (type !== "counter") return;
  const { amount, id } = operation;
  if (!Number.isSafeInteger(amount)) {
    throw new DenamoError("bad_request", "no", `Cannot add ${amount} to a counter`);
  }
  if (id === undefined) return;
  try {
    keyOfId(id);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new DenamoError("bad_request", "no", error.message);
  }
}

function checkKey(key: Uint8Array): void {
  if (key.length > LIMITS.key) throw new TooLargeError("The key", LIMITS.key, key.length);
  let escaped = key.length;
  for (let i = 0; i < key.length; i++) if (key[i] === 0) escaped++;
  if (escaped > LIMITS.escapedKey) {
    throw new TooLargeError("The key with its NUL bytes escaped", LIMITS.escapedKey, escaped);
  }
}
