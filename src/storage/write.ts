// One change on its way: pending, then in the journal and the memory table, then in its record.

import type { MISS } from "./object_cache.ts";
import type { Place } from "./record.ts";

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
