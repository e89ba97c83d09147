// A clock that a test moves by hand, and the one world of heartbeats that the tests of this room share.

import type { Clock, Timer } from "../../src/ports/clock.ts";
import type { Heartbeat } from "../../src/membership/heartbeat.ts";

/** All clocks of one test: timers fire in the order of their times, and of their setting. */
export class ManualTime {
  nowMs = 0;
  #timers: { atMs: number; order: number; callback: () => void }[] = [];
  #order = 0;

  get timerCount(): number {
    return this.#timers.length;
  }

  /** A machine's view: its wall clock is ahead by `skewMs()`. */
  clock(skewMs: () => number = () => 0): Clock {
    return {
      now: () => 1_700_000_000_000 + this.nowMs + skewMs(),
      monotonic: () => this.nowMs,
      after: (delayMs, callback) => this.after(delayMs, callback),
    };
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = { atMs: this.nowMs + delayMs, order: this.#order++, callback };
    this.#timers.push(timer);
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  /** Lets time pass until `untilMs`. */
  run(untilMs: number): void {
    for (;;) {
      this.#timers.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      const next = this.#timers[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers.shift();
      this.nowMs = next.atMs;
      next.callback();
    }
    this.nowMs = untilMs;
  }
}

/** A heartbeat of node `n2`, first incarnation, unless said otherwise. */
export function heartbeatOf(fields: Partial<Heartbeat> = {}): Heartbeat {
  return {
    node: "n2",
    peerId: "peer-a",
    incarnation: 1,
    sequence: 1,
    timeMs: 1_700_000_000_000,
    intervalMs: 1000,
    addresses: [],
    zone: "dc1/rack1",
    weight: 1,
    layoutVersion: 0,
    layoutSynced: 0,
    layoutAcknowledged: 0,
    load: 0,
    disk: "ok",
    isReady: true,
    ...fields,
  };
}
