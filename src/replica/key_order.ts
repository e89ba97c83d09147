// One change of a key at a time.
//
// Read, merge and write of one key must not mix with another change of it. Nearly always the object is in
// memory, and then all three happen in one turn of the event loop, which needs no lock. Only while an
// object is being fetched from the disk do later changes of the same key wait in line.

import { binaryString } from "../base/bytes.ts";

export class KeyOrder {
  readonly #lines = new Map<string, (() => void)[]>();

  /** Runs `change` now, or after those before it; `isReady` tells whether it ends within this turn. */
  run<T>(key: Uint8Array, isReady: () => boolean, change: () => T | Promise<T>): T | Promise<T> {
    const name = binaryString(key);
    const line = this.#lines.get(name);
    if (line === undefined) {
      if (isReady()) return change();
      this.#lines.set(name, []);
      return this.#runFirst(name, change);
    }
    return new Promise<void>((resolve) => line.push(resolve)).then(() =>
      this.#runFirst(name, change)
    );
  }

  async #runFirst<T>(name: string, change: () => T | Promise<T>): Promise<T> {
    try {
      return await change();
    } finally {
      const line = this.#lines.get(name)!;
      const next = line.shift();
      if (next === undefined) this.#lines.delete(name);
      else next();
    }
  }
}
