// Objects whose sets and maps are large, cut into parts, so that a storage can keep their entries apart.
//
// Adding one element to a set of 100,000 must not write all of them again. So the head of the object has all but
// the entries of its sets and maps, what has been seen included; and each entry is a part, with the dots of its
// key and whatever they bring. One add writes the head and one part, however large the set is.
//
//   head := version (1) | length | object without values that merge | seen | other slots
//           | count of slots apart | (type | count of entries) ...
//   part := length | key | value, in which a dot is the name of its actor and its time
//   name of a part := type | 0 | key                                for a short key
//                     type | 1 | beginning of the key | hash (16)   for any other
//
// A part names its actors in full, since an index into the head would change when an actor comes or goes.
// The counts are there because an entry that is missing would look like one that was removed. A head is never
// older than its parts: a dot that it has not seen is malformed.
//
// Two keys of one name would be lost as a whole, and be found by the counts; with 16 bytes of the key and 128 bits
// of hash nobody will meet them by chance.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { binaryString, concatBytes, fromBinaryString } from "../base/bytes.ts";
import { hash64 } from "../base/hash.ts";
import { type Dot, MAX_ACTOR_BYTES } from "../causality/dot.ts";
import { DataObject } from "./data_object.ts";
import { StoreReader, StoreWriter } from "./dot_store.ts";
import { mapStore, readSlots, type Slot, slotsEntry, writeSlots } from "./map.ts";
import { entryBytes, type EntryType } from "./map_store.ts";
import { decodeObject, encodeObject } from "./object_codec.ts";
import { SeenVector } from "./seen_vector.ts";
import { dotsEntry, setStore } from "./set.ts";
import { type Change, SortedMap } from "./sorted_map.ts";
import { values as valuesType } from "./values.ts";

const VERSION = 1;

/** From which size on sets and maps are kept in parts, in bytes: below, the whole is hardly more than a part. */
const APART_BYTES = 8 * 1024;

/** The longest key that stands in the name of its part as it is, in bytes, each NUL twice. */
const SHORT_KEY_BYTES = 48;

/** At most so many times as large as its entry is reckoned can a part be: a dot with the longest name of an actor. */
const NAMED_FACTOR = 12;

/** How much of a longer key stands there. */
const BEGINNING_BYTES = 16;

/** One entry of a set or a map, as it is stored. */
export interface Part {
  readonly name: Uint8Array<ArrayBuffer>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What becomes of one entry. */
export interface PartChange {
  readonly name: Uint8Array<ArrayBuffer>;
  /** Undefined if it goes. */
  readonly body: Uint8Array<ArrayBuffer> | undefined;
  /** How many bytes it had before, 0 if it was not there. */
  readonly bytesBefore: number;
}

type AnyEntry = EntryType<unknown>;

/** The types whose entries can be kept apart, by their code. */
const APART_TYPES: ReadonlyMap<number, AnyEntry> = new Map([
  [setStore.code, dotsEntry as AnyEntry],
  [mapStore.code, slotsEntry as AnyEntry],
]);

/** Whether an object has anything that could lie in a part. */
export function hasEntries({ values }: DataObject): boolean {
  return values.store.some(({ type }) => APART_TYPES.has(type.code));
}

/** Whether the sets and maps of an object are to be kept in parts. */
export function isApart({ values, valuesBytes }: DataObject, apartBytes = APART_BYTES): boolean {
  if (valuesBytes < apartBytes) return false;
  let bytes = 0;
  for (const { store, type } of values.store) {
    if (APART_TYPES.has(type.code)) bytes += type.sizeBytes(store);
  }
  return bytes >= apartBytes;
}

/**
 * How many bytes the largest part of an object has, if that may be more than `bytes`; else 0. A part names its actors
 * in full, so it can be several times as large as its entry is reckoned: large entries are encoded to see.
 */
export function largestPartOver({ values }: DataObject, bytes: number): number {
  let largest = 0;
  for (const { store, type } of values.store) {
    const entryType = APART_TYPES.get(type.code);
    if (entryType === undefined) continue;
    const reckoned = entryBytes(entryType);
    const suspects = (store as SortedMap<unknown>).entriesOver(bytes / NAMED_FACTOR, reckoned);
    for (const [key, value] of suspects) {
      largest = Math.max(largest, encodePart(fromBinaryString(key), value, entryType).length);
    }
  }
  return largest > bytes ? largest : 0;
}

/** The bytes of an object but for the entries of its sets and maps. */
export function encodeHead({ expiry, opaque, values }: DataObject): Uint8Array<ArrayBuffer> {
  const head = new ByteWriter(1024);
  head.byte(VERSION);
  head.bytes(encodeObject(new DataObject(opaque, expiry, valuesType.empty)));
  values.seen.write(head);
  const others = new StoreWriter(values.seen);
  writeSlots(others, values.store.filter((slot) => !APART_TYPES.has(slot.type.code)));
  const apart = values.store.filter((slot) => APART_TYPES.has(slot.type.code));
  others.integer(apart.length);
  for (const { store, type } of apart) {
    others.byte(type.code);
    others.integer((store as SortedMap<unknown>).size);
  }
  return concatBytes([head.view(), others.view()]);
}

/**
 * The entries of `after` that are not those of `before`, or all of them. Takes little time if the one was made from
 * the other.
 */
export function* changedParts(
  before: DataObject | undefined,
  after: DataObject,
): Generator<PartChange> {
  for (const [code, entryType] of APART_TYPES) {
    const [old, young] = [before, after].map((object) => {
      const slot = object?.values.store.find(({ type }) => type.code === code);
      return (slot?.store ?? SortedMap.empty()) as SortedMap<unknown>;
    });
    for (const [key, was, is] of old!.differences(young!)) {
      if (was === is) continue;
      const bytes = fromBinaryString(key);
      yield {
        name: nameOf(code, bytes),
        body: is === undefined ? undefined : encodePart(bytes, is, entryType),
        bytesBefore: was === undefined ? 0 : encodePart(bytes, was, entryType).length,
      };
    }
  }
}

/**
 * Puts an object together.
 *
 * @param parts in any order, and no others
 * @throws {MalformedError} for what is no head with its parts
 */
export function joinParts(head: Uint8Array<ArrayBuffer>, parts: Iterable<Part>): DataObject {
  const reader = new ByteReader(head, "head of an object");
  if (reader.byte() !== VERSION) throw reader.malformed("its version is unknown");
  const rest = decodeObject(reader.bytes() as Uint8Array<ArrayBuffer>);
  const seen = SeenVector.read(reader);
  const slots = new StoreReader(reader.raw(reader.remaining), "head of an object", seen, false);
  const store: Slot[] = [...readSlots(slots)];
  const counts = new Map<number, number>();
  let previous = 0;
  for (let left = slots.count(2); left > 0; left--) {
    const code = slots.byte();
    if (code <= previous) throw slots.malformed("types are out of order");
    counts.set(previous = code, slots.integer());
  }
  slots.end();
  const entries = entriesIn(parts, seen);
  for (const [code, count] of counts) {
    const type = [setStore, mapStore].find((type) => type.code === code);
    const found = entries.get(code) ?? [];
    if (type === undefined || found.length !== count || count === 0) {
      throw slots.malformed(`it has ${found.length} parts of type ${code} instead of ${count}`);
    }
    entries.delete(code);
    store.push({ type, store: mapOf(found, slots) } as Slot);
  }
  if (entries.size > 0) throw slots.malformed("there are parts of which the head knows nothing");
  store.sort((a, b) => a.type.code - b.type.code);
  return new DataObject(rest.opaque, rest.expiry, { seen, store });
}

function entriesIn(parts: Iterable<Part>, seen: SeenVector): Map<number, Change<unknown>[]> {
  const entries = new Map<number, Change<unknown>[]>();
  for (const { body, name } of parts) {
    const code = name[0] ?? 0;
    const reader = new PartReader(body, "part of an object", seen);
    const type = APART_TYPES.get(code);
    if (type === undefined) throw reader.malformed(`type ${code} has no parts`);
    const key = reader.bytes();
    const value = type.read(reader);
    reader.end();
    if (type.isEmpty(value)) throw reader.malformed("it is empty");
    const list = entries.get(code);
    if (list === undefined) entries.set(code, [[binaryString(key), value]]);
    else list.push([binaryString(key), value]);
  }
  return entries;
}

function mapOf(entries: Change<unknown>[], reader: ByteReader): SortedMap<unknown> {
  entries.sort(([a], [b]) => a < b ? -1 : 1);
  if (entries.some(([key], i) => key === entries[i - 1]?.[0])) {
    throw reader.malformed("two parts have one key");
  }
  return SortedMap.empty<unknown>().withChanges(entries);
}

function encodePart(key: Uint8Array, value: unknown, type: AnyEntry): Uint8Array<ArrayBuffer> {
  const writer = new PartWriter();
  writer.bytes(key);
  type.write(writer, value);
  return writer.finish();
}

function nameOf(code: number, key: Uint8Array): Uint8Array<ArrayBuffer> {
  const nulls = key.reduce((count, byte) => count + Number(byte === 0), 0);
  if (key.length + nulls <= SHORT_KEY_BYTES) return concatBytes([Uint8Array.of(code, 0), key]);
  const name = new Uint8Array(2 + BEGINNING_BYTES + 16);
  name.set([code, 1]);
  name.set(key.subarray(0, BEGINNING_BYTES), 2);
  const view = new DataView(name.buffer, 2 + BEGINNING_BYTES);
  view.setBigUint64(0, hash64(key));
  view.setBigUint64(8, hash64(concatBytes([SECOND_HASH, key])));
  return name;
}

/** Stands before a key for another hash of it. */
const SECOND_HASH = Uint8Array.of(1);

/** Writes dots that need no head to be read. */
class PartWriter extends StoreWriter {
  constructor() {
    super(SeenVector.empty);
  }

  override dot(dot: Dot): void {
    this.text(dot.actor);
    this.integer(dot.time);
  }
}

class PartReader extends StoreReader {
  readonly #seen: SeenVector;

  constructor(bytes: Uint8Array, where: string, seen: SeenVector) {
    super(bytes, where, seen, false);
    this.#seen = seen;
  }

  override dot(): Dot {
    const actor = this.text();
    const time = this.integer();
    if (actor.length > MAX_ACTOR_BYTES) throw this.malformed("an actor is too long");
    if (time === 0 || time > (this.#seen.times.get(actor) ?? 0)) {
      throw this.malformed("a dot has not been seen");
    }
    return { actor, time };
  }
}
