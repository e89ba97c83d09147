// The key encoding of Deno KV: an array of parts becomes bytes that sort as the array does.
//
// A program that moves from Deno KV keeps its keys and the order of its listings. Deno KV sorts arrays part
// by part: byte strings, then texts, bigints, numbers, booleans. Our keys are bytes, so an array is written
// in Deno KV's own encoding, which is the tuple layer of FoundationDB:
//
//   Uint8Array   01 | bytes with each 00 as 00 ff | 00
//   string       02 | UTF-8 with each 00 as 00 ff | 00
//   bigint       14 for zero; 14 ± n | n bytes of magnitude, n up to 8; beyond that 1d or 0b | n | bytes.
//                A negative number has n (beyond 8) and its bytes complemented
//   number       21 | IEEE 754, the highest byte first; sign bit flipped, or all bits of a negative number
//   boolean      26 for false, 27 for true
//
// A key that was given as an array begins with the marker ff, which no UTF-8 contains: so it meets no key
// that was given as a string.
//
// Source: denoland/denokv, proto/codec.rs; FoundationDB, design/tuple.md.

import { ByteReader } from "./byte_reader.ts";
import { ByteWriter } from "./byte_writer.ts";
import { strictUtf8Text, utf8, wellFormedUtf8 } from "./bytes.ts";
import { MalformedError } from "./malformed.ts";

/** What may stand in an array key. */
export type KvKeyPart = Uint8Array | string | number | bigint | boolean;

/** The first byte of a key that was given as an array. */
export const KV_KEY_MARKER = 0xff;

const BYTES = 0x01;
const TEXT = 0x02;
const BIG_NEGATIVE = 0x0b;
const ZERO = 0x14;
const BIG_POSITIVE = 0x1d;
const DOUBLE = 0x21;
const FALSE = 0x26;
const TRUE = 0x27;
/** After a NUL byte: the byte string goes on. */
const ESCAPE = 0xff;

const MAX_BIGINT_BYTES = 255;
const MAX_SHORT_BYTES = 8;

const CANONICAL_NAN = 0x7ff8_0000_0000_0000n;

const writer = new ByteWriter(512);
const unescaped = new ByteWriter(512);
const double = new DataView(new ArrayBuffer(8));

/**
 * Encodes parts as Deno KV does. No parts give no bytes.
 *
 * @throws {TypeError} for a part of another type, or a text with a lone surrogate
 * @throws {RangeError} for a bigint of more than 255 bytes
 */
export function encodeKvKey(parts: readonly KvKeyPart[]): Uint8Array<ArrayBuffer> {
  writer.reset();
  for (const part of parts) writePart(part);
  return writer.finish();
}

/** Decodes {@linkcode encodeKvKey}. @throws {MalformedError} for bytes that it cannot have written */
export function decodeKvKey(bytes: Uint8Array): KvKeyPart[] {
  const reader = new ByteReader(bytes, "key array");
  const parts: KvKeyPart[] = [];
  while (reader.remaining > 0) parts.push(readPart(reader));
  return parts;
}

/** How many bytes {@linkcode encodeKvKey} would write for texts, byte strings and numbers. */
export function encodedKvKeyBytes(parts: readonly (Uint8Array | string | number)[]): number {
  let size = 0;
  for (const part of parts) {
    if (typeof part === "number") {
      size += 9;
    } else if (part.length === 1 && typeof part === "string" && part > "\0" && part < "\x80") {
      // The name of a table: every key of a disk begins with one.
      size += 3;
    } else {
      const raw = typeof part === "string" ? utf8(part) : part;
      size += 2 + raw.length;
      for (let at = raw.indexOf(0); at >= 0; at = raw.indexOf(0, at + 1)) size++;
    }
  }
  return size;
}

/** The key for an array: the marker and the encoding. @throws {TypeError} if the array is empty */
export function keyFromParts(parts: readonly KvKeyPart[]): Uint8Array<ArrayBuffer> {
  if (parts.length === 0) throw new TypeError("A key array must have at least one part");
  return prefixFromParts(parts);
}

/**
 * What all keys begin with whose arrays begin with `parts`; for no parts, what all array keys begin with.
 * Some others begin so too: {@linkcode isBelowPrefix} tells them apart.
 */
export function prefixFromParts(parts: readonly KvKeyPart[]): Uint8Array<ArrayBuffer> {
  writer.reset();
  writer.byte(KV_KEY_MARKER);
  for (const part of parts) writePart(part);
  return writer.finish();
}

/**
 * Whether a key that begins with `prefix` (see {@linkcode prefixFromParts}) has an array that begins so. The
 * encoding of `["a"]` is also the beginning of that of `["a\0b"]`, where an escape follows and no part.
 */
export function isBelowPrefix(key: Uint8Array, prefix: Uint8Array): boolean {
  return key[prefix.length] !== ESCAPE;
}

/** The array that a key was given as, or undefined if the key was given in another form. */
export function partsFromKey(key: Uint8Array): KvKeyPart[] | undefined {
  if (key[0] !== KV_KEY_MARKER || key.length === 1) return undefined;
  try {
    return decodeKvKey(key.subarray(1));
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function writePart(part: KvKeyPart): void {
  switch (typeof part) {
    case "string":
      return writeText(part);
    case "number":
      return writeDouble(part);
    case "bigint":
      return writeBigint(part);
    case "boolean":
      return writer.byte(part ? TRUE : FALSE);
  }
  if (!(part instanceof Uint8Array)) {
    throw new TypeError("A key part must be a Uint8Array, string, number, bigint or boolean");
  }
  writeEscaped(BYTES, part);
}

/** Most texts are the names of tables: of ASCII, and without NUL. */
function writeText(text: string): void {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0 || code >= 0x80) return writeEscaped(TEXT, wellFormedUtf8(text, "A key"));
  }
  writer.byte(TEXT);
  for (let i = 0; i < text.length; i++) writer.byte(text.charCodeAt(i));
  writer.byte(0);
}

function writeEscaped(tag: number, raw: Uint8Array): void {
  writer.byte(tag);
  let from = 0;
  for (let at = raw.indexOf(0); at >= 0; at = raw.indexOf(0, from)) {
    writer.raw(raw.subarray(from, at + 1));
    writer.byte(ESCAPE);
    from = at + 1;
  }
  writer.raw(from === 0 ? raw : raw.subarray(from));
  writer.byte(0);
}

function writeDouble(value: number): void {
  double.setFloat64(0, value);
  const high = double.getUint32(0);
  const low = double.getUint32(4);
  const isNegative = high >= 0x8000_0000;
  writer.byte(DOUBLE);
  writer.uint32(isNegative ? ~high : high ^ 0x8000_0000);
  writer.uint32(isNegative ? ~low : low);
}

function writeBigint(value: bigint): void {
  if (value === 0n) return writer.byte(ZERO);
  const isNegative = value < 0n;
  const digits = (isNegative ? -value : value).toString(16);
  const length = (digits.length + 1) >> 1;
  if (length > MAX_BIGINT_BYTES) {
    throw new RangeError(`A bigint in a key must fit ${MAX_BIGINT_BYTES} bytes, not ${length}`);
  }
  const flip = isNegative ? 0xff : 0;
  if (length <= MAX_SHORT_BYTES) {
    writer.byte(isNegative ? ZERO - length : ZERO + length);
  } else {
    writer.byte(isNegative ? BIG_NEGATIVE : BIG_POSITIVE);
    writer.byte(length ^ flip);
  }
  const padded = digits.padStart(length * 2, "0");
  for (let at = 0; at < padded.length; at += 2) {
    writer.byte(parseInt(padded.slice(at, at + 2), 16) ^ flip);
  }
}

function readPart(reader: ByteReader): KvKeyPart {
  const tag = reader.byte();
  switch (tag) {
    case BYTES:
      return readEscaped(reader);
    case TEXT: {
      const text = strictUtf8Text(readEscaped(reader));
      if (text === undefined) throw reader.malformed("a text is not UTF-8");
      return text;
    }
    case DOUBLE:
      return readDouble(reader);
    case FALSE:
      return false;
    case TRUE:
      return true;
    case ZERO:
      return 0n;
  }
  if (tag < BIG_NEGATIVE || tag > BIG_POSITIVE) {
    throw reader.malformed(`the part type ${tag} is unknown`);
  }
  return readBigint(reader, tag);
}

function readEscaped(reader: ByteReader): Uint8Array<ArrayBuffer> {
  unescaped.reset();
  for (;;) {
    const byte = reader.byte();
    if (byte === 0) {
      if (reader.peek() !== ESCAPE) return unescaped.finish();
      reader.byte();
    }
    unescaped.byte(byte);
  }
}

function readDouble(reader: ByteReader): number {
  const high = reader.uint32();
  const low = reader.uint32();
  const isNegative = high < 0x8000_0000;
  double.setUint32(0, isNegative ? ~high : high ^ 0x8000_0000);
  double.setUint32(4, isNegative ? ~low : low);
  const value = double.getFloat64(0);
  if (Number.isNaN(value) && double.getBigUint64(0) !== CANONICAL_NAN) {
    throw reader.malformed("a NaN is not the one that is written");
  }
  return value;
}

function readBigint(reader: ByteReader, tag: number): bigint {
  const isNegative = tag < ZERO;
  const flip = isNegative ? 0xff : 0;
  const isLong = tag === BIG_NEGATIVE || tag === BIG_POSITIVE;
  const length = isLong ? reader.byte() ^ flip : Math.abs(tag - ZERO);
  const raw = reader.raw(length);
  if ((isLong && length <= MAX_SHORT_BYTES) || (raw[0]! ^ flip) === 0) {
    throw reader.malformed("an integer is not in its shortest form");
  }
  let digits = "0x";
  for (const byte of raw) digits += (byte ^ flip).toString(16).padStart(2, "0");
  return isNegative ? -BigInt(digits) : BigInt(digits);
}
