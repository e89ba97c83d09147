// Reading of what ByteWriter wrote, with every length checked.

import { shortAsciiText, strictUtf8Text, uint32At } from "./bytes.ts";
import { MalformedError } from "./malformed.ts";

/** Reads from the left. Every method throws {@linkcode MalformedError} past the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #where: string;
  #at = 0;

  constructor(bytes: Uint8Array, where: string) {
    this.#bytes = bytes;
    this.#where = where;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  /** The next byte, which stays to be read; undefined at the end. */
  peek(): number | undefined {
    return this.#bytes[this.#at];
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw this.malformed("it ends too early");
    this.#at++;
    return value;
  }

  /** A non-negative integer up to 2^53 − 1, in its shortest form only. */
  integer(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw this.malformed("an integer is too large");
        if (byte === 0 && i > 0) throw this.malformed("an integer is padded");
        return value;
      }
      factor *= 0x80;
    }
    throw this.malformed("an integer is too long");
  }

  /**
   * How many things follow: as many as can be there. So whoever makes room for them, or goes round so often, does
   * it in proportion to the bytes.
   *
   * @param bytesEach how many bytes each of them takes at the least, 1 or more
   */
  count(bytesEach = 1): number {
    const count = this.integer();
    if (count * bytesEach > this.remaining) throw this.malformed("it ends too early");
    return count;
  }

  uint32(): number {
    if (this.remaining < 4) throw this.malformed("it ends too early");
    this.#at += 4;
    return uint32At(this.#bytes, this.#at - 4);
  }

  /** A view of the next `length` bytes: copy it to keep it longer than the buffer. */
  raw(length: number): Uint8Array {
    if (length > this.remaining) throw this.malformed("it ends too early");
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }

  /** A view of bytes that were written with their length. */
  bytes(): Uint8Array {
    return this.raw(this.integer());
  }

  text(): string {
    const length = this.integer();
    if (length <= this.remaining) {
      const ascii = shortAsciiText(this.#bytes, this.#at, this.#at + length);
      if (ascii !== undefined) {
        this.#at += length;
        return ascii;
      }
    }
    const text = strictUtf8Text(this.raw(length));
    if (text === undefined) throw this.malformed("a text is not UTF-8");
    return text;
  }

  /** Says that everything must have been read. */
  end(): void {
    if (this.remaining > 0) throw this.malformed(`${this.remaining} bytes are left over`);
  }

  malformed(problem: string): MalformedError {
    return new MalformedError(this.#where, problem);
  }
}
