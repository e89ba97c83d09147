// Incarnations as numbers: how far above a known one the next one lies, and how far they can go.
//
// One above would do if everybody knew of all runs. But a disk that is put back knows of fewer runs than there
// were, and so does a peer that was cut off: a node that counts on from what they know meets the number of
// another run of its own, and its heartbeats count as old ones until there have been more of them. So chance
// decides.
//
//   0 ........ 2^42 .................. 2^43 − 2^22 ............. 2^43 − 2^21 ........ 2^43
//   times of starts, and steps above    | none can be stepped     | nobody ever       INCARNATION_MAX
//   what is remembered                  | above any more          | counted up to it
//
// An incarnation is the time of a start, in milliseconds, or a step above another one. Millions of steps lie between
// the year 2109 and the end of the room, so what is beyond is a wrong clock, a flipped bit or a lie. A node
// cannot go above such a number: whoever remembers one drops it as soon as it can be another's, and nobody
// takes it for news of a node that he knows.

import { type Random, randomBelow } from "../ports/random.ts";

/** The highest incarnation that is written or read. */
export const INCARNATION_MAX = 2 ** 43;

/** Nobody steps above an incarnation from here on. */
const ROOM_END = INCARNATION_MAX - 2 ** 22;

/** No step from below the end of the room leads so far. */
const BEYOND = INCARNATION_MAX - 2 ** 21;

/** As milliseconds a quarter of an hour: numbers that are drawn seldom meet, and stay near the clock. */
export const LONGEST_STEP = 2 ** 20;

/** A number from 1 to about a million. */
export function incarnationStep(random: Random): number {
  return 1 + randomBelow(random, LONGEST_STEP);
}

/** Whether a later run can go above this incarnation. */
export function hasRoomAbove(incarnation: number): boolean {
  return incarnation < ROOM_END;
}

/** Whether no run can have counted up to this incarnation. */
export function isBeyondReach(incarnation: number): boolean {
  return incarnation >= BEYOND;
}
