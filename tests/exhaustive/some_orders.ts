// A few orders of many, drawn by lot: for tests that have no time for all.

import { randomBelow } from "../../src/ports/random.ts";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import type { PossibleEvent } from "./agenda.ts";
import type { Explorer } from "./every_order.ts";

export class SomeOrders implements Explorer {
  readonly #random: SeededRandom;
  #left: number;

  /** @param count how many orders; some of them may be the same */
  constructor(seed: string, count: number) {
    this.#random = new SeededRandom(seed);
    this.#left = count;
  }

  choose(possible: readonly PossibleEvent[]): PossibleEvent {
    return possible[randomBelow(this.#random, possible.length)]!;
  }

  happened(): void {}

  next(): boolean {
    return --this.#left > 0;
  }
}
