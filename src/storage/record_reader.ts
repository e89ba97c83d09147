// Reading one record, in pieces or not, while commits go on.
//
// A head and its pieces are read one after the other. If a commit replaced both in between they do not fit
// each other, which looks like damage. It was a commit if the head has changed: then we read again.

import { binaryString, equalBytes } from "../base/bytes.ts";
import type { Compressor } from "../ports/compressor.ts";
import type { Disk, DiskEntry } from "../ports/disk.ts";
import { CorruptError } from "../wire/errors.ts";
import {
  corrupt,
  decodeHead,
  headKey,
  joinPieces,
  MAX_PIECE_COUNT,
  partPlace,
  partRange,
  pieceRange,
  type Place,
  uncompressed,
} from "./record.ts";

/** An object's bytes and in how many pieces they lie. */
export interface StoredBytes {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly pieceCount: number;
  /** Whether these are the bytes of a head, and the parts lie apart. */
  readonly isApart: boolean;
}

/** One part of an object as it lies on the disk. */
export interface StoredPart {
  readonly name: Uint8Array;
  readonly body: Uint8Array;
}

/** How many parts one read of the disk asks for. */
const PARTS_PAGE_COUNT = 500;

/**
 * Reads the record of a place; undefined if there is none.
 *
 * @param head its head, if that has been read already
 * @throws {CorruptError}
 */
export async function readRecord(
  disk: Disk,
  place: Place,
  head?: Uint8Array,
  compressor?: Compressor,
): Promise<StoredBytes | undefined> {
  let value = head ?? await disk.get(headKey(place));
  while (value !== undefined) {
    const decoded = decodeHead(place, value);
    const { isApart, isCompressed } = decoded;
    const whole = (body: Uint8Array<ArrayBuffer>) => {
      return isCompressed ? uncompressed(place, body, compressor) : body;
    };
    if ("body" in decoded) return { body: whole(decoded.body), pieceCount: 0, isApart };
    const entries = await disk.range(pieceRange(place), MAX_PIECE_COUNT);
    try {
      const pieces = contiguous(place, entries);
      const body = whole(joinPieces(place, decoded, pieces));
      return { body, pieceCount: decoded.pieceCount, isApart };
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      const latest = await disk.get(headKey(place));
      if (latest !== undefined && equalBytes(latest, value)) throw error;
      value = latest;
    }
  }
  return undefined;
}

/**
 * Reads the parts of an object, each as it is at some time meanwhile.
 *
 * @param changes names of parts that are of no interest, as text: a crash may have left such a part half written
 * @throws {CorruptError} if one of the others cannot be read
 */
export async function readParts(
  disk: Disk,
  place: Place,
  changes?: ReadonlyMap<string, unknown>,
  compressor?: Compressor,
): Promise<StoredPart[]> {
  const parts: StoredPart[] = [];
  for await (const { name, value } of partHeads(disk, place)) {
    if (changes?.has(binaryString(name)) === true) continue;
    const part = partPlace(place, name);
    const decoded = decodeHead(part, value);
    const body = "body" in decoded && !decoded.isCompressed
      ? decoded.body
      : (await readRecord(disk, part, value, compressor))?.body;
    if (body !== undefined) parts.push({ name, body });
  }
  return parts;
}

/** The parts of an object that are on the disk, whole or damaged, and in how many pieces each can lie. */
export async function* partsOnDisk(
  disk: Disk,
  place: Place,
): AsyncGenerator<{ readonly name: Uint8Array; readonly pieceCount: number }> {
  for await (const { name, value } of partHeads(disk, place)) {
    let pieceCount = MAX_PIECE_COUNT;
    try {
      const decoded = decodeHead(partPlace(place, name), value);
      pieceCount = "body" in decoded ? 0 : decoded.pieceCount;
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
    }
    yield { name, pieceCount };
  }
}

async function* partHeads(
  disk: Disk,
  place: Place,
): AsyncGenerator<{ readonly name: Uint8Array; readonly value: Uint8Array }> {
  for (let after: Uint8Array | undefined;;) {
    const page = await disk.range(partRange(place, after), PARTS_PAGE_COUNT);
    for (const { key, value } of page) yield { name: after = key[3] as Uint8Array, value };
    if (page.length < PARTS_PAGE_COUNT) return;
  }
}

function contiguous(place: Place, entries: readonly DiskEntry[]): Uint8Array[] {
  return entries.map(({ key, value }, index) => {
    if (key.at(-1) !== index) throw corrupt(place, `piece ${index} is missing`);
    return value;
  });
}
