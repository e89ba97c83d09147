// Replies in RESP2 or RESP3, gathered until they are written out together.
//
// Small replies are copied into one buffer that lives as long as the connection. A long value is not
// copied: it becomes a part of its own between two parts of the buffer. What one command has written
// can be taken back, so that an error in the middle leaves no half reply.
//
// Where the versions differ: nothing is `$-1` or `*-1` in RESP2 and `_` in RESP3; a map is an array of
// twice the length in RESP2, and a set is an array; a text for people (INFO) is a plain bulk string in RESP2.
//
// Source: "Redis serialization protocol specification".

import { utf8 } from "../../base/bytes.ts";
import { TooLargeError } from "../../wire/errors.ts";
import { RESP_LIMITS } from "./resp_limits.ts";

export type Protocol = 2 | 3;

/** The buffer of a connection: replies that fit are copied into it. */
export const REPLY_BUFFER_BYTES = 16 * 1024;
const NO_BUFFER = new Uint8Array(0);
/** From this size on it is cheaper to write a value by itself than to copy it. */
const LONG_BYTES = 8 * 1024;

const CR = 13;
const LF = 10;
const ZERO = 48;
const COLON = 58;
const DOLLAR = 36;
const STAR = 42;
const PERCENT = 37;
const EQUALS = 61;
const TILDE = 126;

const OK = utf8("+OK\r\n");
const NULL_BULK_2 = utf8("$-1\r\n");
const NULL_ARRAY_2 = utf8("*-1\r\n");
const NULL_3 = utf8("_\r\n");
const VERBATIM_TEXT = utf8("txt:");

export class ReplyEncoder {
  protocol: Protocol = 2;
  /** Made with the first reply: many connections only wait. */
  #first = NO_BUFFER;
  #parts: Uint8Array[] = [];
  #buffer = this.#first;
  /** The buffer holds what belongs after the last part from here … */
  #start = 0;
  /** … to here. */
  #end = 0;
  #partBytes = 0;

  // The place to which rewind() goes back.
  #markParts = 0;
  #markBuffer = this.#first;
  #markStart = 0;
  #markEnd = 0;
  #markPartBytes = 0;
  readonly #limitBytes: number;
  readonly #firstBytes: number;

  /**
   * @param limitBytes the longest reply of one command
   * @param firstBytes how large the first buffer is, if the first reply fits
   */
  constructor(
    limitBytes: number = RESP_LIMITS.reply,
    firstBytes: number = REPLY_BUFFER_BYTES,
  ) {
    this.#limitBytes = limitBytes;
    this.#firstBytes = firstBytes;
  }

  /** How many bytes wait to be written. */
  get length(): number {
    return this.#partBytes + this.#end - this.#start;
  }

  ok(): void {
    this.#raw(OK);
  }

  /** A short text without line breaks. */
  simple(text: string): void {
    this.#raw(utf8(`+${text}\r\n`));
  }

  /** An error: its first word in capitals tells its sort. Line breaks become spaces. */
  error(message: string): void {
    this.#raw(utf8(`-${message.replaceAll("\r", " ").replaceAll("\n", " ")}\r\n`));
  }

  /** A safe integer. */
  integer(value: number): void {
    this.#header(COLON, value);
  }

  /** An integer of 64 bits, or more where a counter has outgrown them. */
  bigInteger(value: bigint): void {
    this.#raw(utf8(`:${value}\r\n`));
  }

  /** The bytes must not change until they are written. */
  bulk(bytes: Uint8Array): void {
    this.#header(DOLLAR, bytes.length);
    this.#raw(bytes);
    this.#lineEnd();
  }

  text(text: string): void {
    this.bulk(utf8(text));
  }

  /** A text for people, with line breaks. */
  verbatim(text: string): void {
    const bytes = utf8(text);
    if (this.protocol === 2) return this.bulk(bytes);
    this.#header(EQUALS, bytes.length + VERBATIM_TEXT.length);
    this.#raw(VERBATIM_TEXT);
    this.#raw(bytes);
    this.#lineEnd();
  }

  bulkOrNull(bytes: Uint8Array | undefined): void {
    if (bytes === undefined) this.null();
    else this.bulk(bytes);
  }

  null(): void {
    this.#raw(this.protocol === 2 ? NULL_BULK_2 : NULL_3);
  }

  nullArray(): void {
    this.#raw(this.protocol === 2 ? NULL_ARRAY_2 : NULL_3);
  }

  /** So many replies follow as its elements. */
  array(length: number): void {
    this.#header(STAR, length);
  }

  /** So many replies follow, in no order. */
  set(length: number): void {
    this.#header(this.protocol === 2 ? STAR : TILDE, length);
  }

  /** So many pairs of replies follow: each a key and its value. */
  map(size: number): void {
    if (this.protocol === 2) this.#header(STAR, size * 2);
    else this.#header(PERCENT, size);
  }

  /** A key and a value of a map. */
  textPair(key: string, value: string): void {
    this.text(key);
    this.text(value);
  }

  texts(texts: readonly string[]): void {
    this.array(texts.length);
    for (const text of texts) this.text(text);
  }

  /** Adds what another encoder holds, whose long parts must not change until they are written. */
  append(other: ReplyEncoder): void {
    for (const part of other.parts()) {
      // Each reply has a limit of its own, and was held to it when it was made.
      this.mark();
      this.#raw(part);
    }
  }

  /** Lines of a help text. */
  simples(texts: readonly string[]): void {
    this.array(texts.length);
    for (const text of texts) this.simple(text);
  }

  /** Remembers this place. */
  mark(): void {
    this.#markParts = this.#parts.length;
    this.#markBuffer = this.#buffer;
    this.#markStart = this.#start;
    this.#markEnd = this.#end;
    this.#markPartBytes = this.#partBytes;
  }

  /** Takes back everything since {@linkcode ReplyEncoder.mark}. */
  rewind(): void {
    this.#parts.length = this.#markParts;
    this.#buffer = this.#markBuffer;
    this.#start = this.#markStart;
    this.#end = this.#markEnd;
    this.#partBytes = this.#markPartBytes;
  }

  /** What waits, in order. The parts are good until {@linkcode ReplyEncoder.clear}. */
  parts(): readonly Uint8Array[] {
    this.#cut();
    return this.#parts;
  }

  /** Forgets what {@linkcode ReplyEncoder.parts} returned. */
  clear(): void {
    this.#parts = [];
    this.#buffer = this.#first;
    this.#start = 0;
    this.#end = 0;
    this.#partBytes = 0;
    this.mark();
  }

  #raw(bytes: Uint8Array): void {
    if (bytes.length >= LONG_BYTES) {
      this.#cut();
      this.#parts.push(bytes);
      this.#partBytes += bytes.length;
      this.#checkLength();
      return;
    }
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** A sign, a number and the end of the line. */
  #header(sign: number, value: number): void {
    this.#reserve(24);
    const buffer = this.#buffer;
    let at = this.#end;
    buffer[at++] = sign;
    if (value >= 0 && value < 10) {
      buffer[at++] = ZERO + value;
    } else {
      const digits = String(value);
      for (let i = 0; i < digits.length; i++) buffer[at++] = digits.charCodeAt(i);
    }
    buffer[at++] = CR;
    buffer[at++] = LF;
    this.#end = at;
  }

  #lineEnd(): void {
    this.#reserve(2);
    this.#buffer[this.#end++] = CR;
    this.#buffer[this.#end++] = LF;
  }

  #reserve(more: number): void {
    if (this.#end + more <= this.#buffer.length) return;
    this.#cut();
    this.#checkLength();
    const isFirst = this.#first === NO_BUFFER && more <= this.#firstBytes;
    this.#buffer = new Uint8Array(isFirst ? this.#firstBytes : REPLY_BUFFER_BYTES);
    if (this.#first === NO_BUFFER) this.#first = this.#buffer;
    this.#start = 0;
    this.#end = 0;
  }

  /** @throws {TooLargeError} if the reply of one command grows beyond its limit */
  #checkLength(): void {
    const length = this.#partBytes - this.#markPartBytes;
    if (length > this.#limitBytes) throw new TooLargeError("The reply", this.#limitBytes, length);
  }

  /** Makes a part of what the buffer holds after the last part. */
  #cut(): void {
    if (this.#end === this.#start) return;
    this.#parts.push(this.#buffer.subarray(this.#start, this.#end));
    this.#partBytes += this.#end - this.#start;
    this.#start = this.#end;
  }
}
