// How one object lies on the disk.
//
//   head     := version (1) | checksum (4) | flags (1) | body
//   body     := the object's bytes                                      without flags
//             | length | piece count | checksum of the whole (4)       with the flag PIECES (1)
//   piece i  := the part of the object's bytes that follows piece i - 1
//
// With the flag COMPRESSED (4) the bytes are those of the object, compressed, behind their number before that.
// With the flag APART (2) the body is the head of an object whose large sets and maps lie in parts, each a record
// of its own (crdt/parts.ts).
//
// A value of the disk is smaller than the largest object, so a large one is cut in pieces, which are
// written in one batch with their head. Heads and pieces have tables of their own: a scan reads heads.
//
//   head of an object     ["o", partition, key]          of a value of the node   ["m", 0, name]
//   pieces of an object   ["p", partition, key, index]   of a value of the node   ["q", 0, name, index]
//   parts of an object    ["e", partition, key, part]    pieces of a part   ["f", partition, key, part, index]
//
// The checksum covers flags and body and is seeded with where they lie: so bytes that were written
// to a wrong place are noticed too. What does not check out is corrupt; it is never taken for absent,
// because "this copy holds nothing" is an answer that would be believed.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { binaryString, concatBytes, showBytes, uint32At } from "../base/bytes.ts";
import { hash32 } from "../base/hash.ts";
import { MalformedError } from "../base/malformed.ts";
import type { DiskKey, DiskRange } from "../ports/disk.ts";
import { CorruptError, messageOf } from "../wire/errors.ts";
import type { Compressor } from "../ports/compressor.ts";

/** The largest part of an object in one value of the disk. */
export const PIECE_BYTES = 60_000;

/** No record has more than so many bytes, compressed or not. */
const UNCOMPRESSED_BYTES_MAX = 1024 * 1024;

/** The most pieces of one record: head and pieces fit one batch of the disk. */
export const MAX_PIECE_COUNT = 12;

const VERSION = 1;
const PIECES_FLAG = 1;
const APART_FLAG = 2;
const COMPRESSED_FLAG = 4;

/** Fewer bytes than these are not worth compressing. */
const COMPRESSED_BYTES_MIN = 128;
const CHECKSUM_AT = 1;
const FLAGS_AT = 5;
const HEADER_BYTES = 6;

/** Where a record lies: the object of a key, a part of one, or a value of the node itself in partition 0. */
export interface Place {
  readonly table: "object" | "part" | "meta";
  readonly partition: number;
  readonly key: Uint8Array;
  /** The name of a part, there for parts only. */
  readonly part?: Uint8Array;
}

/** A record as it is written. The pieces are views of the object's bytes. */
export interface EncodedRecord {
  readonly head: Uint8Array;
  readonly pieces: readonly Uint8Array[];
}

/** What a head says: all bytes, or how to put them together. */
export type DecodedHead =
  & (
    | { readonly body: Uint8Array<ArrayBuffer> }
    | { readonly length: number; readonly pieceCount: number; readonly checksum: number }
  )
  & { readonly isApart: boolean; readonly isCompressed: boolean };

/** The name of a place in memory. Names of objects sort by partition and key, those of meta come after. */
export function nameOf({ table, partition, key }: Place): string {
  return table === "object" ? objectName(partition, key) : "\u0100" + binaryString(key);
}

/** {@linkcode nameOf} for the object of a key. The partition is below 65,536. */
export function objectName(partition: number, key: Uint8Array): string {
  return String.fromCharCode(partition >> 8, partition & 0xff) + binaryString(key);
}

export function headKey({ key, part, partition, table }: Place): DiskKey {
  if (part !== undefined) return ["e", partition, key, part];
  return [table === "object" ? "o" : "m", partition, key];
}

export function pieceKey({ key, part, partition, table }: Place, index: number): DiskKey {
  if (part !== undefined) return ["f", partition, key, part, index];
  return [table === "object" ? "p" : "q", partition, key, index];
}

/** The place of a part of an object. */
export function partPlace({ key, partition }: Place, part: Uint8Array): Place {
  return { table: "part", partition, key, part };
}

/** All parts of an object, or those behind one of them. */
export function partRange({ key, partition }: Place, after?: Uint8Array): DiskRange {
  const start: DiskKey = after === undefined
    ? ["e", partition, key]
    : ["e", partition, key, concatBytes([after, Uint8Array.of(0)])];
  // Names are bytes, which come before every number.
  return { start, end: ["e", partition, key, 0] };
}

/** All pieces of a place, surplus ones included. */
export function pieceRange(place: Place): DiskRange {
  return { start: pieceKey(place, 0), end: pieceKey(place, Number.MAX_SAFE_INTEGER) };
}

/** Into how many pieces an object of so many bytes is cut; none if it fits its head. */
export function pieceCountOf(lengthBytes: number, pieceBytes: number): number {
  return lengthBytes <= pieceBytes ? 0 : Math.ceil(lengthBytes / cutBytes(lengthBytes, pieceBytes));
}

/** How large the head of such an object can be, in bytes. */
export function headBytesOf(lengthBytes: number, pieceBytes: number): number {
  return HEADER_BYTES + (lengthBytes <= pieceBytes ? lengthBytes : 16);
}

/**
 * @param isApart whether the body is the head of an object that lies in parts
 * @param compressor used if it makes the record smaller
 */
export function encodeRecord(
  place: Place,
  whole: Uint8Array,
  pieceBytes: number,
  isApart = false,
  compressor?: Compressor,
): EncodedRecord {
  const seed = seedOf(place);
  const packed = compressor === undefined ? undefined : compressed(whole, compressor);
  const body = packed ?? whole;
  const flags = (isApart ? APART_FLAG : 0) | (packed === undefined ? 0 : COMPRESSED_FLAG);
  if (body.length <= pieceBytes) return { head: seal(body, flags, seed), pieces: [] };
  const pieces: Uint8Array[] = [];
  const partBytes = cutBytes(body.length, pieceBytes);
  for (let at = 0; at < body.length; at += partBytes) {
    pieces.push(body.subarray(at, at + partBytes));
  }
  const shape = new ByteWriter(16);
  shape.integer(body.length);
  shape.integer(pieces.length);
  shape.uint32(hash32(body, seed));
  return { head: seal(shape.view(), PIECES_FLAG | flags, seed), pieces };
}

/** Reads a head, whose buffer the result may share. @throws {CorruptError} */
export function decodeHead(place: Place, value: Uint8Array): DecodedHead {
  const version = value[0];
  if (value.length < HEADER_BYTES || version === undefined) {
    throw corrupt(place, "it ends too early");
  }
  const isWhole = hash32(value.subarray(FLAGS_AT), seedOf(place)) === uint32At(value, CHECKSUM_AT);
  if (version > VERSION) {
    const problem = `version ${version} is later than ${VERSION}, which this program reads`;
    throw corrupt(place, problem, isWhole);
  }
  if (version !== VERSION) throw corrupt(place, `version ${version} is unknown`, isWhole);
  if (!isWhole) throw corrupt(place, "the checksum is wrong");
  // A disk hands out bytes that are nobody else's, and never shared memory.
  const body = value.subarray(HEADER_BYTES) as Uint8Array<ArrayBuffer>;
  const flags = value[FLAGS_AT]!;
  if (flags > (PIECES_FLAG | APART_FLAG | COMPRESSED_FLAG)) {
    throw corrupt(place, `flags ${flags} are unknown`);
  }
  const isApart = (flags & APART_FLAG) !== 0;
  const isCompressed = (flags & COMPRESSED_FLAG) !== 0;
  if ((flags & PIECES_FLAG) === 0) return { body, isApart, isCompressed };
  return { ...decodeShape(place, body), isApart, isCompressed };
}

/** The bytes before they were compressed. @throws {CorruptError} */
export function uncompressed(
  place: Place,
  body: Uint8Array,
  compressor: Compressor | undefined,
): Uint8Array<ArrayBuffer> {
  if (compressor === undefined) throw corrupt(place, "it is compressed");
  try {
    const reader = new ByteReader(body, "a compressed record");
    const length = reader.integer();
    if (length > UNCOMPRESSED_BYTES_MAX) throw reader.malformed(`${length} bytes are too many`);
    const bytes = compressor.decompress(reader.raw(reader.remaining), length);
    if (bytes.length !== length) {
      throw reader.malformed(`it has ${bytes.length} bytes, not ${length}`);
    }
    // It may be a view of a buffer that others use, or an array of another class.
    return new Uint8Array(bytes);
  } catch (error) {
    throw corrupt(place, messageOf(error));
  }
}

/** Undefined if that makes nothing smaller. */
function compressed(body: Uint8Array, compressor: Compressor): Uint8Array | undefined {
  if (body.length < COMPRESSED_BYTES_MIN) return undefined;
  const writer = new ByteWriter(body.length);
  writer.integer(body.length);
  writer.raw(compressor.compress(body));
  return writer.length < body.length ? writer.view() : undefined;
}

/** Puts pieces together. Surplus pieces are left aside. @throws {CorruptError} */
export function joinPieces(
  place: Place,
  shape: { readonly length: number; readonly pieceCount: number; readonly checksum: number },
  pieces: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  if (pieces.length < shape.pieceCount) {
    throw corrupt(place, `${pieces.length} of ${shape.pieceCount} pieces are there`);
  }
  const used = pieces.slice(0, shape.pieceCount);
  const length = used.reduce((sum, piece) => sum + piece.length, 0);
  if (length !== shape.length) {
    throw corrupt(place, `its pieces have ${length} bytes instead of ${shape.length}`);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const piece of used) {
    body.set(piece, at);
    at += piece.length;
  }
  if (hash32(body, seedOf(place)) !== shape.checksum) {
    throw corrupt(place, "the checksum of its pieces is wrong");
  }
  return body;
}

/** Says that what lies at a place cannot be read. */
export function corrupt(
  { table, partition, key }: Place,
  problem: string,
  isOtherVersion = false,
): CorruptError {
  const shown = showBytes(key);
  const where = table === "meta" ? `"${shown}"` : `key "${shown}" of partition ${partition}`;
  return new CorruptError(where, problem, isOtherVersion);
}

/** Objects in the journal may be of a run that cut larger pieces. */
function cutBytes(lengthBytes: number, pieceBytes: number): number {
  return Math.max(pieceBytes, Math.ceil(lengthBytes / MAX_PIECE_COUNT));
}

function decodeShape(place: Place, body: Uint8Array) {
  try {
    const reader = new ByteReader(body, "the head of a record in pieces");
    const shape = {
      length: reader.integer(),
      pieceCount: reader.integer(),
      checksum: reader.uint32(),
    };
    reader.end();
    return shape;
  } catch (error) {
    if (error instanceof MalformedError) throw corrupt(place, error.message);
    throw error;
  }
}

function seal(body: Uint8Array, flags: number, seed: number): Uint8Array {
  const value = new Uint8Array(HEADER_BYTES + body.length);
  value[0] = VERSION;
  value[FLAGS_AT] = flags;
  value.set(body, HEADER_BYTES);
  const checksum = hash32(value.subarray(FLAGS_AT), seed);
  value[CHECKSUM_AT] = checksum >>> 24;
  value[CHECKSUM_AT + 1] = checksum >>> 16;
  value[CHECKSUM_AT + 2] = checksum >>> 8;
  value[CHECKSUM_AT + 3] = checksum;
  return value;
}

function seedOf({ table, partition, key, part }: Place): number {
  const seed = hash32(key, table === "meta" ? 0xffff_ffff : partition);
  return part === undefined ? seed : hash32(part, seed);
}
