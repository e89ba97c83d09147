// How the journal lies on the disk.
//
//   value at ["j", sequence, index] := version (1) | checksum (4) | following (2) | part
//   entry                           := the parts of its values, one after the other: change*
//   change := kind (1) | partition | key length, key | pieces before | body length, body   for a change
//           | kind (1) | partition | key length, key | pieces before                       for a removal
//
// One entry is one group commit. Its values are written in one batch, so it is there as a whole or not at
// all; `following` tells how many of its values come after this one. Entries are numbered without gaps.
//
// The checksum covers what stands behind it and is seeded with the place of the value, so neither a changed
// byte nor a value of another place is ever taken for what was written.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { setUint32At, uint32At } from "../base/bytes.ts";
import { hash32 } from "../base/hash.ts";
import type { DiskKey, DiskRange } from "../ports/disk.ts";
import { CorruptError } from "../wire/errors.ts";
import type { Place } from "./record.ts";

const VERSION = 1;
const CHECKSUM_AT = 1;
const FOLLOWING_AT = 5;

/** What a value of the journal holds besides its part. */
export const JOURNAL_HEADER_BYTES = 7;

const META_KIND = 1;
const REMOVAL_KIND = 2;

/** What a change takes beside its key and its body, at most. */
const CHANGE_OVERHEAD_BYTES = 24;

export interface JournalChange {
  readonly place: Place;
  /** The object's bytes; undefined removes the record. */
  readonly body: Uint8Array | undefined;
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
export function changeBytesOf(keyBytes: number, bodyBytes: number): number {
  return CHANGE_OVERHEAD_BYTES + keyBytes + bodyBytes;
}

export function writeChange(
  writer: ByteWriter,
  { place, body, piecesBefore }: JournalChange,
): void {
  const kind = (place.table === "meta" ? META_KIND : 0) | (body === undefined ? REMOVAL_KIND : 0);
  writer.byte(kind);
  writer.integer(place.partition);
  writer.bytes(place.key);
  writer.integer(piecesBefore);
  if (body !== undefined) writer.bytes(body);
}

/** The changes of an entry, in order; they are views of `entry`. @throws {MalformedError} */
export function readChanges(entry: Uint8Array): JournalChange[] {
  const reader = new ByteReader(entry, "an entry of the journal");
  const changes: JournalChange[] = [];
  while (reader.remaining > 0) {
    const kind = reader.byte();
    if (kind > (META_KIND | REMOVAL_KIND)) throw reader.malformed(`kind ${kind} is unknown`);
    const partition = reader.integer();
    const table = (kind & META_KIND) === 0 ? "object" : "meta";
    const place: Place = { table, partition, key: reader.bytes() };
    const piecesBefore = reader.integer();
    const body = (kind & REMOVAL_KIND) === 0 ? reader.bytes() : undefined;
    changes.push({ place, body, piecesBefore });
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
  if (version !== VERSION) {
    throw corruptEntry(sequence, `this program reads version ${VERSION}, not ${version}`);
  }
  const checksum = hash32(value.subarray(FOLLOWING_AT), seedOf(sequence, index));
  if (checksum !== uint32At(value, CHECKSUM_AT)) {
    throw corruptEntry(sequence, `the checksum of value ${index} is wrong`);
  }
  const following = (value[FOLLOWING_AT]! << 8) | value[FOLLOWING_AT + 1]!;
  return { part: value.subarray(JOURNAL_HEADER_BYTES), following };
}

/** Says that an entry of the journal cannot be read. */
export function corruptEntry(sequence: number, problem: string): CorruptError {
  return new CorruptError(`entry ${sequence} of the journal`, problem);
}

const place = new ByteWriter(32);

function seedOf(sequence: number, index: number): number {
  place.reset();
  place.integer(sequence);
  place.integer(index);
  return hash32(place.view());
}
