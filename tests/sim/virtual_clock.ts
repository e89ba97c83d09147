// Virtual time: a world in which a minute takes a millisecond and everything happens in one order.
//
// Whatever shall happen waits in a heap, ordered by its time and, at one time, by when it was set, or by lot
// if there is a source of chance. Between two events the event loop is drained, so that all promises
// settle that can: code with `await` in it runs as on a real machine, but always in the same order.

import { setImmediate } from "node:timers";
import type { Clock, Timer } from "../../src/ports/clock.ts";
import type { Random } from "../../src/ports/random.ts";

interface Event {
  readonly atMs: number;
  readonly lot: number;
  readonly order: number;
  callback: (() => void) | undefined;
}

/** The moment at which every world begins: a wall clock shows it at virtual time 0. */
export const WORLD_BEGIN_MS = 1_700_000_000_000;

/** How many callbacks one turn of the event loop runs. */
const CALLBACKS_PER_TURN = 32;

/** One world's time. All its machines' clocks hang on it. */
export class VirtualTime {
  #nowMs = 0;
  #order = 0;
  #eventCount = 0;
  readonly #heap: Event[] = [];
  readonly #lots: Random | undefined;
  readonly #watchers: { readonly everyMs: number; readonly look: () => void; atMs: number }[] = [];
  #lookAtMs = Infinity;

  /** @param lots decides which of two events of one time comes first */
  constructor(lots?: Random) {
    this.#lots = lots;
  }

  /** How many events have happened. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /** Milliseconds since the world began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** How many events wait, cancelled ones not counted. */
  get waiting(): number {
    return this.#heap.filter((event) => event.callback !== undefined).length;
  }

  /** The clock of one machine, ahead of true time by `skewMs()`. */
  clock(skewMs: () => number = () => 0): Clock {
    return {
      now: () => WORLD_BEGIN_MS + this.#nowMs + skewMs(),
      monotonic: () => this.#nowMs,
      after: (delayMs, callback) => this.after(delayMs, callback),
    };
  }

  /** @throws {RangeError} if `delayMs` is no number; a negative one counts as zero */
  after(delayMs: number, callback: () => void): Timer {
    if (Number.isNaN(delayMs)) throw new RangeError("A delay must be a number of milliseconds");
    const event: Event = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      lot: this.#lots?.uint32() ?? 0,
      order: this.#order++,
      callback,
    };
    push(this.#heap, event);
    return { cancel: () => event.callback = undefined };
  }

  /** Calls `look` again and again between the events. It may change nothing in the world. */
  watch(everyMs: number, look: () => void): void {
    const atMs = this.#nowMs + everyMs;
    this.#watchers.push({ everyMs, look, atMs });
    this.#lookAtMs = Math.min(this.#lookAtMs, atMs);
  }

  /** Lets the next event happen and all promises settle; false if nothing waits until `untilMs`. */
  async step(untilMs = Infinity): Promise<boolean> {
    await settled();
    if (!this.#happen(untilMs)) return false;
    await settled();
    return true;
  }

  /** Lets `durationMs` pass. */
  async pass(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await wheneverSettled(() => this.#happen(endMs));
    this.#nowMs = endMs;
  }

  /** Lets time pass until `condition` holds. @throws if it does not within `limitMs` */
  async until(condition: () => boolean, what: string, limitMs = 120_000): Promise<void> {
    const endMs = this.#nowMs + limitMs;
    await wheneverSettled(() => {
      if (condition()) return false;
      if (this.#happen(endMs)) return true;
      throw new Error(`Did not happen within ${limitMs} virtual ms: ${what}`);
    });
  }

  /** Takes the next event, if there is one until `untilMs`. */
  #happen(untilMs: number): boolean {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > untilMs) return false;
      pop(this.#heap);
      const { callback } = next;
      if (callback === undefined) continue;
      next.callback = undefined;
      while (this.#lookAtMs <= next.atMs) this.#look();
      this.#nowMs = next.atMs;
      this.#eventCount++;
      callback();
      return true;
    }
  }

  #look(): void {
    const atMs = this.#lookAtMs;
    this.#nowMs = Math.max(this.#nowMs, atMs);
    for (const watcher of this.#watchers) {
      if (watcher.atMs > atMs) continue;
      watcher.atMs += watcher.everyMs;
      watcher.look();
    }
    this.#lookAtMs = Math.min(...this.#watchers.map((watcher) => watcher.atMs));
  }
}

/** Resolves when no promise is left that could settle without time passing. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Calls `next` again and again until it returns false, each time when all promises have settled. Between two
 * callbacks the event loop settles all promises; a turn of the event loop for each would cost several times as much.
 */
function wheneverSettled(next: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = 0;
    let isOver = false;
    const turn = () => {
      if (isOver) return;
      try {
        isOver = !next();
        if (isOver) resolve();
      } catch (error) {
        isOver = true;
        reject(error);
      }
      if (--left === 0 && !isOver) queue();
    };
    const queue = () => {
      for (left = 0; left < CALLBACKS_PER_TURN; left++) setImmediate(turn);
    };
    queue();
  });
}

function isBefore(a: Event, b: Event): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  return a.lot !== b.lot ? a.lot < b.lot : a.order < b.order;
}

function push(heap: Event[], event: Event): void {
  let at = heap.length;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(event, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!isBefore(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
}
