// How the journal lies on the disk.
//
//   value at ["j", sequence, index] := version (1) | checksum (4) | following (2) | part
//   entry                           := the parts of its values, one after the other: change*
//   change := kind (1) | partition | key length, key | pieces before | body length, body   for a change
//           | kind (1) | partition | key length, key | pieces before                       for a removal
//           | and then, with the flag PARTS, part count | part ...
//   part   := name length, name | pieces before | 0                            for one that goes
//           | name length, name | pieces before | 1 | body length, body
//
// One entry is one group commit. `following` tells how many of its values come after this one. As many as fit are
// written in one batch, so most entries are there as a whole or not at all; of a larger one a crash may leave the
// first batches, and then it is the last of the journal. Entries are numbered without gaps.
//
// The checksum covers what stands behind it and is seeded with the place of the value, so neither a changed
// byte nor a value of another place is ever taken for what was written.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { binaryString, setUint32At, uint32At } from "../base/bytes.ts";
import { hash32 } from "../base/hash.ts";
import type { DiskKey, DiskRange } from "../ports/disk.ts";
import { CorruptError } from "../wire/errors.ts";
import { MAX_PIECE_COUNT, type Place } from "./record.ts";

const VERSION = 1;
const CHECKSUM_AT = 1;
const FOLLOWING_AT = 5;

/** What a value of the journal holds besides its part. */
export const JOURNAL_HEADER_BYTES = 7;

const META_KIND = 1;
const REMOVAL_KIND = 2;
/** The body is the head of an object in parts. */
const APART_KIND = 4;
const PARTS_KIND = 8;
const CLEARING_KIND = 16;
const KIND_MAX = 31;

/** The highest that a name in memory can tell from others. */
const PARTITION_MAX = 0xffff;

/** The most values of one entry. */
export const VALUE_COUNT_MAX = 0xffff;

/** What a change takes beside its key and its body, at most. */
const CHANGE_OVERHEAD_BYTES = 24;

/** What a part takes beside its name and its body, at most. */
const PART_OVERHEAD_BYTES = 16;

/** What becomes of one part of an object. */
export interface JournalPart {
  readonly name: Uint8Array;
  /** Undefined if it goes. */
  readonly body: Uint8Array | undefined;
  /** At most so many pieces of it can be on the disk while the change is in the journal. */
  readonly piecesBefore: number;
}

export interface JournalChange {
  readonly place: Place;
  /** The object's bytes, or those of its head; undefined removes the record. */
  readonly body: Uint8Array | undefined;
  readonly isApart: boolean;
  /** By their name as text. */
  readonly parts: ReadonlyMap<string, JournalPart> | undefined;
  readonly clearsParts: boolean;
  /** At most so many pieces of the record can be on the disk while the change is in the journal. */
  readonly piecesBefore: number;
}

export function journalKey(sequence: number, index: number): DiskKey {
  return ["j", sequence, index];
}

/** All values of the journal from one place on. */
export function journalRange(sequence: number, index: number): DiskRange {
  return { start: journalKey(sequence, index), end: ["k"] };
}

/** How large a change can be in an entry, in bytes. */
export function changeBytesOf(
  keyBytes: number,
  bodyBytes: number,
  parts?: ReadonlyMap<string, JournalPart>,
): number {
  let bytes = CHANGE_OVERHEAD_BYTES + keyBytes + bodyBytes;
  for (const { body, name } of parts?.values() ?? []) {
    bytes += PART_OVERHEAD_BYTES + name.length + (body?.length ?? 0);
  }
  return bytes;
}

export function writeChange(writer: ByteWriter, change: JournalChange): void {
  const { body, clearsParts, isApart, parts, piecesBefore, place } = change;
  const kind = (place.table === "meta" ? META_KIND : 0) | (body === undefined ? REMOVAL_KIND : 0) |
    (isApart ? APART_KIND : 0) | (parts === undefined ? 0 : PARTS_KIND) |
    (clearsParts ? CLEARING_KIND : 0);
  writer.byte(kind);
  writer.integer(place.partition);
  writer.bytes(place.key);
  writer.integer(piecesBefore);
  if (body !== undefined) writer.bytes(body);
  if (parts !== undefined) writeParts(writer, parts);
}

function writeParts(writer: ByteWriter, parts: ReadonlyMap<string, JournalPart>): void {
  writer.integer(parts.size);
  for (const { body, name, piecesBefore } of parts.values()) {
    writer.bytes(name);
    writer.integer(piecesBefore);
    writer.byte(body === undefined ? 0 : 1);
    if (body !== undefined) writer.bytes(body);
  }
}

function readParts(reader: ByteReader): Map<string, JournalPart> {
  const parts = new Map<string, JournalPart>();
  for (let left = reader.count(PART_BYTES_MIN); left > 0; left--) {
    const name = reader.bytes();
    const piecesBefore = readPieces(reader);
    const isThere = reader.byte();
    if (isThere > 1) throw reader.malformed("a part is neither there nor not");
    const body = isThere === 0 ? undefined : reader.bytes();
    const text = binaryString(name);
    if (parts.has(text)) throw reader.malformed("a part is named twice");
    parts.set(text, { name, body, piecesBefore });
  }
  return parts;
}

/** A part without name or body has a length, a number of pieces and what became of it. */
const PART_BYTES_MIN = 3;

/** How many pieces of a record can be on the disk: as many are removed one by one. */
function readPieces(reader: ByteReader): number {
  const count = reader.integer();
  if (count > MAX_PIECE_COUNT) throw reader.malformed(`${count} pieces are too many`);
  return count;
}

/** The changes of an entry, in order; they are views of `entry`. @throws {MalformedError} */
export function readChanges(entry: Uint8Array): JournalChange[] {
  const reader = new ByteReader(entry, "an entry of the journal");
  const changes: JournalChange[] = [];
  while (reader.remaining > 0) {
    const kind = reader.byte();
    if (kind > KIND_MAX) throw reader.malformed(`kind ${kind} is unknown`);
    const partition = reader.integer();
    if (partition > PARTITION_MAX) throw reader.malformed(`there is no partition ${partition}`);
    const table = (kind & META_KIND) === 0 ? "object" : "meta";
    const place: Place = { table, partition, key: reader.bytes() };
    const piecesBefore = readPieces(reader);
    const body = (kind & REMOVAL_KIND) === 0 ? reader.bytes() : undefined;
    const parts = (kind & PARTS_KIND) === 0 ? undefined : readParts(reader);
    const isApart = (kind & APART_KIND) !== 0;
    const clearsParts = (kind & CLEARING_KIND) !== 0;
    changes.push({ place, body, isApart, parts, clearsParts, piecesBefore });
  }
  return changes;
}

/** Cuts an entry into the values that are written for it. They share nothing with `entry`. */
export function sealEntry(sequence: number, entry: Uint8Array, partBytes: number): Uint8Array[] {
  const values: Uint8Array[] = [];
  const count = Math.ceil(entry.length / partBytes);
  for (let index = 0; index < count; index++) {
    const part = count === 1 ? entry : entry.subarray(index * partBytes, (index + 1) * partBytes);
    const following = count - 1 - index;
    const value = new Uint8Array(JOURNAL_HEADER_BYTES + part.length);
    value[0] = VERSION;
    value[FOLLOWING_AT] = following >>> 8;
    value[FOLLOWING_AT + 1] = following;
    value.set(part, JOURNAL_HEADER_BYTES);
    const checksum = hash32(value.subarray(FOLLOWING_AT), seedOf(sequence, index));
    setUint32At(value, CHECKSUM_AT, checksum);
    values.push(value);
  }
  return values;
}

/** Reads one value: its part, and how many values of its entry follow. @throws {CorruptError} */
export function openValue(
  sequence: number,
  index: number,
  value: Uint8Array,
): { part: Uint8Array; following: number } {
  const version = value[0];
  if (value.length <= JOURNAL_HEADER_BYTES || version === undefined) {
    throw corruptEntry(sequence, `value ${index} ends too early`);
  }
  const checksum = hash32(value.subarray(FOLLOWING_AT), seedOf(sequence, index));
  const isWhole = checksum === uint32At(value, CHECKSUM_AT);
  if (version !== VERSION) {
    const problem = `this program reads version ${VERSION}, not ${version}`;
    throw corruptEntry(sequence, problem, isWhole);
  }
  if (!isWhole) {
    throw corruptEntry(sequence, `the checksum of value ${index} is wrong`);
  }
  const following = (value[FOLLOWING_AT]! << 8) | value[FOLLOWING_AT + 1]!;
  return { part: value.subarray(JOURNAL_HEADER_BYTES), following };
}

/** Says that an entry of the journal cannot be read. */
export function corruptEntry(
  sequence: number,
  problem: string,
  isOtherVersion = false,
): CorruptError {
  return new CorruptError(`entry ${sequence} of the journal`, problem, isOtherVersion);
}

const place = new ByteWriter(32);

function seedOf(sequence: number, index: number): number {
  place.reset();
  place.integer(sequence);
  place.integer(index);
  return hash32(place.view());
}
