// A maximum is the largest number that was put, and a minimum the smallest (I9).
//
// Nothing is removed, so it is the extreme of all that was put with success, or a number beyond it of which
// nobody knows whether it was put.

import { isOk, mayHaveHappened, type Tried } from "./attempts.ts";

export interface ExtremeAttempt extends Tried {
  readonly value: number;
}

/** What is wrong with the extreme that is shown; undefined stands for none. */
export function extremeProblem(
  name: "max" | "min",
  attempts: readonly ExtremeAttempt[],
  value: number | undefined,
): string | undefined {
  const noun = name === "max" ? "Maximum" : "Minimum";
  const extreme = name === "max" ? Math.max : Math.min;
  const values = (which: (attempt: Tried) => boolean) =>
    attempts.filter(which).map((attempt) => attempt.value);
  const surely = values(isOk);
  if (value === undefined) {
    return surely.length === 0 ? undefined : `${noun} shows nothing, and ${surely[0]} was put`;
  }
  if (!values(mayHaveHappened).includes(value)) {
    return `${noun} shows ${value}, which nobody has put`;
  }
  const most = extreme(...surely, value);
  return most === value ? undefined : `${noun} shows ${value}, and ${most} was put with success`;
}
