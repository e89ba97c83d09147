// Which parts of a node's copies hold something that may be forgotten, and from which floor on.
//
// It is known from what has been written or read since the start, so a part may be missing until something reads
// it through, as the building of hash trees does. Who forgets clears a part first and notes what is left.

import type { HybridTime } from "../causality/dot.ts";
import type { DataObject } from "../crdt/data_object.ts";
import { forgettableFrom } from "../crdt/forgetting.ts";
import type { PartId } from "./parts.ts";

export class Forgettable {
  /** By part, the lowest floor with which something can be forgotten. */
  readonly #from = new Map<PartId, HybridTime>();

  /** Takes note of what a part holds. */
  note(part: PartId, object: DataObject | undefined): void {
    if (object !== undefined) this.#lower(part, forgettableFrom(object));
  }

  /** A part may hold something, which nobody has looked at. */
  suspect(part: PartId): void {
    this.#lower(part, 0);
  }

  clear(part: PartId): void {
    this.#from.delete(part);
  }

  /** Whether a part has something to forget with this floor. */
  hasBelow(part: PartId, floor: HybridTime): boolean {
    return (this.#from.get(part) ?? Infinity) <= floor;
  }

  /** The parts that hold something of the kind, whatever floor it takes. */
  parts(): IterableIterator<PartId> {
    return this.#from.keys();
  }

  #lower(part: PartId, from: HybridTime): void {
    if (from < (this.#from.get(part) ?? Infinity)) this.#from.set(part, from);
  }
}
