// How many connections of clients a node has at once, over all its doors.
//
// Every connection takes a file descriptor, and so do the files of the disk and the links to peers. A node whose
// clients took the last one could neither write nor hear its peers. So clients have a number of their own, below
// what the system grants.

import { assert } from "../base/assert.ts";

export class ClientSlots {
  readonly limit: number;
  #count = 0;
  #refusedCount = 0;
  readonly #closers: (() => boolean)[] = [];

  constructor(limit: number) {
    assert(Number.isSafeInteger(limit) && limit > 0, "There is a slot for at least one client");
    this.limit = limit;
  }

  /** How many connections there are. */
  get count(): number {
    return this.#count;
  }

  /** How many connections were refused. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /**
   * Takes a slot for a connection; false if there is none, also not after others have been asked to make room.
   *
   * @param spareCount so many slots stay free for others
   */
  take(spareCount = 0): boolean {
    // A node with very few slots has none to spare.
    const limit = Math.max(this.limit - spareCount, Math.ceil(this.limit / 2));
    while (this.#count >= limit && this.makeRoom());
    if (this.#count >= limit) {
      this.#refusedCount++;
      return false;
    }
    this.#count++;
    return true;
  }

  /** Closes a connection that nobody misses; false if there is none. */
  makeRoom(): boolean {
    return this.#closers.some((close) => close());
  }

  /** Gives a slot back. */
  free(): void {
    assert(this.#count > 0, "A slot that is given back was taken");
    this.#count--;
  }

  /**
   * Names somebody who can do without a connection: `close` closes one that nobody misses, frees its slot before it
   * returns, and returns false if there is none.
   */
  onFull(close: () => boolean): void {
    this.#closers.push(close);
  }
}
