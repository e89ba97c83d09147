// What the tests of the storage share: objects that are plain bytes, and a disk whose operations wait.

import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import type { ObjectCodec } from "../../src/storage/storage.ts";
import type { DiskFaults, DiskOperation } from "../sim/memory_disk.ts";

/** Objects that are texts; "!" stands for an object that cannot be decoded. */
export const textCodec: ObjectCodec<string> = {
  encode: utf8,
  decode: (bytes) => {
    const text = utf8Text(bytes);
    if (text === "!") throw new MalformedError("text", "it is a mark of exclamation");
    return text;
  },
};

/** An operation that waits for the test to let it go. */
export interface WaitingOperation {
  readonly operation: DiskOperation;
  /** Lets it happen, fail without effect, or fail after it took effect. */
  end(how?: "well" | "before" | "after"): void;
}

/**
 * Faults that hold back every operation of some kinds until the test ends it. A read is held back twice:
 * before it happens, and with its result in hand.
 */
export class Gate implements DiskFaults {
  readonly waiting: WaitingOperation[] = [];
  readonly #kinds: readonly string[];
  readonly #failAfter = new Set<DiskOperation>();

  constructor(kinds: readonly DiskOperation["kind"][]) {
    this.#kinds = kinds;
  }

  before(operation: DiskOperation): Promise<void> | undefined {
    return this.#kinds.includes(operation.kind) ? this.#wait(operation) : undefined;
  }

  async after(operation: DiskOperation): Promise<void> {
    if (this.#failAfter.delete(operation)) throw new Error("failed after");
    if (operation.kind !== "commit" && this.#kinds.includes(operation.kind)) {
      await this.#wait(operation);
      if (this.#failAfter.delete(operation)) throw new Error("failed after");
    }
  }

  #wait(operation: DiskOperation): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: WaitingOperation = {
        operation,
        end: (how = "well") => {
          this.waiting.splice(this.waiting.indexOf(waiting), 1);
          if (how === "before") return reject(new Error("failed before"));
          if (how === "after") this.#failAfter.add(operation);
          resolve();
        },
      };
      this.waiting.push(waiting);
    });
  }

  /** Ends everything that waits and what comes of it. */
  async endAll(): Promise<void> {
    await turns();
    while (this.waiting.length > 0) {
      this.waiting[0]!.end();
      await turns();
    }
  }
}

/** Lets everything happen that can happen: a memory disk takes microtasks only. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 80; i++) await undefined;
}
