// Reading the arguments of a message, each with its check.

import { MalformedError } from "../base/malformed.ts";

/** Parts of a row, if nothing else is said. */
const ROW_COUNT_MAX = 16;

/** Takes the parts of a message one after the other. Every method throws {@linkcode MalformedError}. */
export class Arguments {
  readonly #parts: readonly unknown[];
  readonly #where: string;
  #at = 0;

  constructor(parts: readonly unknown[], where: string) {
    this.#parts = parts;
    this.#where = where;
  }

  /** Whether all parts have been taken. */
  get isAtEnd(): boolean {
    return this.#at >= this.#parts.length;
  }

  /** A whole number from 0 to `most`. */
  count(most = Number.MAX_SAFE_INTEGER): number {
    const value = this.#parts[this.#at++];
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= most) {
      return value;
    }
    throw this.malformed(`a whole number from 0 to ${most}`);
  }

  text(mostCharacters = 1024): string {
    const value = this.#parts[this.#at++];
    if (typeof value === "string" && value.length <= mostCharacters) return value;
    throw this.malformed(`a text of at most ${mostCharacters} characters`);
  }

  flag(): boolean {
    const value = this.#parts[this.#at++];
    if (typeof value === "boolean") return value;
    throw this.malformed("true or false");
  }

  /** A view of at most `most` bytes. */
  bytes(most: number): Uint8Array {
    const value = this.#parts[this.#at++];
    if (value instanceof Uint8Array && value.length <= most) return value;
    throw this.malformed(`at most ${most} bytes`);
  }

  /** A copy of at most `most` bytes. */
  ownBytes(most: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.bytes(most));
  }

  list(most: number): readonly unknown[] {
    const value = this.#parts[this.#at++];
    if (Array.isArray(value) && value.length <= most) return value;
    throw this.malformed(`a list of at most ${most}`);
  }

  /** The parts of a list, to be taken one after the other. */
  row(most = ROW_COUNT_MAX): Arguments {
    return new Arguments(this.list(most), this.#where);
  }

  /** A list of texts. */
  texts(most: number, mostCharacters = 1024): string[] {
    const row = this.row(most);
    const texts: string[] = [];
    while (!row.isAtEnd) texts.push(row.text(mostCharacters));
    return texts;
  }

  /** What `read` reads, or undefined if the part is missing or nil. */
  optional<T>(read: (from: this) => T): T | undefined {
    const value = this.#parts[this.#at];
    if (value === undefined || value === null) {
      this.#at++;
      return undefined;
    }
    return read(this);
  }

  /** Says that the part which was taken last is something else than was expected. */
  malformed(expected: string): MalformedError {
    return new MalformedError(this.#where, `part ${this.#at} should be ${expected}`);
  }
}
