// The HyperLogLog beside a twin that keeps every element, and of each add what it was added to.

import fc from "fast-check";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { hash64 } from "../../src/base/hash.ts";
import {
  hyperLogLog,
  type HyperLogLogOperation,
  type HyperLogLogStore,
} from "../../src/crdt/hyperloglog.ts";
import { entries, entryOf, NO_REGISTERS, raise } from "../../src/crdt/hyperloglog_registers.ts";
import type { Happening, TypeUnderTest } from "./laws.ts";

export function add(...elements: string[]): HyperLogLogOperation {
  return { kind: "add", elements: elements.map(utf8) };
}

const NAMES = ["a", "b", "c", "d", "e", "f", "g"];

/** The merge of a HyperLogLog that has counted these. */
export function mergeOf(...elements: string[]): HyperLogLogOperation {
  const registers = raise(NO_REGISTERS, elements.map((element) => entryOf(hash64(utf8(element)))));
  return { kind: "merge", registers };
}

function elementsOf(operation: HyperLogLogOperation): string[] {
  if (operation.kind === "add") return operation.elements.map(utf8Text);
  const given = new Set(entries(operation.registers));
  return NAMES.filter((name) => given.has(entryOf(hash64(utf8(name)))));
}

/** The adds that are left, of everything that began and was not removed. */
function left(
  happenings: readonly Happening<HyperLogLogOperation>[],
): { element: string; beginning: Happening<HyperLogLogOperation> }[] {
  const isLive = (beginning: Happening<HyperLogLogOperation>, known: number) =>
    !happenings.some(({ operation, covered, bit }) =>
      operation === "clear" && (known & bit) !== 0 && (covered & beginning.bit) !== 0
    );
  const beginnings: Happening<HyperLogLogOperation>[] = [];
  const added: { element: string; beginning: Happening<HyperLogLogOperation> }[] = [];
  for (const one of happenings) {
    if (one.operation === "clear") continue;
    const [held] = beginnings
      .filter((other) => (one.known & other.bit) !== 0 && isLive(other, one.known))
      .sort((a, b) => a.dot.actor < b.dot.actor ? -1 : 1);
    if (held === undefined) beginnings.push(one);
    for (const element of elementsOf(one.operation)) {
      added.push({ element, beginning: held ?? one });
    }
  }
  return added.filter(({ beginning }) => isLive(beginning, ~0));
}

export const hyperLogLogTest: TypeUnderTest<HyperLogLogStore, HyperLogLogOperation, number> = {
  type: hyperLogLog,
  operations: fc.tuple(
    fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }),
    fc.nat(3),
  ).map(([elements, kind]) => kind === 0 ? mergeOf(...elements) : add(...elements)),
  withSeen: (operation) => operation,
  // So few different things are counted exactly.
  twin: (happenings) => new Set(left(happenings).map(({ element }) => element)).size,
  show: (value) => value,
};
