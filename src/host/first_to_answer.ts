// One of several addresses: all are tried, each a little after the one before, and the first that answers is taken.
//
// A machine that is gone does not refuse a connection, it is silent until the attempt is given up. One after the other,
// a few such addresses would use up the time of the one that is good. All at the same moment, a peer that is well would
// be called at each of its addresses. So an attempt has a head start before the next one begins.
//
// Source: RFC 8305, "Happy Eyeballs Version 2", section 5.

import type { Clock, Timer } from "../ports/clock.ts";

/** The head start of each attempt, in milliseconds. */
export const HEAD_START_MS = 250;

export interface FirstToAnswerOptions {
  readonly clock: Clock;
  /** How long all attempts may take together, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends them early. */
  readonly signal: AbortSignal;
}

/**
 * Tries `targets` in this order until one succeeds; the signals of the others are aborted then.
 *
 * @throws {AggregateError} with the errors of all, if none does in time
 */
export function firstToAnswer<Target, Answer>(
  targets: readonly Target[],
  attempt: (target: Target, signal: AbortSignal) => Promise<Answer>,
  { clock, signal, timeoutMs }: FirstToAnswerOptions,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const abort = new AbortController();
  const errors: unknown[] = [];
  let [begun, underWay, isSettled] = [0, 0, false];
  let headStart: Timer | undefined;
  const end = (settle: () => void) => {
    if (isSettled) return;
    isSettled = true;
    headStart?.cancel();
    timeout.cancel();
    signal.removeEventListener("abort", fail);
    settle();
    abort.abort();
  };
  const fail = () => end(() => reject(new AggregateError(errors, messageOf(errors))));
  const begin = () => {
    headStart?.cancel();
    if (isSettled) return;
    if (begun === targets.length) {
      if (underWay === 0) fail();
      return;
    }
    const target = targets[begun++]!;
    underWay++;
    headStart = clock.after(HEAD_START_MS, begin);
    attempt(target, abort.signal).then((answer) => end(() => resolve(answer)), (error) => {
      underWay--;
      errors.push(error);
      begin();
    });
  };
  const timeout = clock.after(timeoutMs, () => {
    errors.push(new Error(`Nobody answers within ${timeoutMs} ms`));
    fail();
  });
  signal.addEventListener("abort", fail, { once: true });
  if (signal.aborted) fail();
  begin();
  return promise;
}

function messageOf(errors: readonly unknown[]): string {
  const messages = errors.map((error) => error instanceof Error ? error.message : String(error));
  return messages.length === 0 ? "There is no address" : [...new Set(messages)].join("; ");
}
