// Which partitions of a node hold something that may be forgotten, and from which floor on.
//
// It is known from what has been written or read since the start, so a partition may be missing until
// something reads it through, as the building of hash trees does. Who forgets empties a partition first and notes
// what is left.

import type { HybridTime } from "../causality/dot.ts";
import type { DataObject } from "../crdt/data_object.ts";
import { forgettableFrom } from "../crdt/forgetting.ts";

export class Forgettable {
  /** By partition, the lowest floor with which something can be forgotten. */
  readonly #from = new Map<number, HybridTime>();

  /** Takes note of what a partition holds. */
  note(partition: number, object: DataObject | undefined): void {
    if (object === undefined) return;
    const from = forgettableFrom(object);
    if (from < (this.#from.get(partition) ?? Infinity)) this.#from.set(partition, from);
  }

  clear(partition: number): void {
    this.#from.delete(partition);
  }

  /** Whether a partition has something to forget with this floor. */
  hasBelow(partition: number, floor: HybridTime): boolean {
    return (this.#from.get(partition) ?? Infinity) <= floor;
  }

  /** The partitions that hold something of the kind, whatever floor it takes. */
  partitions(): IterableIterator<number> {
    return this.#from.keys();
  }
}
