// The HyperLogLog beside a twin that keeps every element, and of each add what it was added to.

import fc from "fast-check";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import {
  hyperLogLog,
  type HyperLogLogOperation,
  type HyperLogLogStore,
} from "../../src/crdt/hyperloglog.ts";
import type { Happening, TypeUnderTest } from "./laws.ts";

export function add(...elements: string[]): HyperLogLogOperation {
  return { kind: "add", elements: elements.map(utf8) };
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
    for (const element of one.operation.elements) {
      added.push({ element: utf8Text(element), beginning: held ?? one });
    }
  }
  return added.filter(({ beginning }) => isLive(beginning, ~0));
}

export const hyperLogLogTest: TypeUnderTest<HyperLogLogStore, HyperLogLogOperation, number> = {
  type: hyperLogLog,
  operations: fc.array(fc.constantFrom("a", "b", "c", "d", "e", "f", "g"), {
    minLength: 1,
    maxLength: 3,
  }).map((elements) => add(...elements)),
  withSeen: (operation) => operation,
  // So few different things are counted exactly.
  twin: (happenings) => new Set(left(happenings).map(({ element }) => element)).size,
  show: (value) => value,
};
