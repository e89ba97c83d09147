// Chance with the questions that a simulation asks of it.

import { SeededRandom } from "../../src/base/seeded_random.ts";
import { randomBelow } from "../../src/ports/random.ts";

/** One stream of chance. Streams of one seed and different names do not disturb each other. */
export class Dice {
  readonly random: SeededRandom;

  constructor(seed: number, name: string) {
    this.random = new SeededRandom(`${seed} ${name}`);
  }

  /** A whole number from 0 to `count` − 1. */
  below(count: number): number {
    return randomBelow(this.random, count);
  }

  /** A number from `least` (included) to `most` (excluded). */
  between(least: number, most: number): number {
    return least + (most - least) * this.random.uint32() / 2 ** 32;
  }

  /** True with the given probability. */
  happens(probability: number): boolean {
    return this.between(0, 1) < probability;
  }

  one<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  /** Exponentially distributed, as the pauses between independent events are. */
  pauseMs(meanMs: number): number {
    return -Math.log(1 - this.between(0, 1)) * meanMs;
  }

  /** One of the names, each as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const names = Object.keys(weights) as K[];
    let left = this.between(0, names.reduce((sum, name) => sum + weights[name], 0));
    for (const name of names) {
      left -= weights[name];
      if (left < 0) return name;
    }
    return names.at(-1)!;
  }

  /** Some of them in a random order, `count` at most. */
  some<T>(from: readonly T[], count: number): T[] {
    const left = [...from];
    const taken: T[] = [];
    while (taken.length < count && left.length > 0) {
      taken.push(...left.splice(this.below(left.length), 1));
    }
    return taken;
  }
}
