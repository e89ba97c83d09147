// What a fuzzer draws: numbers at their edges, and texts and values that somebody may stumble over.
//
// Everything comes from a seed. The same seed gives the same inputs, so that one that has done harm can be sent
// again.

import { SeededRandom } from "../../src/base/seeded_random.ts";
import { MAX_TIME } from "../../src/causality/dot.ts";
import { damaged } from "./mutations.ts";

/** Numbers around which programs err. */
const EDGES: readonly number[] = [
  0,
  1,
  2,
  7,
  8,
  127,
  128,
  255,
  256,
  257,
  1023,
  1024,
  1025,
  65_535,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  MAX_TIME - 1,
  MAX_TIME,
  MAX_TIME + 1,
  Number.MAX_SAFE_INTEGER - 1,
  Number.MAX_SAFE_INTEGER,
];

/** What is not a whole number from 0 on. */
const NO_COUNTS: readonly unknown[] = [
  -1,
  0.5,
  -0,
  NaN,
  Infinity,
  -Infinity,
  2 ** 53,
  2 ** 64,
  1e308,
  "1",
  null,
  true,
  [],
  {},
];

const TEXTS: readonly string[] = [
  "",
  "\0",
  "x",
  "n1",
  "__proto__",
  "constructor",
  "é",
  "\u{1f600}",
  "\ud800",
  "a/b?c#d",
  "-1",
  "nan",
  "x".repeat(64),
  "x".repeat(65),
  "x".repeat(1_024),
  "x".repeat(1_025),
  "\u20ac".repeat(342),
];

export class Draw {
  readonly random: SeededRandom;

  constructor(seed: string) {
    this.random = new SeededRandom(seed);
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    return this.random.uint32() % limit;
  }

  /** Once in so many times. */
  onceIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return this.random.bytes(length);
  }

  /** A length that is mostly short. */
  length(most: number): number {
    return this.below(1 + this.below(1 + this.below(most + 1)));
  }

  /** A whole number from 0 on, at an edge or not. */
  count(): number {
    switch (this.below(4)) {
      case 0:
        return this.below(16);
      case 1:
        return this.random.uint32();
      case 2:
        return this.random.uint32() * 2 ** this.below(21);
      default:
        return this.pick(EDGES);
    }
  }

  text(): string {
    return this.onceIn(4) ? String.fromCharCode(this.below(0x800)) : this.pick(TEXTS);
  }

  /** Anything that MessagePack can say, not deep. */
  value(depth = 0): unknown {
    switch (this.below(depth > 3 ? 6 : 8)) {
      case 0:
        return this.count();
      case 1:
        return this.pick(NO_COUNTS);
      case 2:
        return this.text();
      case 3:
        return this.bytes(this.length(300));
      case 4:
        return null;
      case 5:
        return this.onceIn(2);
      case 6:
        return Array.from({ length: this.length(20) }, () => this.value(depth + 1));
      default:
        return { [this.text()]: this.value(depth + 1) };
    }
  }

  /** Other bytes than these, now and then the same. */
  damaged(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    return damaged(bytes, this.random);
  }
}
