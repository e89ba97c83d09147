// Every order that is at most a few delays from the natural one.
//
// The natural order lets the oldest event happen first. A delay puts the oldest behind all that are possible at
// that moment. Few delays reach deep: each takes an event out of its order for as long as the others go on, and
// most mistakes need no more than two. A crash comes after each number of events in turn, without a delay.
//
// Source: Emmi, Qadeer and Rakamarić, "Delay-Bounded Scheduling" (POPL 2011), section 3.

import type { PossibleEvent } from "./agenda.ts";
import type { Explorer } from "./every_order.ts";

/** One choice of the present run: how many delays, or in which way to die. */
interface Digit {
  value: number;
  /** The largest that it may become. */
  readonly most: number;
  /** How many delays are spent by it; a way to die costs nothing. */
  readonly isDelay: boolean;
}

export class DelayBounded implements Explorer {
  readonly #delaysMax: number;
  /** After how many events a process dies, if one does. */
  #crashAt = 0;
  readonly #digits: Digit[] = [];
  readonly #queue: string[] = [];
  #depth = 0;
  #eventCount = 0;
  #delays = 0;
  /** How many events there were without any delay before the crash could not wait any more. */
  #naturalCount: number | undefined;

  constructor(delaysMax: number) {
    this.#delaysMax = delaysMax;
  }

  choose(possible: readonly PossibleEvent[]): PossibleEvent {
    const crashes = possible.filter(({ kind }) => kind === "crash");
    const others = possible.filter(({ kind }) => kind !== "crash");
    const mustCrash = others.length === 0;
    const count = this.#eventCount++;
    if (crashes.length > 0 && (mustCrash || count >= this.#crashAt)) {
      if (mustCrash && this.#delays === 0) this.#naturalCount ??= count;
      return crashes[this.#digit(crashes.length - 1, false)]!;
    }
    this.#queueUp(others);
    const most = Math.min(this.#delaysMax - this.#delays, this.#queue.length - 1);
    const delays = this.#digit(most, true);
    this.#delays += delays;
    this.#queue.push(...this.#queue.splice(0, delays));
    const name = this.#queue.shift()!;
    return others.find((event) => event.name === name)!;
  }

  happened(): void {}

  next(): boolean {
    const hadCrash = this.#digits.some(({ isDelay }) => !isDelay);
    this.#begin();
    for (let last = this.#digits.at(-1); last !== undefined; last = this.#digits.at(-1)) {
      if (last.value < last.most) {
        last.value++;
        return true;
      }
      this.#digits.pop();
    }
    this.#crashAt++;
    return hadCrash && (this.#naturalCount === undefined || this.#crashAt < this.#naturalCount);
  }

  #begin(): void {
    this.#queue.length = 0;
    this.#depth = 0;
    this.#eventCount = 0;
    this.#delays = 0;
  }

  #digit(most: number, isDelay: boolean): number {
    const depth = this.#depth++;
    return (this.#digits[depth] ??= { value: 0, most, isDelay }).value;
  }

  /** Takes in what has become possible, and drops what is not any more. */
  #queueUp(possible: readonly PossibleEvent[]): void {
    const names = new Set(possible.map(({ name }) => name));
    const kept = this.#queue.filter((name) => names.delete(name));
    this.#queue.splice(0, this.#queue.length, ...kept, ...names);
  }
}
