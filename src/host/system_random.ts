// Chance from the operating system.

import type { Random } from "../ports/random.ts";

/** Numbers drawn at once: a call into the system costs more than the numbers. */
const POOL_WORDS = 256;

/** The most bytes that `crypto.getRandomValues` gives at once. */
const MOST_BYTES = 65_536;

/** Cryptographically strong and unpredictable. */
export class SystemRandom implements Random {
  readonly #pool = new Uint32Array(POOL_WORDS);
  #used = POOL_WORDS;

  uint32(): number {
    if (this.#used === POOL_WORDS) {
      crypto.getRandomValues(this.#pool);
      this.#used = 0;
    }
    return this.#pool[this.#used++]!;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += MOST_BYTES) {
      crypto.getRandomValues(bytes.subarray(at, at + MOST_BYTES));
    }
    return bytes;
  }
}
