// What a change of an object writes: the whole, or its head and the parts that differ.
//
// What is on the disk lies in parts or not, whatever this program would do: another one may have written it. If that
// is not known, or the parts are needed no more, the change clears: what it does not name goes.

import { binaryString } from "../base/bytes.ts";
import type { JournalPart } from "./journal_format.ts";
import { changeBytesOf } from "./journal_format.ts";
import { pieceCountOf } from "./record.ts";
import type { ObjectCodec } from "./storage.ts";

export interface EncodedChange {
  /** The object's bytes, or those of its head; undefined removes the record. */
  readonly body: Uint8Array | undefined;
  readonly isApart: boolean;
  readonly parts: Map<string, JournalPart> | undefined;
  readonly clearsParts: boolean;
  /** About how much memory the object takes. */
  readonly weightBytes: number;
  /** How much of it goes to the journal, in bytes. */
  readonly changeBytes: number;
}

/** A change of what never lies in parts. */
export function wholeChange(body: Uint8Array | undefined, clearsParts = false): EncodedChange {
  const bytes = body?.length ?? 0;
  return {
    body,
    isApart: false,
    parts: undefined,
    clearsParts,
    weightBytes: bytes,
    changeBytes: bytes,
  };
}

/**
 * @param before what was changed, if that is known
 * @param wasApart whether that lies in parts, or will when it is written, if that is known
 * @param after undefined removes the object
 */
export function encodeChange<T>(
  codec: ObjectCodec<T>,
  pieceBytes: number,
  before: T | undefined,
  wasApart: boolean | undefined,
  after: T | undefined,
): EncodedChange {
  const { parts: partsCodec } = codec;
  if (partsCodec === undefined) return wholeChange(after && codec.encode(after));
  const mayHaveParts = wasApart ?? (before === undefined || partsCodec.hasEntries(before));
  if (after === undefined) return wholeChange(undefined, mayHaveParts);
  if (!partsCodec.isApart(after)) return wholeChange(codec.encode(after), mayHaveParts);
  const base = wasApart === true ? before : undefined;
  const body = partsCodec.encodeHead(after);
  const parts = new Map<string, JournalPart>();
  for (const { body, bytesBefore, name } of partsCodec.changedParts(base, after)) {
    const piecesBefore = pieceCountOf(bytesBefore, pieceBytes);
    parts.set(binaryString(name), { name, body, piecesBefore });
  }
  return {
    body,
    isApart: true,
    parts,
    clearsParts: base === undefined && mayHaveParts,
    weightBytes: partsCodec.sizeBytes(after),
    changeBytes: changeBytesOf(0, body.length, parts),
  };
}
