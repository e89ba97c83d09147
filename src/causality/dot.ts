// The dot: the name of one write. Who made it, and when.
//
// An actor is one unbroken copy of a partition within one run of a node's process. A context says "of
// this actor I have seen everything up to t", so an actor that forgot one of its own writes would let the
// next context discard that write unseen. Therefore an actor is never resumed: a process that starts, a
// copy that begins empty and a node that finds that it has forgotten something draw a new one.
//
// A time is a hybrid logical clock in one safe integer: milliseconds since 1970 times 2048, plus a
// counter. That lasts until 2109. Only plain arithmetic works on it: bit operators cut it to 32 bits.
//
// Source: Preguiça et al., "Dotted Version Vectors" (2010), section 4; Kulkarni et al., "Logical Physical
// Clocks" (2014), section 3.

import { toBase64Url, utf8 } from "../base/bytes.ts";
import type { Random } from "../ports/random.ts";

/** The node's name, a tilde, and 64 random bits: `n1~3q2-7wAAEjQ`. */
export type ActorId = string;

/** A hybrid time; see above. */
export type HybridTime = number;

export interface Dot {
  readonly actor: ActorId;
  readonly time: HybridTime;
}

/** Counter values in one millisecond. */
export const TICKS_PER_MS = 2048;

/** Times above this are malformed, and nothing ever draws one: see {@linkcode HybridClock}. */
export const MAX_TIME: HybridTime = 2 ** 53 - 2 ** 32;

/** The highest floor: a dot must always be able to lie above it. */
export const MAX_FLOOR: HybridTime = MAX_TIME - 1;

/** The longest actor id, in bytes of UTF-8. */
export const MAX_ACTOR_BYTES = 96;

/** Whether an actor id is too long for what it is written into. */
export function isTooLong(actor: ActorId): boolean {
  const { length } = actor;
  // A character takes at most three bytes per UTF-16 unit, so most need no encoding here.
  return length * 3 > MAX_ACTOR_BYTES && utf8(actor).length > MAX_ACTOR_BYTES;
}

/** Draws an actor that has never written. */
export function newActor(node: string, random: Random): ActorId {
  return `${node}~${toBase64Url(random.bytes(8))}`;
}

/** Orders dots by time, then by actor: the order in which "the latest" is meant. */
export function compareDots(a: Dot, b: Dot): number {
  if (a.time !== b.time) return a.time - b.time;
  return a.actor < b.actor ? -1 : a.actor > b.actor ? 1 : 0;
}

/** The milliseconds since 1970 that a hybrid time stands for. */
export function millisecondsOf(time: HybridTime): number {
  return Math.floor(time / TICKS_PER_MS);
}
