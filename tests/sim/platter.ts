// A disk image that is asked what it would give back after a crash.
//
// Durability is judged by the bytes on the platter and by nothing that the node says: each batch that is
// applied is read as the journal's and the records' own formats say.

import { binaryString, concatBytes, utf8 } from "../../src/base/bytes.ts";
import type { HybridTime } from "../../src/causality/dot.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import { decodeObject } from "../../src/crdt/object_codec.ts";
import type { DiskChange } from "../../src/ports/disk.ts";
import { FLOORS_META, readFloors } from "../../src/replica/floors.ts";
import type { PartId } from "../../src/replica/parts.ts";
import {
  type JournalChange,
  type JournalPart,
  openValue,
  readChanges,
} from "../../src/storage/journal_format.ts";
import { joinParts, type Part } from "../../src/crdt/parts.ts";
import { decodeHead, headKey, partPlace, partRange, type Place } from "../../src/storage/record.ts";
import { CorruptError } from "../../src/wire/errors.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import { DiskImage } from "./memory_disk.ts";

/** What one entry of the journal left of one key. */
interface Left {
  readonly sequence: number;
  readonly change: JournalChange;
  /** What is there after it, once somebody has asked for that. */
  object?: DataObject;
}

export class Platter extends DiskImage {
  /** Whether something on it has changed by itself. */
  isDamaged = false;
  /** The names of what lies in each entry of the journal. */
  readonly #entries = new Map<number, readonly string[]>();
  /** By name, what the entries left of it, the oldest first. */
  readonly #left = new Map<string, Left[]>();
  /** What the heads of records say, as long as nothing on the platter has changed by itself. */
  readonly #objects = new WeakMap<Uint8Array, DataObject>();
  /** The same of what they say of floors. */
  readonly #marks = new WeakMap<Uint8Array, ReturnType<typeof readFloors>["marks"]>();

  /** Whether what lies here of a key is damaged, or never was an object. */
  isUnreadable(partition: number, key: Uint8Array): boolean {
    return this.#read(partition, key) === undefined;
  }

  /**
   * What a node that starts on this image has of a key; nothing if that is unreadable. Objects in pieces are
   * beyond it.
   */
  heldOf(partition: number, key: Uint8Array): DataObject {
    return this.#read(partition, key) ?? DataObject.empty;
  }

  /** Where there is something of a key, in records or in the journal: the key as a binary string. */
  places(): { readonly key: string; readonly partition: number }[] {
    const found: Place[] = [];
    for (const { key: [table, partition, key] } of this.entries()) {
      if (table !== "o") continue;
      found.push({ table: "object", partition: partition as number, key: key as Uint8Array });
    }
    for (const left of this.#left.values()) {
      const { body, place } = left.at(-1)!.change;
      if (body !== undefined && place.table === "object") found.push(place);
    }
    return found.map(({ key, partition }) => ({ key: binaryString(key), partition }));
  }

  /** Undefined if it cannot be read. */
  #read(partition: number, key: Uint8Array): DataObject | undefined {
    const left = this.#left.get(binaryString(key)) ?? [];
    const place: Place = { table: "object", partition, key };
    const last = left.at(-1);
    if (last !== undefined) {
      if (last.object !== undefined && !this.isDamaged) return last.object;
      const object = this.#afterChanges(place, left.map(({ change }) => change));
      if (object !== undefined) last.object = object;
      return object;
    }
    const head = this.get(headKey(place));
    if (head === undefined) return DataObject.empty;
    const known = this.isDamaged ? undefined : this.#objects.get(head);
    if (known !== undefined) return known;
    const object = this.#ofRecord(place, head);
    if (object !== undefined) this.#objects.set(head, object);
    return object;
  }

  #ofRecord(place: Place, head: Uint8Array): DataObject | undefined {
    const body = this.#bodyOf(place, head);
    if (body === undefined) return undefined;
    if (this.#decodeHead(place, head)?.isApart !== true) return decodeObject(body);
    const parts = this.#partsOf(place, new Set());
    return parts && joined(body, parts);
  }

  /** What the latest of the changes in the journal says, with the parts that all of them and the records have. */
  #afterChanges(place: Place, changes: readonly JournalChange[]): DataObject | undefined {
    const { body, isApart } = changes.at(-1)!;
    if (body === undefined) return DataObject.empty;
    if (!isApart) return decodeObject(body.slice());
    const first = Math.max(0, changes.findLastIndex(({ clearsParts }) => clearsParts));
    const changed = new Map<string, JournalPart>();
    for (const { parts } of changes.slice(first)) {
      for (const [name, part] of parts ?? []) changed.set(name, part);
    }
    const parts = changes[first]!.clearsParts
      ? new Map<string, Part>()
      : this.#partsOf(place, new Set(changed.keys()));
    for (const [id, { body, name }] of changed) {
      if (body !== undefined) parts?.set(id, { name: name.slice(), body: body.slice() });
    }
    return parts && joined(body.slice(), parts);
  }

  /** The parts among the records but for some; undefined if one is damaged. */
  #partsOf(place: Place, but: ReadonlySet<string>): Map<string, Part> | undefined {
    const parts = new Map<string, Part>();
    for (const { key, value } of this.range(partRange(place), Infinity)) {
      const name = key[3] as Uint8Array<ArrayBuffer>;
      if (but.has(binaryString(name))) continue;
      const body = this.#bodyOf(partPlace(place, name), value);
      if (body === undefined) return undefined;
      parts.set(binaryString(name), { name, body });
    }
    return parts;
  }

  /** The floor that a node which starts on this image has of a part. */
  floorOf(part: PartId): HybridTime {
    const last = this.#left.get(FLOORS_NAME)?.at(-1);
    const stored = last === undefined ? this.get(FLOORS_KEY) : last.change.body;
    if (stored === undefined) return 0;
    let marks = this.isDamaged ? undefined : this.#marks.get(stored);
    if (marks === undefined) {
      const body = last === undefined ? this.#bodyOf(FLOORS, stored) : stored;
      if (body === undefined) return 0;
      marks = readFloors(body).marks;
      this.#marks.set(stored, marks);
    }
    return marks.get(part)?.floor ?? 0;
  }

  override apply(batch: readonly DiskChange[]): void {
    super.apply(batch);
    const parts = new Map<number, Uint8Array[]>();
    for (const { key, value } of batch) {
      if (key[0] !== "j") continue;
      const sequence = key[1] as number;
      if (value === undefined) {
        if (key[2] === 0) this.#drop(sequence);
        continue;
      }
      const { part } = openValue(sequence, key[2] as number, value);
      const before = parts.get(sequence);
      if (before === undefined) parts.set(sequence, [part]);
      else before.push(part);
    }
    for (const [sequence, pieces] of parts) this.#add(sequence, concatBytes(pieces));
  }

  /** A copy of what is damaged is damaged in the same places. */
  override copy(): Platter {
    const copy = new Platter(this.limits);
    copy.restore(this);
    return copy;
  }

  /** Takes over everything from another platter, unread. */
  override restore(other: Platter): void {
    super.restore(other);
    for (const [sequence, names] of other.#entries) this.#entries.set(sequence, names);
    for (const [name, left] of other.#left) this.#left.set(name, [...left]);
    this.isDamaged = other.isDamaged;
  }

  #bodyOf(place: Place, head: Uint8Array | undefined): Uint8Array<ArrayBuffer> | undefined {
    const decoded = head === undefined ? undefined : this.#decodeHead(place, head);
    if (decoded === undefined) return undefined;
    if (!("body" in decoded) || decoded.isCompressed) {
      throw new Error("The objects of a simulation are small, and not compressed");
    }
    return decoded.body;
  }

  /** Undefined if the head is damaged, which it may be only if this platter is known to be. */
  #decodeHead(place: Place, head: Uint8Array): ReturnType<typeof decodeHead> | undefined {
    try {
      return decodeHead(place, head);
    } catch (error) {
      if (this.isDamaged && error instanceof CorruptError) return undefined;
      throw error;
    }
  }

  #add(sequence: number, entry: Uint8Array): void {
    this.#drop(sequence);
    const names: string[] = [];
    for (const change of readChanges(entry)) {
      const name = leftName(change.place);
      const left = this.#left.get(name) ?? [];
      left.push({ sequence, change });
      left.sort((a, b) => a.sequence - b.sequence);
      this.#left.set(name, left);
      names.push(name);
    }
    this.#entries.set(sequence, names);
  }

  #drop(sequence: number): void {
    for (const name of this.#entries.get(sequence) ?? []) {
      const left = this.#left.get(name)!.filter((it) => it.sequence !== sequence);
      if (left.length === 0) this.#left.delete(name);
      else this.#left.set(name, left);
    }
    this.#entries.delete(sequence);
  }
}

/** Where a node keeps its floors. */
const FLOORS: Place = { table: "meta", partition: 0, key: utf8(FLOORS_META) };
const FLOORS_NAME = leftName(FLOORS);
const FLOORS_KEY = headKey(FLOORS);

/** What parts are put together to; undefined if they do not belong together. */
function joined(
  head: Uint8Array<ArrayBuffer>,
  parts: ReadonlyMap<string, Part>,
): DataObject | undefined {
  try {
    return joinParts(head, parts.values());
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/** The name of a place among what the journal has left: for an object its key as text. */
function leftName({ table, key }: Place): string {
  return table === "object" ? binaryString(key) : `\u0100${binaryString(key)}`;
}
