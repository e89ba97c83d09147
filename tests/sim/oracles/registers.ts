// A register shows the last of what was written (I9).
//
// "Last" is by dot, time before actor, which depends on nobody's having seen anything. A request may draw several
// dots, if it was coordinated more than once. Of one that succeeded the earliest of its dots is there at least,
// so what is shown must have a dot that is not before the earliest of any successful write; and if anything
// was written with success, something is shown.

import { compareDots, type Dot } from "../../../src/causality/dot.ts";
import { isOk, mayHaveHappened, type Tried } from "./attempts.ts";

export interface RegisterAttempt extends Tried {
  /** Written once. */
  readonly value: string;
  /** The dots that were drawn for it. */
  readonly dots: readonly Dot[];
}

/** What is wrong with the value that a register shows; undefined stands for none. */
export function registerProblem(
  name: string,
  attempts: readonly RegisterAttempt[],
  value: string | undefined,
): string | undefined {
  const surely = attempts.filter((attempt) => isOk(attempt));
  if (value === undefined) {
    if (surely.length === 0) return undefined;
    return `Register ${name} shows nothing, and ${surely[0]!.value} was written with success`;
  }
  const shown = attempts.find((attempt) => mayHaveHappened(attempt) && attempt.value === value);
  if (shown === undefined) return `Register ${name} shows ${value}, which nobody has written`;
  const latest = shown.dots.toSorted(compareDots).at(-1);
  for (const attempt of surely) {
    const earliest = attempt.dots.toSorted(compareDots)[0];
    if (attempt === shown || earliest === undefined || latest === undefined) continue;
    if (compareDots(earliest, latest) <= 0) continue;
    return `Register ${name} shows ${value}, and ${attempt.value} was written later with success`;
  }
  return undefined;
}
