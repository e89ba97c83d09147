// A disk image that is asked what it would give back after a crash.
//
// Durability is judged by the bytes on the platter and by nothing that the node says: each batch that is
// applied is read as the journal's and the records' own formats say.

import { binaryString, concatBytes } from "../../src/base/bytes.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import { decodeObject } from "../../src/crdt/object_codec.ts";
import type { DiskChange } from "../../src/ports/disk.ts";
import { openValue, readChanges } from "../../src/storage/journal_format.ts";
import { decodeHead, headKey, type Place } from "../../src/storage/record.ts";
import { DiskImage } from "./memory_disk.ts";

/** One entry of the journal: by key, what it left. */
type Entry = Map<string, DataObject | undefined>;

export class Platter extends DiskImage {
  readonly #entries = new Map<number, Entry>();

  /** What a node that starts on this image has of a key. Objects in pieces are beyond it. */
  heldOf(partition: number, key: Uint8Array): DataObject {
    const name = binaryString(key);
    for (const sequence of [...this.#entries.keys()].sort((a, b) => b - a)) {
      const entry = this.#entries.get(sequence)!;
      if (entry.has(name)) return entry.get(name) ?? DataObject.empty;
    }
    const place: Place = { table: "object", partition, key };
    const head = this.get(headKey(place));
    if (head === undefined) return DataObject.empty;
    const decoded = decodeHead(place, head);
    if (!("body" in decoded)) throw new Error("The objects of a simulation are small");
    return decodeObject(decoded.body);
  }

  override apply(batch: readonly DiskChange[]): void {
    super.apply(batch);
    const parts = new Map<number, Uint8Array[]>();
    for (const { key, value } of batch) {
      if (key[0] !== "j") continue;
      const sequence = key[1] as number;
      if (value === undefined) {
        if (key[2] === 0) this.#entries.delete(sequence);
        continue;
      }
      const { part } = openValue(sequence, key[2] as number, value);
      const before = parts.get(sequence);
      if (before === undefined) parts.set(sequence, [part]);
      else before.push(part);
    }
    for (const [sequence, pieces] of parts) {
      this.#entries.set(sequence, readEntry(concatBytes(pieces)));
    }
  }

  override copy(): Platter {
    const copy = new Platter(this.limits);
    copy.apply(this.entries());
    return copy;
  }
}

function readEntry(bytes: Uint8Array): Entry {
  const entry: Entry = new Map();
  for (const { place, body } of readChanges(bytes)) {
    if (place.table !== "object") continue;
    const object = body === undefined ? undefined : decodeObject(body.slice());
    entry.set(binaryString(place.key), object);
  }
  return entry;
}
