// Writing and reading of our own binary formats (objects, records, contexts).
//
// Integers below 2^53 are written as base-128 groups, the lowest first. Everything that is read is
// checked against the end of the buffer; bytes that do not fit throw one error type.

import { utf8 } from "./bytes.ts";

/** Appends to a buffer that grows. Take the result with {@linkcode ByteWriter.finish}. */
export class ByteWriter {
  #buffer: Uint8Array<ArrayBuffer>;
  #length = 0;
  /** The last view: making one costs more than writing a few numbers, and many are of one length. */
  #view: Uint8Array<ArrayBuffer> | undefined;

  constructor(capacity = 256) {
    this.#buffer = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Forgets what was written and keeps the buffer. */
  reset(): void {
    this.#length = 0;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /**
   * A non-negative integer up to 2^53 − 1.
   *
   * @throws {RangeError} for any other number, which nobody could read again
   */
  integer(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`Cannot write ${value}: it is not a whole number from 0 to 2^53 - 1`);
    }
    this.#reserve(8);
    const buffer = this.#buffer;
    let at = this.#length;
    while (value >= 0x80) {
      buffer[at++] = (value % 0x80) | 0x80;
      value = Math.floor(value / 0x80);
    }
    buffer[at++] = value;
    this.#length = at;
  }

  /** An unsigned 32-bit number in four bytes, the highest first. */
  uint32(value: number): void {
    this.#reserve(4);
    const buffer = this.#buffer;
    buffer[this.#length++] = value >>> 24;
    buffer[this.#length++] = (value >>> 16) & 0xff;
    buffer[this.#length++] = (value >>> 8) & 0xff;
    buffer[this.#length++] = value & 0xff;
  }

  /** The bytes as they are, without their length. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** The length and the bytes. */
  bytes(bytes: Uint8Array): void {
    this.integer(bytes.length);
    this.raw(bytes);
  }

  /** The length in bytes and the UTF-8. */
  text(text: string): void {
    const length = text.length;
    this.#reserve(8 + length);
    const lengthAt = this.#length;
    this.integer(length);
    const buffer = this.#buffer;
    let at = this.#length;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) {
        this.#length = lengthAt;
        this.bytes(utf8(text));
        return;
      }
      buffer[at++] = code;
    }
    this.#length = at;
  }

  /** What was written, as a view that the next write may change. */
  view(): Uint8Array<ArrayBuffer> {
    if (this.#view?.length !== this.#length) this.#view = this.#buffer.subarray(0, this.#length);
    return this.#view!;
  }

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#length);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
    this.#view = undefined;
  }
}
