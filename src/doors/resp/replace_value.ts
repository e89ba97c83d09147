// Putting what was computed or read in the place of whatever a key holds, as COPY and SINTERSTORE do.
//
// Redis does this within one moment. Here the sources are read first, then the key is written: what is written to the
// sources in between is not in it, and where another type of value has to go first a reader may find nothing.

import { binaryString } from "../../base/bytes.ts";
import {
  MergedValues,
  type NestedOperation,
  type NodeApi,
  type ReadResult,
} from "../../node/api.ts";
import { DenamoError } from "../../wire/errors.ts";
import { change } from "./typed_values.ts";
import { stepsOf, writeSteps } from "./write_steps.ts";

/** Makes a key hold exactly these elements as a set, without an end. `before` is what a read of it has found. */
export async function replaceBySet(
  api: NodeApi,
  key: Uint8Array,
  elements: readonly Uint8Array[],
  before: ReadResult,
): Promise<void> {
  if (elements.length === 0) {
    if (before.exists) await api.delete(key, { context: before.context() });
    return;
  }
  const isSet = before.value === undefined && before.merged.types.every((type) => type === "set");
  if (!isSet) await api.delete(key, { context: before.context() });
  const held = isSet ? before.merged.valueOf("set") ?? [] : [];
  const wanted = new Set(elements.map(binaryString));
  const added = elements.filter((element) => !isSet || !before.merged.hasElement(element));
  const gone = held.filter((element) => !wanted.has(binaryString(element)));
  // Elements are added before others are removed, so that the set is never empty, which would end it.
  const operations = [
    ...stepsOf(added, ({ length }) => length).map((step) => addition(step)),
    ...stepsOf(gone, ({ length }) => length).map((step) => removal(step)),
  ];
  await writeOperations(api, key, operations);
  if (isSet && before.expiresAtMs !== undefined) await api.expire(key, undefined);
}

/** Carries out operations, each of them no larger than one request takes. */
export async function writeOperations(
  api: NodeApi,
  key: Uint8Array,
  operations: readonly NestedOperation[],
): Promise<void> {
  await writeSteps(stepsOf(operations, sizeOf), async (step) => {
    await change(api, key, step);
    return 0;
  });
}

/**
 * What makes an empty key hold the values that merge of another.
 *
 * @throws {DenamoError} `unsupported` for types that no operation makes again from what they show
 */
export function operationsOf({ merged }: ReadResult): NestedOperation[] {
  const operations: NestedOperation[] = [];
  for (const type of merged.types) {
    if (type === "set") {
      const elements = merged.valueOf("set") ?? [];
      operations.push(...stepsOf(elements, ({ length }) => length).map((step) => addition(step)));
    } else if (type === "counter") {
      operations.push(counting(merged.valueOf("counter") ?? 0n));
    } else if (type === "hyperloglog") {
      operations.push(MergedValues.mergeOfDistinct([merged]));
    } else if (type === "map") {
      for (const entry of merged.valueOf("map") ?? []) {
        if (entry.type === "register") {
          const value = entry.value;
          operations.push(
            under(entry.key, { type: "register", operation: { kind: "set", value } }),
          );
        } else if (entry.type === "counter") {
          operations.push(under(entry.key, counting(entry.value)));
        } else {
          throw cannotCopy(`a map with a ${entry.type}`);
        }
      }
    } else {
      throw cannotCopy(`a ${type}`);
    }
  }
  return operations;
}

function addition(elements: readonly Uint8Array[]): NestedOperation {
  return { type: "set", operation: { kind: "add", elements } };
}

function removal(elements: readonly Uint8Array[]): NestedOperation {
  return { type: "set", operation: { kind: "remove", elements, seen: undefined } };
}

function counting(sum: bigint): NestedOperation {
  const amount = Number(sum);
  if (!Number.isSafeInteger(amount)) throw cannotCopy("a counter beyond 2^53");
  return { type: "counter", operation: { kind: "add", amount, id: undefined } };
}

function under(key: Uint8Array, nested: NestedOperation): NestedOperation {
  return { type: "map", operation: { kind: "update", key, nested } };
}

function cannotCopy(what: string): DenamoError {
  return new DenamoError("unsupported", "no", `Cannot copy ${what}`);
}

/** About what an operation takes in a request. */
function sizeOf({ type, operation }: NestedOperation): number {
  if (type === "set" && "elements" in operation) {
    return operation.elements.reduce((sum, { length }) => sum + length + 8, 0);
  }
  if (type === "map" && operation.kind === "update") {
    return operation.key.length + sizeOf(operation.nested);
  }
  if (type === "register") return operation.value.bytes.length;
  return type === "hyperloglog" ? 16 * 1024 : 16;
}
