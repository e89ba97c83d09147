// A set of writes of one key, as bits: such sets are joined for every request, and grow with the history.

import type { Write } from "./history.ts";

export class WriteSet {
  #words = new Uint32Array(4);

  constructor(writes: Iterable<Write> = []) {
    for (const write of writes) this.add(write);
  }

  has({ index }: Write): boolean {
    return ((this.#words[index >>> 5] ?? 0) & (1 << (index & 31))) !== 0;
  }

  add({ index }: Write): void {
    if (index >>> 5 >= this.#words.length) this.#grow((index >>> 5) + 4);
    this.#words[index >>> 5]! |= 1 << (index & 31);
  }

  addAll(other: WriteSet): void {
    const words = other.#words;
    this.#grow(words.length);
    for (let i = 0; i < words.length; i++) this.#words[i]! |= words[i]!;
  }

  #grow(length: number): void {
    if (length <= this.#words.length) return;
    const words = new Uint32Array(length);
    words.set(this.#words);
    this.#words = words;
  }
}
