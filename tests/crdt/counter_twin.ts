// The counter beside a twin that keeps every operation, and adds up what is no echo and not removed.

import fc from "fast-check";
import { compareDots } from "../../src/causality/dot.ts";
import { counter, type CounterOperation, type CounterStore } from "../../src/crdt/counter.ts";
import type { Happening, TypeUnderTest } from "./laws.ts";

/** @param untilMs the end of the operation; the times of dots here are far below the first millisecond */
export function add(amount: number, number?: number, untilMs = 0): CounterOperation {
  const id = number === undefined ? undefined : { session: "s", number, untilMs };
  return { kind: "add", amount, id };
}

/** The number of an operation that may be tried for longer than any history lasts. */
const LASTING = 2;

type Happened = Happening<CounterOperation>;
type Add = Happened & { readonly operation: CounterOperation };

/** The operations that counted: a coordinator that knew an id did not count it again. */
function countedIn(happenings: readonly Happened[]): Add[] {
  return happenings.filter((one): one is Add =>
    one.operation !== "clear" &&
    !happenings.some((other) => isSameId(one, other) && (one.known & other.bit) !== 0)
  );
}

/** Whether a removal had seen everything that the actor of `add` had counted where it was made. */
function isRemoved(add: Add, happenings: readonly Happened[], counted: readonly Add[]): boolean {
  const ofActor = counted.filter(({ dot }) => dot.actor === add.dot.actor);
  return happenings.some(({ operation, covered, known }) =>
    operation === "clear" && (covered & add.bit) !== 0 &&
    ofActor.every(({ bit }) => (known & bit) === 0 || (covered & bit) !== 0)
  );
}

/** Whether there is a counter at all, which may well be at 0. */
export function isCounter(happenings: readonly Happened[]): boolean {
  const counted = countedIn(happenings);
  return counted.some((add) => !isRemoved(add, happenings, counted));
}

function isSameId(a: Happened, b: Happened): boolean {
  return a.operation !== "clear" && b.operation !== "clear" &&
    a.operation.id !== undefined && a.operation.id.number === b.operation.id?.number;
}

export const counterTest: TypeUnderTest<CounterStore, CounterOperation, bigint> = {
  type: counter,
  operations: fc.tuple(
    fc.integer({ min: -9, max: 9 }),
    fc.option(fc.nat(2), { nil: undefined }),
  ).map(([amount, number]) => add(amount, number, number === LASTING ? 1 : 0)),
  withSeen: (operation) => operation,
  twin: (happenings) => {
    const counted = countedIn(happenings);
    let sum = 0n;
    for (const one of counted) {
      const isEcho = counted.some((other) =>
        isSameId(one, other) && compareDots(other.dot, one.dot) < 0
      );
      if (!isEcho && !isRemoved(one, happenings, counted)) sum += BigInt(one.operation.amount);
    }
    return sum;
  },
  show: (value) => value,
  isRefused: (operation, forgotten) =>
    operation.id?.untilMs === 0 &&
    forgotten.some(({ operation: other }) =>
      other !== "clear" && other.id?.number === operation.id?.number
    ),
};
