// A seeded generator of random numbers: sfc32, by Chris Doty-Humphrey (PractRand).
//
// Small, fast, and the same everywhere. For simulation and for spreading load, never for secrets.

import { hash64 } from "./hash.ts";
import { utf8 } from "./bytes.ts";

/** A stream of random numbers that its seed determines. */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string | number) {
    const hash = hash64(utf8(String(seed)));
    this.#a = Number(hash & 0xffffffffn) | 0;
    this.#b = Number(hash >> 32n) | 0;
    this.#c = 0x9e3779b9 | 0;
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** An integer from 0 to 2^32 − 1. */
  uint32(): number {
    const result = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + result) | 0;
    return result >>> 0;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.uint32() & 0xff;
    return bytes;
  }
}
