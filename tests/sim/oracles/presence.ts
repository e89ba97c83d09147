// What was added is there and what was removed is not (I10): elements of sets, flags, what is in maps.
//
// A thing is there if it was added with success after every removal of it had ended; it is not if nobody has ever
// added it, or, where every removal has seen every add before it (`seesAll`), if it was removed with success
// after every add had ended. An add and a removal side by side may come out either way.
//
// Source: Jepsen, checker/set-full.

import { isBefore, isOk, mayHaveHappened, type Tried } from "./attempts.ts";

export interface PresenceAttempt extends Tried {
  readonly kind: "add" | "remove";
  /** Of what. */
  readonly name: string;
}

/**
 * What is wrong with the things that are there.
 *
 * @param noun what they are, such as "Element"
 * @param present the names of those that are there
 */
export function presenceProblems(
  noun: string,
  attempts: readonly PresenceAttempt[],
  present: readonly string[],
  seesAll: boolean,
): string[] {
  const problems: string[] = [];
  const happened = attempts.filter(mayHaveHappened);
  const names = new Set([...happened.map(({ name }) => name), ...present]);
  for (const name of names) {
    const of = (kind: PresenceAttempt["kind"]) =>
      happened.filter((attempt) => attempt.kind === kind && attempt.name === name);
    const [adds, removals] = [of("add"), of("remove")];
    const isThere = present.includes(name);
    if (isThere && adds.length === 0) problems.push(`${noun} ${name} was never added`);
    if (!isThere && adds.some((add) => isOk(add) && removals.every((it) => isBefore(it, add)))) {
      problems.push(`${noun} ${name} was added with success and is lost`);
    }
    const isGone = (removal: Tried) => isOk(removal) && adds.every((it) => isBefore(it, removal));
    if (isThere && seesAll && removals.some(isGone)) {
      problems.push(`${noun} ${name} was removed with success and has come back`);
    }
  }
  return problems;
}
