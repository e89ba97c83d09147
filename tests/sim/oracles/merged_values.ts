// Counters and sets are what was done to them (I8, I10; for sets see presence.ts).
//
// A counter shows, when all is healed, everything that was added with success, once, and of what nobody knows any
// part:
//
//   sum of ok + sum of the negative unknown  <=  value  <=  sum of ok + sum of the positive unknown
//
// Source: Jepsen, checker/counter.

import type { Tried } from "./attempts.ts";
import { presenceProblems } from "./presence.ts";

/** What a client has tried, and what became of it. */
export interface Attempt extends Tried {
  readonly kind: "count" | "add" | "remove";
  /** Of which counter, or of which element. */
  readonly name: string;
  /** What was added to a counter. */
  readonly amount: number;
}

/** What is wrong with the value of a counter. */
export function counterProblem(
  name: string,
  attempts: readonly Attempt[],
  value: bigint,
): string | undefined {
  const own = attempts.filter((attempt) => attempt.kind === "count" && attempt.name === name);
  const sum = (counts: (attempt: Attempt) => boolean) =>
    BigInt(own.filter(counts).reduce((total, { amount }) => total + amount, 0));
  const certain = sum(({ outcome }) => outcome === "ok");
  const least = certain + sum(({ amount, outcome }) => outcome === "unknown" && amount < 0);
  const most = certain + sum(({ amount, outcome }) => outcome === "unknown" && amount > 0);
  if (least <= value && value <= most) return undefined;
  return `Counter ${name} shows ${value}, which is not between ${least} and ${most}`;
}

/** What is wrong with the elements of a set. */
export function setProblems(
  attempts: readonly Attempt[],
  elements: readonly string[],
  seesAll: boolean,
): string[] {
  const ofSet = attempts.flatMap((attempt) => {
    const { kind } = attempt;
    return kind === "count" ? [] : [{ ...attempt, kind }];
  });
  return presenceProblems("Element", ofSet, elements, seesAll);
}
