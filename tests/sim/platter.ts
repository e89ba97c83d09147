// A disk image that is asked what it would give back after a crash.
//
// Durability is judged by the bytes on the platter and by nothing that the node says: each batch that is
// applied is read as the journal's own format says.

import { binaryString, concatBytes } from "../../src/base/bytes.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import { decodeObject } from "../../src/crdt/object_codec.ts";
import type { DiskChange } from "../../src/ports/disk.ts";
import { openValue, readChanges } from "../../src/storage/journal_format.ts";
import { DiskImage } from "./memory_disk.ts";

export class Platter extends DiskImage {
  /** By key as a binary string: the object of the last entry of the journal that named it. */
  #held = new Map<string, DataObject>();

  /** What a node that starts on this image has of a key. */
  heldOf(key: Uint8Array): DataObject {
    return this.#held.get(binaryString(key)) ?? DataObject.empty;
  }

  /** The keys of which there is something. */
  heldKeys(): string[] {
    return [...this.#held.keys()];
  }

  override apply(batch: readonly DiskChange[]): void {
    super.apply(batch);
    const parts: Uint8Array[] = [];
    for (const { key, value } of batch) {
      if (key[0] !== "j" || value === undefined) continue;
      parts.push(openValue(key[1] as number, key[2] as number, value).part);
    }
    if (parts.length > 0) this.#read(concatBytes(parts));
  }

  override copy(): Platter {
    const copy = new Platter(this.limits);
    for (const { key, value } of this.entries()) {
      copy.apply([{ key, value }]);
    }
    copy.#held = new Map(this.#held);
    return copy;
  }

  #read(entry: Uint8Array): void {
    for (const { place, body } of readChanges(entry)) {
      if (place.table !== "object") continue;
      const name = binaryString(place.key);
      if (body === undefined) this.#held.delete(name);
      else this.#held.set(name, decodeObject(body.slice()));
    }
  }
}
