// The clock of this machine.

import type { Clock, Timer } from "../ports/clock.ts";

/** The longest delay that setTimeout takes; it fires at once for anything longer. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** Real time. Timers keep the process alive until they fire or are cancelled. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  /** @throws {RangeError} if `delayMs` is no number; a negative one counts as zero */
  after(delayMs: number, callback: () => void): Timer {
    if (Number.isNaN(delayMs)) throw new RangeError("A delay must be a number of milliseconds");
    return new SystemTimer(performance.now() + delayMs, callback);
  }
}

/** Waits in pieces that setTimeout can take, and never ends early. */
class SystemTimer implements Timer {
  readonly #dueMs: number;
  readonly #callback: () => void;
  #handle: ReturnType<typeof setTimeout> | undefined;

  constructor(dueMs: number, callback: () => void) {
    this.#dueMs = dueMs;
    this.#callback = callback;
    this.#wait();
  }

  cancel(): void {
    clearTimeout(this.#handle);
    this.#handle = undefined;
  }

  #wait(): void {
    const leftMs = Math.ceil(this.#dueMs - performance.now());
    this.#handle = setTimeout(
      () => this.#fire(),
      Math.max(0, Math.min(leftMs, LONGEST_TIMEOUT_MS)),
    );
  }

  #fire(): void {
    if (this.#dueMs > performance.now()) return this.#wait();
    this.#handle = undefined;
    this.#callback();
  }
}
