// The hybrid logical clock of one node: close to the wall clock, but never going back.
//
// What others write moves it forward, by a bounded step only, so that one machine with a wrong clock
// cannot drag everybody into the future. A write that joins an object from the future still gets a later
// time than the object has: that time lies ahead of this clock and does not move it. The clock says which
// times those are, and replica/actors.ts keeps them apart from all others.
//
// No time that it gives is above MAX_TIME, whatever the clock on the wall says.
//
// Source: Kulkarni et al., "Logical Physical Clocks" (2014), section 3 and the bound of section 5.

import type { Clock } from "../ports/clock.ts";
import { type HybridTime, MAX_TIME, TICKS_PER_MS } from "./dot.ts";

export class HybridClock {
  readonly #clock: Clock;
  readonly #maxSkewMs: number;
  #last: HybridTime = 0;

  constructor(clock: Clock, maxSkewMs: number) {
    this.#clock = clock;
    this.#maxSkewMs = maxSkewMs;
  }

  /**
   * A time above every time that this clock has given or observed, and above `above`. At MAX_TIME time stands still:
   * who asks for more is given MAX_TIME again.
   */
  tick(above: HybridTime): HybridTime {
    this.#last = this.reading();
    return Math.min(Math.max(this.#last, above + 1), MAX_TIME);
  }

  /** The lowest time that the next tick can give. */
  reading(): HybridTime {
    const now = Math.floor(this.#clock.now()) * TICKS_PER_MS;
    return Math.min(Math.max(now, this.#last + 1), MAX_TIME);
  }

  /** Whether only a time further ahead of the wall clock than clocks may differ is above `above`. */
  isAhead(above: HybridTime): boolean {
    // The first comparison suffices for nearly all writes, and asks no clock.
    return above > this.#last && above + 1 > Math.max(this.reading(), this.furthest());
  }

  /** Gives no time up to `time` from now on, whatever the clock on the wall says. */
  raise(time: HybridTime): void {
    this.#last = Math.max(this.#last, Math.min(time, MAX_TIME));
  }

  /** The latest time that a clock can have given which is as far ahead of ours as clocks may be. */
  furthest(): HybridTime {
    return Math.min((Math.floor(this.#clock.now()) + this.#maxSkewMs) * TICKS_PER_MS, MAX_TIME);
  }

  /** Learns a time that another node has given. */
  observe(time: HybridTime): void {
    if (time > this.#last) this.#last = Math.max(this.#last, Math.min(time, this.furthest()));
  }
}
