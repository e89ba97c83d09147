// Objects with a little of everything in them, from a seed: what decoders are fed with.

import { utf8 } from "../../src/base/bytes.ts";
import type { SeededRandom } from "../../src/base/seeded_random.ts";
import { MAX_TIME } from "../../src/causality/dot.ts";
import { DataObject, type Opaque } from "../../src/crdt/data_object.ts";
import type { NestedOperation } from "../../src/crdt/map.ts";
import { UPDATES } from "../crdt/document_twin.ts";

/** A whole number below `end`. */
export function below(random: SeededRandom, end: number): number {
  return random.uint32() % end;
}

/** One of these. */
export function oneOf<T>(random: SeededRandom, all: readonly T[]): T {
  return all[below(random, all.length)]!;
}

/** Numbers at which something may change: small ones, and those at the edges of what is written. */
export function edgeNumber(random: SeededRandom): number {
  const edges = [0, 1, 127, 128, 16_383, 2 ** 31, 2 ** 32, MAX_TIME, Number.MAX_SAFE_INTEGER];
  return oneOf(random, [below(random, 10), below(random, 100_000), oneOf(random, edges)]);
}

const TEXTS = ["", "a", "b", "key", "ä", "\u{1f600}", "\uffff", "x".repeat(70)];

function bytes(random: SeededRandom): Uint8Array<ArrayBuffer> {
  return below(random, 2) === 0 ? utf8(oneOf(random, TEXTS)) : random.bytes(below(random, 20));
}

/** An operation on any type, also in maps. */
export function sampleOperation(random: SeededRandom, depth = 0): NestedOperation {
  const list = () => Array.from({ length: below(random, 4) }, () => bytes(random));
  const amount = below(random, 1_000) - 500;
  const id = below(random, 2) === 0
    ? undefined
    : { session: oneOf(random, ["s1", "s2"]), number: below(random, 5), untilMs: 1_000 };
  const operations: (() => NestedOperation)[] = [
    () => ({ type: "counter", operation: { kind: "add", amount, id } }),
    () => ({ type: "set", operation: { kind: "add", elements: list() } }),
    () => ({ type: "set", operation: { kind: "remove", elements: list(), seen: undefined } }),
    () => ({ type: "map", operation: { kind: "remove", keys: list(), seen: undefined } }),
    () => ({ type: "flag", operation: { kind: "enable" } }),
    () => ({
      type: "register",
      operation: { kind: "set", value: { kind: "text", bytes: bytes(random) } },
    }),
    () => ({ type: "max", operation: { kind: "put", value: amount / 4 } }),
    () => ({ type: "min", operation: { kind: "put", value: amount / 4 } }),
    () => ({ type: "hyperloglog", operation: { kind: "add", elements: list() } }),
    () => ({ type: "document", operation: { kind: "edit", update: oneOf(random, UPDATES) } }),
    () => ({
      type: "map",
      operation: {
        kind: "update",
        key: bytes(random),
        nested: sampleOperation(random, depth + 1),
      },
    }),
  ];
  // The last of them goes on, up to some depth.
  return operations[below(random, depth < 4 ? operations.length : operations.length - 1)]!();
}

/** What two copies of a key hold after some writes: the first has not seen all that the second has. */
export function sampleObjects(random: SeededRandom): [before: DataObject, after: DataObject] {
  let object = DataObject.empty;
  let before = object;
  const writes = 1 + below(random, 12);
  const beforeCount = below(random, writes);
  for (let i = 0; i < writes; i++) {
    if (i === beforeCount) before = object;
    const dot = { actor: oneOf(random, ["n1~a", "n2~b", "n10~c"]), time: 2_048 + i };
    const value: Opaque = below(random, 4) === 0 ? null : {
      kind: oneOf(random, ["bytes", "text", "msgpack"] as const),
      bytes: bytes(random),
    };
    const seen = below(random, 2) === 0 ? object.vector() : new Map<string, number>();
    const expiresAtMs = below(random, 3) === 0 ? below(random, 1_000) : undefined;
    switch (below(random, 4)) {
      case 0:
        object = object.write(dot, value, seen, expiresAtMs);
        break;
      case 1:
        object = object.expire(dot, expiresAtMs);
        break;
      default:
        object = object.update(dot, sampleOperation(random));
    }
  }
  return [before, object];
}
