// A value ends when it was told to, whichever clock is wrong (I20).
//
// It is shown until shortly before that, and not any more from shortly after it. In between either is right: clocks of
// one cluster agree to within the limit that keeps a node from coordinating, and requests take their time.

import { type Operation, showOperation } from "../history.ts";

/**
 * What is wrong with a read of a value that has a time to live.
 *
 * @param ageMs how old the value was when the read began and when it had ended, in milliseconds
 */
export function lifetimeProblem(
  value: string,
  lifeMs: number,
  marginMs: number,
  [youngestMs, oldestMs]: readonly [number, number],
  read: Operation,
): string | undefined {
  if (read.outcome !== "ok") return undefined;
  const isShown = read.siblings.includes(value);
  if (!isShown && oldestMs <= lifeMs - marginMs) {
    return `${value} has ended ${lifeMs - oldestMs} ms too early: ${showOperation(read)}`;
  }
  if (isShown && youngestMs >= lifeMs + marginMs) {
    return `${value} is shown ${youngestMs - lifeMs} ms after its end: ${showOperation(read)}`;
  }
  return undefined;
}
