// What the tests of the storage share: objects that are plain bytes, and a disk whose operations wait.

import assert from "node:assert/strict";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import type { Disk } from "../../src/ports/disk.ts";
import {
  type ObjectCodec,
  openStorage,
  type Storage,
  type StorageOptions,
} from "../../src/storage/storage.ts";
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

/** From how many characters on {@linkcode partedCodec} keeps a text in parts. */
const APART_LENGTH = 6;

/**
 * Texts whose characters lie in parts if they are many, the later ones in pieces too. The head tells the number that
 * the text begins with, so that no two texts that begin with different numbers have one head.
 */
export const partedCodec: ObjectCodec<string> = {
  ...textCodec,
  parts: {
    isApart: (text) => text.length >= APART_LENGTH,
    hasEntries: (text) => text.length > 0,
    encodeHead: (text) => utf8(`${parseInt(text)} ${text.length}`),
    *changedParts(before = "", after) {
      for (let at = 0; at < Math.max(before.length, after.length); at++) {
        if (before[at] === after[at]) continue;
        const body = bodyOf(after, at);
        yield { name: Uint8Array.of(at), body, bytesBefore: bodyOf(before, at)?.length ?? 0 };
      }
    },
    joinParts(head, parts) {
      const [number, length] = utf8Text(head).split(" ");
      const characters: string[] = [];
      for (const { body, name } of parts) characters[name[0]!] = utf8Text(body)[0]!;
      const text = characters.join("");
      if (`${parseInt(text)}` === number && text.length === Number(length)) return text;
      throw new MalformedError("text", `${text} does not begin with ${number}`);
    },
    sizeBytes: (text) => text.length,
  },
};

function bodyOf(text: string, at: number): Uint8Array | undefined {
  const character = text[at];
  return character === undefined ? undefined : utf8(character.repeat(1 + at % 11));
}

/** How many values of a disk a text takes. */
export function valueCountOf(codec: ObjectCodec<string>, text: string, pieceBytes: number): number {
  const valuesFor = ({ length }: Uint8Array) => {
    return 1 + (length > pieceBytes ? Math.ceil(length / pieceBytes) : 0);
  };
  const { parts } = codec;
  if (parts?.isApart(text) !== true) return valuesFor(codec.encode(text));
  let count = valuesFor(parts.encodeHead(text));
  for (const { body } of parts.changedParts(undefined, text)) count += valuesFor(body!);
  return count;
}

/** A storage that asks the disk for every key that it has not in memory. */
export function openAsking<T>(
  disk: Disk,
  codec: ObjectCodec<T>,
  options: StorageOptions = {},
): Promise<Storage<T>> {
  return openStorage(disk, codec, { knowsAbsence: false, ...options });
}

/** An operation that waits for the test to let it go. */
export interface WaitingOperation {
  readonly operation: DiskOperation;
  /** Lets it happen, fail without effect, or fail after it took effect. */
  end(how?: "well" | "before" | "after"): void;
}

/**
 * Faults that hold back every operation of some kinds until the test ends it. A read is held back twice:
 * before it happens, and with its result in hand. What a start reads goes through.
 */
export class Gate implements DiskFaults {
  readonly waiting: WaitingOperation[] = [];
  readonly #kinds: readonly string[];
  readonly #failAfter = new Set<DiskOperation>();

  constructor(kinds: readonly DiskOperation["kind"][]) {
    this.#kinds = kinds;
  }

  before(operation: DiskOperation): Promise<void> | undefined {
    return this.#holds(operation) ? this.#wait(operation) : undefined;
  }

  async after(operation: DiskOperation): Promise<void> {
    if (this.#failAfter.delete(operation)) throw new Error("failed after");
    if (operation.kind !== "commit" && this.#holds(operation)) {
      await this.#wait(operation);
      if (this.#failAfter.delete(operation)) throw new Error("failed after");
    }
  }

  #holds(operation: DiskOperation): boolean {
    if (!this.#kinds.includes(operation.kind)) return false;
    if (operation.kind !== "range") return true;
    const [table, partition] = operation.range.start;
    const isStart = table === "j" || (table === "o" && partition === undefined);
    return !isStart;
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
    // An object of many parts is read in more turns than these.
    for (let idle = 0; idle < 8; idle++) {
      await turns();
      if (this.waiting.length === 0) continue;
      this.waiting[0]!.end();
      idle = 0;
    }
  }
}

/** Lets everything happen that can happen: a memory disk takes microtasks only. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 80; i++) await undefined;
}

/** Lets a storage flush until its journal is empty. Its bound must be 0. */
export async function flushed(storage: Storage<unknown>): Promise<void> {
  for (let turn = 0; turn < 10_000 && storage.stats().journalBytes > 0; turn++) await undefined;
  assert.equal(storage.stats().journalBytes, 0, "the journal was flushed");
}
