// Waiting for the own copy no longer than a request may take.
//
// A disk may be slow for seconds, and a client is told in time what became of its request all the same.

import { showBytes } from "../base/bytes.ts";
import type { Deadlines } from "../wire/deadlines.ts";
import { TimeoutError } from "../wire/errors.ts";

/** How long to wait for the copy of a key. */
export interface Patience {
  readonly deadlines: Deadlines;
  /** In milliseconds. */
  readonly timeoutMs: number;
  /** The key of the copy. */
  readonly key: Uint8Array;
  /** Asked when time is up; if it says no, the waiting goes on. */
  readonly giveUp?: () => boolean;
}

/** What becomes of a request that has waited too long for our own copy. */
export function tooSlow(key: Uint8Array, timeoutMs: number): TimeoutError {
  return new TimeoutError(`Reading our copy of "${showBytes(key)}"`, "no", timeoutMs);
}

/**
 * What `pending` comes to, if it does in time.
 *
 * @throws {TimeoutError} with the outcome `no`
 */
export async function inTime<T>(
  pending: Promise<T>,
  { deadlines, giveUp, key, timeoutMs }: Patience,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const deadline = deadlines.set(timeoutMs, () => {
    if (giveUp?.() !== false) late.reject(tooSlow(key, timeoutMs));
  });
  try {
    return await Promise.race([pending, late.promise]);
  } finally {
    deadlines.clear(deadline);
  }
}
