// Waiting for the own copy no longer than a request may take.
//
// A disk may be slow for seconds, and a client is told in time what became of its request all the same.

import type { Deadlines } from "../wire/deadlines.ts";
import { TimeoutError } from "../wire/errors.ts";

export interface Patience {
  readonly deadlines: Deadlines;
  readonly timeoutMs: number;
  /** What takes so long, for the error. */
  readonly what: string;
  /** Asked when time is up; if it says no, the waiting goes on. */
  readonly giveUp?: () => boolean;
}

/**
 * What `pending` comes to, if it does in time.
 *
 * @throws {TimeoutError} with the outcome `no`
 */
export async function inTime<T>(
  pending: Promise<T>,
  { deadlines, giveUp, timeoutMs, what }: Patience,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const deadline = deadlines.set(timeoutMs, () => {
    if (giveUp?.() !== false) late.reject(new TimeoutError(what, "no", timeoutMs));
  });
  try {
    return await Promise.race([pending, late.promise]);
  } finally {
    deadlines.clear(deadline);
  }
}
