// The time by which it is judged whether a value has ended, and from which times to live are counted.
//
// When a value ends is one moment for the whole cluster. A node with a wrong clock would shorten or lengthen what its
// clients ask for, and show what has ended. Which clock is wrong the watch knows, and by how much: as long as
// ours is further off than it may be, the median of all counts in its place. That is right to within the way of a
// heartbeat, and no message more is sent for it. A clock within the limit counts as it is, so that time does not
// jump to and fro.
//
// Dots are not drawn by this time: a node whose clock is off draws none.

import type { Clock, Timer } from "../ports/clock.ts";
import type { ClockWatch } from "./clock_watch.ts";

export class ClusterClock implements Clock {
  readonly #clock: Clock;
  readonly #watch: ClockWatch;

  constructor(clock: Clock, watch: ClockWatch) {
    this.#clock = clock;
    this.#watch = watch;
  }

  now(): number {
    return this.#clock.now() + this.#watch.correctionMs();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.#clock.after(delayMs, callback);
  }
}
