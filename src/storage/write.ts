// One change on its way: pending, then in the journal and the memory table, then in its record.

import type { JournalChange } from "./journal_format.ts";
import { MISS } from "./object_cache.ts";
import { nameOf, pieceCountOf, type Place } from "./record.ts";

export interface Write<T> {
  /** The name of `place`; see record.ts. */
  readonly name: string;
  readonly place: Place;
  /** The object's bytes; undefined removes the record. */
  readonly body: Uint8Array | undefined;
  /** Undefined after a removal; MISS until somebody decodes `body`, which came from the journal. */
  object: T | undefined | typeof MISS;
  /** In how many pieces its record will lie. */
  readonly pieceCount: number;
  /** At most so many pieces can lie on the disk when its record is written; those beyond its own go. */
  readonly piecesBefore: number;
  /** What its callers wait for, until it is durable. */
  done: Promise<void> | undefined;
  /** The entry of the journal that holds it; 0 until it is durable. */
  sequence: number;
}

/** A durable change as the journal gives it back, with copies of its bytes. */
export function replayedWrite<T>(
  { place, body, piecesBefore }: JournalChange,
  sequence: number,
  pieceBytes: number,
): Write<T> {
  return {
    name: nameOf(place),
    place: { ...place, key: place.key.slice() },
    body: body?.slice(),
    object: body === undefined ? undefined : MISS,
    pieceCount: pieceCountOf(body?.length ?? 0, pieceBytes),
    piecesBefore,
    done: undefined,
    sequence,
  };
}
