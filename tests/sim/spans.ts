// For how long something has been so, as far as whoever looks now and then can tell.

interface Span {
  readonly what: string;
  readonly sinceMs: number;
}

export class Spans {
  readonly #spans = new Map<string, Span>();

  /**
   * For how long `what` has been seen under this name without a break, in milliseconds.
   *
   * @param what must be another one if it was not so for a moment between two looks; undefined if it is not so
   */
  lastedMs(name: string, what: string | undefined, nowMs: number): number {
    if (what === undefined) {
      this.#spans.delete(name);
      return 0;
    }
    const before = this.#spans.get(name);
    if (before?.what === what) return nowMs - before.sinceMs;
    this.#spans.set(name, { what, sinceMs: nowMs });
    return 0;
  }
}
