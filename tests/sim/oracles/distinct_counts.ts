// A HyperLogLog has counted what was added (I9).
//
// Its estimate is a function of its registers, so these are compared and not the estimate: each is at least what the
// elements raise it to that were added with success, and at most what those do of which nobody knows as well.
// Where everything is known that is the union, exactly.

import { utf8 } from "../../../src/base/bytes.ts";
import { hash64 } from "../../../src/base/hash.ts";
import { entries, entryOf, type Registers } from "../../../src/crdt/hyperloglog_registers.ts";
import { isOk, mayHaveHappened, type Tried } from "./attempts.ts";

export interface DistinctAttempt extends Tried {
  readonly elements: readonly string[];
}

/** What is wrong with the registers. */
export function distinctProblem(
  attempts: readonly DistinctAttempt[],
  registers: Registers,
): string | undefined {
  const ranksOf = (which: (attempt: Tried) => boolean) =>
    ranksAfter(attempts.filter(which).flatMap(({ elements }) => elements.map(entry)));
  const [least, most] = [ranksOf(isOk), ranksOf(mayHaveHappened)];
  const held = ranksAfter(entries(registers));
  for (const index of new Set([...held.keys(), ...least.keys()])) {
    const [from, rank, to] = [least, held, most].map((some) => some.get(index) ?? 0);
    if (from! <= rank! && rank! <= to!) continue;
    return `Distinct count has register ${index} at ${rank}, which is not between ${from} and ${to}`;
  }
  return undefined;
}

function entry(element: string): number {
  return entryOf(hash64(utf8(element)));
}

/** By register the largest of its ranks, counted here without the code that is judged. */
function ranksAfter(entries: Iterable<number>): Map<number, number> {
  const ranks = new Map<number, number>();
  for (const entry of entries) {
    const index = Math.floor(entry / 64);
    ranks.set(index, Math.max(ranks.get(index) ?? 0, entry % 64));
  }
  return ranks;
}
