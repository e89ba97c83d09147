// How fast a peer has answered lately, for choosing whom to ask.
//
// Only reads and stores of requests count (see rpc.ts): how long a peer takes to compare its copies with another
// says nothing of how soon it answers a read. One answer counts for an eighth, and none for more than a request waits
// before it asks others beside. What was measured ages, since a peer that was slow once is asked seldom, and would
// have no way to show that it is so no more.

import { MOST_PATIENCE_MS } from "./hedging.ts";

/** What a peer is taken for of which nothing is known, in milliseconds. */
const UNKNOWN_MS = 1;

/** The share of one answer. */
const WEIGHT = 1 / 8;

/** What was measured stands for so long, in milliseconds; then half of it is forgotten in every such time. */
const FRESH_MS = 5_000;

export class Latency {
  #ms = UNKNOWN_MS;
  #atMs = 0;

  /** Takes note of one answer. @param nowMs by any clock that only goes on */
  learn(ms: number, nowMs: number): void {
    const before = this.at(nowMs);
    this.#ms = before + (Math.min(ms, MOST_PATIENCE_MS) - before) * WEIGHT;
    this.#atMs = nowMs;
  }

  /** The smoothed time between request and answer, in milliseconds. */
  at(nowMs: number): number {
    const ageMs = nowMs - this.#atMs - FRESH_MS;
    if (this.#ms === UNKNOWN_MS || ageMs <= 0) return this.#ms;
    return UNKNOWN_MS + (this.#ms - UNKNOWN_MS) * 2 ** (-ageMs / FRESH_MS);
  }
}
