// How far above a known incarnation the next one lies, where the clock gives no higher one.
//
// One above would do if everybody knew of all runs. But a disk that is put back knows of fewer runs than there
// were, and so does a peer that was cut off: a node that counts on from what they know meets the number of
// another run of its own, and its heartbeats count as old ones until there have been more of them. So chance
// decides.

import { type Random, randomBelow } from "../ports/random.ts";

/** As milliseconds a quarter of an hour: numbers that are drawn seldom meet, and stay near the clock. */
const LONGEST_STEP = 2 ** 20;

/** A number from 1 to about a million. */
export function incarnationStep(random: Random): number {
  return 1 + randomBelow(random, LONGEST_STEP);
}
