// Many deadlines on one timer.
//
// A node has thousands of requests open and nearly all of them end in time, so setting and taking back a
// timer for each would be most of the work. Here a deadline is an entry in a set; one timer sweeps the
// set every few milliseconds while it is not empty. A deadline fires at most one sweep late.

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

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `expire` once, `delayMs` from now or one sweep later, unless it is cleared before. */
  set(delayMs: number, expire: () => void): Deadline {
    const deadline = { atMs: this.#clock.monotonic() + delayMs, expire };
    this.#open.add(deadline);
    this.#timer ??= this.#clock.after(SWEEP_INTERVAL_MS, this.#sweep);
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
    const now = this.#clock.monotonic();
    for (const deadline of [...this.#open]) {
      if (deadline.atMs > now || !this.#open.delete(deadline)) continue;
      deadline.expire();
    }
    if (this.#open.size > 0 && this.#timer === undefined) {
      this.#timer = this.#clock.after(SWEEP_INTERVAL_MS, this.#sweep);
    }
  };
}
