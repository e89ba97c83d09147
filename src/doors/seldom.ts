// Something that may have to be said a thousand times a second, and is worth a line a minute.

const INTERVAL_MS = 60_000;

export class Seldom {
  readonly #intervalMs: number;
  #lastMs = -Infinity;
  #count = 0;

  constructor(intervalMs = INTERVAL_MS) {
    this.#intervalMs = intervalMs;
  }

  /** Calls `say` at the first time and then once an interval, with how many times there were since the last. */
  do(say: (count: number) => void, nowMs: number = performance.now()): void {
    this.#count++;
    if (nowMs - this.#lastMs < this.#intervalMs) return;
    this.#lastMs = nowMs;
    const count = this.#count;
    this.#count = 0;
    say(count);
  }
}
