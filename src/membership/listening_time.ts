// Time during which we were able to listen.
//
// A process that stood still for ten seconds has heard nobody for ten seconds, and would find that everybody
// is dead. The silence was its own. So failure detection measures time on a clock that a ticking timer
// drives: between two ticks it goes on by one longest step at most, however long they were apart.
// A node that is merely slow doubts the others more slowly (compare "Lifeguard", Dadgar et al., 2018).

import type { Clock } from "../ports/clock.ts";

/** Milliseconds of listening, never going back. */
export class ListeningTime {
  readonly #clock: Clock;
  readonly #longestStepMs: number;
  #listenedMs = 0;
  #tickedAtMs: number;

  constructor(clock: Clock, longestStepMs: number) {
    this.#clock = clock;
    this.#longestStepMs = longestStepMs;
    this.#tickedAtMs = clock.monotonic();
  }

  now(): number {
    const sinceTickMs = this.#clock.monotonic() - this.#tickedAtMs;
    return this.#listenedMs + Math.min(sinceTickMs, this.#longestStepMs);
  }

  /** Says that we are listening at this moment, and returns the time. */
  tick(): number {
    this.#listenedMs = this.now();
    this.#tickedAtMs = this.#clock.monotonic();
    return this.#listenedMs;
  }
}
