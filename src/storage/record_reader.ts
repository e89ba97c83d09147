// Reading one record, in pieces or not, while commits go on.
//
// A head and its pieces are read one after the other. If a commit replaced both in between they do not fit
// each other, which looks like damage. It was a commit if the head has changed: then we read again.

import { equalBytes } from "../base/bytes.ts";
import type { Disk, DiskEntry } from "../ports/disk.ts";
import { CorruptError } from "../wire/errors.ts";
import {
  corrupt,
  decodeHead,
  headKey,
  joinPieces,
  MAX_PIECE_COUNT,
  pieceRange,
  type Place,
} from "./record.ts";

/** An object's bytes and in how many pieces they lie. */
export interface StoredBytes {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly pieceCount: number;
}

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
): Promise<StoredBytes | undefined> {
  let value = head ?? await disk.get(headKey(place));
  while (value !== undefined) {
    const decoded = decodeHead(place, value);
    if ("body" in decoded) return { body: decoded.body, pieceCount: 0 };
    const entries = await disk.range(pieceRange(place), MAX_PIECE_COUNT);
    try {
      const pieces = contiguous(place, entries);
      return { body: joinPieces(place, decoded, pieces), pieceCount: decoded.pieceCount };
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      const latest = await disk.get(headKey(place));
      if (latest !== undefined && equalBytes(latest, value)) throw error;
      value = latest;
    }
  }
  return undefined;
}

function contiguous(place: Place, entries: readonly DiskEntry[]): Uint8Array[] {
  return entries.map(({ key, value }, index) => {
    if (key[3] !== index) throw corrupt(place, `piece ${index} is missing`);
    return value;
  });
}
