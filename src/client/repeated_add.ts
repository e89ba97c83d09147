// Adding to a counter until it is known what became of it.
//
// An answer may be lost, or not come in time, when the sum has been changed already. So what shall be tried again has
// an id, which is the same each time: the cluster counts it once. What a program does not want to try again needs
// none, and leaves nothing behind in the counter.

import type { OperationId } from "../node/api.ts";
import { TRIED_MS_MAX } from "../node/api.ts";
import { DenamoError } from "../wire/errors.ts";

/** How much later than its last try an operation may take effect, in milliseconds: clocks are not the same. */
const SLACK_MS = 2_000;

/** The longest time for which something may be tried again. */
export const RETRY_MS_MAX = TRIED_MS_MAX - 60_000;

/** The pause after the first try, in milliseconds; it doubles each time up to the other. */
const PAUSE_MS_FIRST = 50;
const PAUSE_MS_MOST = 1_000;

/** Draws ids: a session of its own, whose numbers count up. */
export class OperationIds {
  readonly #session = crypto.randomUUID();
  #count = 0;

  /** @param triedMs for how long the operation may be tried from now on, in milliseconds */
  next(triedMs: number): OperationId {
    if (!(triedMs > 0 && triedMs <= RETRY_MS_MAX)) {
      throw new RangeError(`An operation is tried for up to ${RETRY_MS_MAX} ms, not ${triedMs} ms`);
    }
    const untilMs = Math.ceil(Date.now() + triedMs) + SLACK_MS;
    return { session: this.#session, number: ++this.#count, untilMs };
  }
}

/**
 * Tries until the outcome is known, or for `retryMs`.
 *
 * @param attempt one try, always with the same id
 * @throws {DenamoError} the first with the outcome `unknown` if nobody can tell in time; of the first try also
 * one with the outcome `no`
 */
export async function untilKnown<T>(attempt: () => Promise<T>, retryMs: number): Promise<T> {
  const endsAtMs = performance.now() + retryMs;
  let unknown: DenamoError | undefined;
  for (let pauseMs = PAUSE_MS_FIRST;; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MOST)) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof DenamoError)) throw error;
      if (error.outcome === "unknown") unknown ??= error;
      // That a later try is refused says nothing of the first.
      if (unknown === undefined) throw error;
      if (performance.now() + pauseMs >= endsAtMs) throw unknown;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
