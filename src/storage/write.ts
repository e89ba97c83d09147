// One change on its way: pending, then in the journal and the memory table, then in its record.
//
// A change of an object in parts has the head and what has changed of the parts. Several such changes of one key
// that are on their way are one: what a later one does not change stays as an earlier one left it. So a later
// change takes over what an earlier one has whose place it takes.

import type { JournalChange, JournalPart } from "./journal_format.ts";
import { MISS } from "./object_cache.ts";
import { nameOf, pieceCountOf, type Place } from "./record.ts";

export interface Write<T> {
  /** The name of `place`; see record.ts. */
  readonly name: string;
  readonly place: Place;
  /** The object's bytes, or those of its head; undefined removes the record. */
  readonly body: Uint8Array | undefined;
  /** Whether `body` is the head of an object in parts. */
  readonly isApart: boolean;
  /** Parts that change, by their name as text; undefined if there are none. */
  parts: Map<string, JournalPart> | undefined;
  /** Whether parts on the disk that are not in `parts` must go. */
  clearsParts: boolean;
  /** Undefined after a removal; MISS until somebody decodes `body`, which came from the journal. */
  object: T | undefined | typeof MISS;
  /** What it weighs in memory, without its name. */
  weightBytes: number;
  /** In how many pieces its record will lie. */
  readonly pieceCount: number;
  /** At most so many pieces can lie on the disk when its record is written; those beyond its own go. */
  readonly piecesBefore: number;
  /** What its callers wait for, until it is durable. */
  done: Promise<void> | undefined;
  /** The entry of the journal that holds it; 0 until it is durable. */
  sequence: number;
  /** The first entry of the journal that holds some of it: of what it took over, or its own. */
  since: number;
}

/**
 * Takes over what a change has that is not on the disk, and whose place `later` takes: it is of no use afterwards.
 * Returns whether there was anything.
 */
export function takeOver<T>(later: Write<T>, earlier: Write<T>): boolean {
  if (later.clearsParts || (earlier.parts === undefined && !earlier.clearsParts)) return false;
  // They may be many, and are not copied: nobody asks the earlier change any more.
  const { parts } = earlier;
  if (parts !== undefined) {
    for (const [name, part] of later.parts ?? []) {
      const piecesBefore = Math.max(part.piecesBefore, parts.get(name)?.piecesBefore ?? 0);
      parts.set(name, { ...part, piecesBefore });
    }
    later.parts = parts;
  }
  later.clearsParts = earlier.clearsParts;
  return true;
}

/** A durable change as the journal gives it back, with copies of its bytes. */
export function replayedWrite<T>(
  change: JournalChange,
  sequence: number,
  pieceBytes: number,
): Write<T> {
  const { body, clearsParts, isApart, parts, piecesBefore, place } = change;
  const copied = new Map<string, JournalPart>();
  for (const [name, part] of parts ?? []) {
    copied.set(name, { ...part, name: part.name.slice(), body: part.body?.slice() });
  }
  return {
    name: nameOf(place),
    place: { ...place, key: place.key.slice() },
    body: body?.slice(),
    isApart,
    parts: copied.size > 0 ? copied : undefined,
    clearsParts,
    object: body === undefined ? undefined : MISS,
    weightBytes: body?.length ?? 0,
    pieceCount: pieceCountOf(body?.length ?? 0, pieceBytes),
    piecesBefore,
    done: undefined,
    sequence,
    since: sequence,
  };
}
