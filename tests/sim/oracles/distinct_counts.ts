// A HyperLogLog has counted what was added (I9).
//
// Its estimate is a function of its registers, so these are compared and not the estimate: each is at least what the
// elements raise it to that were added with success, and at most what those do of which nobody knows as well.
// Where everything is known that is the union, exactly.

import { utf8 } from "../../../src/base/bytes.ts";
import { hash64 } from "../../../src/base/hash.ts";
import {
  entries,
  entryOf,
  NO_REGISTERS,
  raise,
  type Registers,
} from "../../../src/crdt/hyperloglog_registers.ts";
import { isOk, mayHaveHappened, type Tried } from "./attempts.ts";

export interface DistinctAttempt extends Tried {
  readonly elements: readonly string[];
}

/** The registers of a HyperLogLog that has counted these elements. */
export function registersOf(elements: readonly string[]): Registers {
  return raise(NO_REGISTERS, elements.map((element) => entryOf(hash64(utf8(element)))));
}

/** What is wrong with the registers. */
export function distinctProblem(
  attempts: readonly DistinctAttempt[],
  registers: Registers,
): string | undefined {
  const ranksOf = (which: (attempt: Tried) => boolean) =>
    ranks(registersOf(attempts.filter(which).flatMap(({ elements }) => elements)));
  const [least, most, held] = [ranksOf(isOk), ranksOf(mayHaveHappened), ranks(registers)];
  for (const index of new Set([...held.keys(), ...least.keys()])) {
    const [from, rank, to] = [least, held, most].map((some) => some.get(index) ?? 0);
    if (from! <= rank! && rank! <= to!) continue;
    return `Distinct count has register ${index} at ${rank}, which is not between ${from} and ${to}`;
  }
  return undefined;
}

/** By register, what it has been raised to. */
function ranks(registers: Registers): Map<number, number> {
  return new Map(
    [...entries(registers)].map((entry) => [Math.floor(entry / 64), entry % 64]),
  );
}
