// Many deadlines on one timer.
//
// A node has thousands of requests open and nearly all of them end in time, so setting and taking back a
// timer for each would be most of the work. Here a deadline is an entry in a set; one timer sweeps the
// set every few milliseconds while it is not empty. Even asking for the time would show in a profile, so
// the time of the last sweep stands for it: a deadline fires at most two sweeps late and never early.

import type { Clock, Timer } from "../ports/clock.ts";

export const SWEEP_INTERVAL_MS = 20;

/** A deadline that has been set. */
export interface Deadline {
  readonly atMs: number;
  readonly expire: () => void;
}

export class Deadlines {
  readonly #clock: Clock;
  readonly #open = new Set<Deadline>();
  #timer: Timer | undefined;
  /** At most one sweep old while a timer is set. */
  #nowMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The time of the clock, as of the last sweep while there are sweeps: cheap enough for every message. */
  get nowMs(): number {
    return this.#timer === undefined ? this.#clock.monotonic() : this.#nowMs;
  }

  /** Calls `expire` once, `delayMs` from now or up to two sweeps later, unless it is cleared before. */
  set(delayMs: number, expire: () => void): Deadline {
    if (this.#timer === undefined) {
      this.#nowMs = this.#clock.monotonic();
      this.#timer = this.#clock.after(SWEEP_INTERVAL_MS, this.#sweep);
    }
    const deadline = { atMs: this.#nowMs + SWEEP_INTERVAL_MS + delayMs, expire };
    this.#open.add(deadline);
    return deadline;
  }

  /** Takes a deadline back; without effect once it has fired. */
  clear(deadline: Deadline): void {
    this.#open.delete(deadline);
  }

  /** Forgets all deadlines without firing them. */
  stop(): void {
    this.#open.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  readonly #sweep = (): void => {
    this.#timer = undefined;
    this.#nowMs = this.#clock.monotonic();
    for (const deadline of this.#open) {
      if (deadline.atMs > this.#nowMs) continue;
      this.#open.delete(deadline);
      deadline.expire();
    }
    if (this.#open.size > 0 && this.#timer === undefined) {
      this.#timer = this.#clock.after(SWEEP_INTERVAL_MS, this.#sweep);
    }
  };
}
