// Watches our wall clock by those of our peers.
//
// Merging never looks at a clock, but new writes take their times from it, and a node whose clock runs
// ahead would win every conflict that is settled by time. Each heartbeat carries the sender's clock.
// What arrives is older by its way here, so of a peer's last few the one that came quickest is taken.
// Our clock is wrong when it is far from the median of all clocks, ours among them. With an even number
// of clocks the middle one nearer to ours counts: then two nodes, neither of which can know who is
// right, never both stop.
//
// Everything is kept against the monotonic clock, so that a jump of our own wall clock shows at once.

import { assert } from "../base/assert.ts";
import type { Clock } from "../ports/clock.ts";

export const DEFAULT_MAX_CLOCK_SKEW_MS = 1_000;

/** Compares clocks. {@linkcode ClockWatch.mayCoordinate} is cheap enough to be asked for every request. */
export class ClockWatch {
  readonly #clock: Clock;
  readonly #maxClockSkewMs: number;
  /** Per live member: its wall clock less our monotonic clock, for its last heartbeats. */
  readonly #samples = new Map<string, number[]>();
  /** The best of each member's samples, in rising order; undefined when it must be made anew. */
  #bases: number[] | undefined;

  constructor(clock: Clock, maxClockSkewMs = DEFAULT_MAX_CLOCK_SKEW_MS) {
    assert(maxClockSkewMs > 0, "the largest clock skew is above zero");
    this.#clock = clock;
    this.#maxClockSkewMs = maxClockSkewMs;
  }

  /** Takes note of the wall clock `timeMs` that a live member has sent and that has arrived just now. */
  observe(node: string, timeMs: number): void {
    const sample = timeMs - this.#clock.monotonic();
    const samples = this.#samples.get(node);
    if (samples === undefined) this.#samples.set(node, [sample]);
    else {
      if (samples.length >= SAMPLES) samples.shift();
      samples.push(sample);
    }
    this.#bases = undefined;
  }

  /** Leaves out a member that is down, or whose clock may be another one since it has restarted. */
  forget(node: string): void {
    if (this.#samples.delete(node)) this.#bases = undefined;
  }

  /** Leaves out every node that does not count. */
  keepOnly(counts: (node: string) => boolean): void {
    for (const node of this.#samples.keys()) if (!counts(node)) this.forget(node);
  }

  /** By how much the wall clock of a member is ahead of ours, in milliseconds, if it is known. */
  offsetMs(node: string): number | undefined {
    const samples = this.#samples.get(node);
    return samples === undefined ? undefined : Math.max(...samples) - this.#ownBase();
  }

  /** By how much the median of all clocks, ours among them, is ahead of ours, in milliseconds. */
  skewMs(): number {
    const bases = this.#bases ??= this.#bestSamples();
    const own = this.#ownBase();
    // Put in its place among the others, ours is the median itself unless more than half of them lie
    // on one side of it: so the median is ours, moved between these two.
    const half = Math.floor(bases.length / 2);
    const least = bases[half - 1] ?? -Infinity;
    const most = bases[half + bases.length % 2] ?? Infinity;
    return Math.min(Math.max(own, least), most) - own;
  }

  /** What has to be added to our wall clock, in whole milliseconds: 0 while it is not further off than it may be. */
  correctionMs(): number {
    const skewMs = this.skewMs();
    return Math.abs(skewMs) <= this.#maxClockSkewMs ? 0 : Math.round(skewMs);
  }

  /** Undefined if our clock can be trusted with new writes, else a sentence that says why not. */
  mayCoordinate(): string | undefined {
    const skewMs = this.skewMs();
    if (Math.abs(skewMs) <= this.#maxClockSkewMs) return undefined;
    const where = skewMs > 0 ? "behind" : "ahead of";
    return `The clock of this node is ${
      Math.round(Math.abs(skewMs))
    } ms ${where} the median of its ` +
      `peers, limit ${this.#maxClockSkewMs} ms`;
  }

  #ownBase(): number {
    return this.#clock.now() - this.#clock.monotonic();
  }

  #bestSamples(): number[] {
    const bases: number[] = [];
    for (const samples of this.#samples.values()) bases.push(Math.max(...samples));
    return bases.sort((a, b) => a - b);
  }
}

/** How many heartbeats of a member count. A clock that was put back is noticed after so many. */
const SAMPLES = 5;
