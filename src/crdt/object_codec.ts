// The canonical bytes of an object.
//
//   object  := version (1) | actor count | actor ... | slot count | slot ...
//   actor   := length | UTF-8                        sorted, each once; slots name actors by index
//   slot    := type | length | body                  sorted by type, none empty
//   body    := entry count | entry ...
//              of slot 3 (values that merge): as values.ts has it, with actors of its own
//   entry   := actor index | discardedUpTo | value count | (time | value) ...
//   value   := of slot 1 (expiry): milliseconds since 1970, 0 for never
//              of slot 2 (opaque): kind | length | bytes     kind 0 is a tombstone, without length and bytes
//
// One object has exactly one encoding, so owners that agree hold the same bytes and a hash of them can
// be compared. A reader that meets a slot of a type it does not know refuses the object: dropping it would
// lose data.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { type ActorId, isTooLong, MAX_TIME } from "../causality/dot.ts";
import { type ActorEntry, SiblingSet, type TimedValue } from "../causality/sibling_set.ts";
import { DataObject, type Opaque } from "./data_object.ts";
import type { ValueKind } from "./value.ts";
import { values as valuesType } from "./values.ts";

const VERSION = 1;
const EXPIRY_SLOT = 1;
const OPAQUE_SLOT = 2;
const VALUES_SLOT = 3;
const TOMBSTONE = 0;
const KINDS: readonly (ValueKind | undefined)[] = [undefined, "bytes", "text", "msgpack"];

const writer = new ByteWriter(4096);
const body = new ByteWriter(4096);

/** Encodes an object; equal objects give equal bytes. */
export function encodeObject(object: DataObject): Uint8Array<ArrayBuffer> {
  const actors = actorsOf(object);
  writer.reset();
  writer.byte(VERSION);
  writer.integer(actors.length);
  for (const actor of actors) writer.text(actor);
  const hasExpiry = object.expiry.entries.length > 0;
  const hasOpaque = object.opaque.entries.length > 0;
  const hasValues = !object.values.seen.isEmpty;
  writer.integer(Number(hasExpiry) + Number(hasOpaque) + Number(hasValues));
  if (hasExpiry) writeSlot(EXPIRY_SLOT, object.expiry, actors, (value) => body.integer(value));
  if (hasOpaque) writeSlot(OPAQUE_SLOT, object.opaque, actors, writeOpaque);
  if (hasValues) {
    writer.byte(VALUES_SLOT);
    writer.bytes(valuesType.encode(object.values));
  }
  return writer.finish();
}

/** Bytes that are equal for objects that have seen the same: of values that merge only what they have seen. */
export function encodeClock({ opaque, expiry, values }: DataObject): Uint8Array<ArrayBuffer> {
  const clock = new ByteWriter(256);
  values.seen.write(clock);
  clock.raw(encodeObject(new DataObject(opaque, expiry, valuesType.empty)));
  return clock.finish();
}

/**
 * Decodes an object. Its values are views of `bytes`, which must not change afterwards.
 *
 * @throws {MalformedError} for everything that {@linkcode encodeObject} cannot have written
 */
export function decodeObject(bytes: Uint8Array<ArrayBuffer>): DataObject {
  const reader = new ByteReader(bytes, "object");
  const version = reader.byte();
  if (version !== VERSION) {
    throw reader.malformed(`version ${version} is unknown, this is ${VERSION}`);
  }
  const actors: ActorId[] = [];
  for (let count = reader.count(); count > 0; count--) {
    const raw = reader.text();
    if (isTooLong(raw)) throw reader.malformed("an actor is too long");
    if (actors.length > 0 && actors[actors.length - 1]! >= raw) {
      throw reader.malformed("actors are out of order");
    }
    actors.push(raw);
  }
  let expiry = SiblingSet.empty<number>();
  let opaque = SiblingSet.empty<Opaque>();
  let values = valuesType.empty;
  let previous = 0;
  for (let count = reader.count(); count > 0; count--) {
    const type = reader.byte();
    if (type <= previous) throw reader.malformed("slots are out of order");
    previous = type;
    const bytes = reader.bytes();
    if (type === VALUES_SLOT) {
      values = valuesType.decode(bytes);
      if (values.seen.isEmpty) throw reader.malformed("a slot is empty");
      continue;
    }
    const slot = new ByteReader(bytes, "object");
    if (type === EXPIRY_SLOT) expiry = readSlot(slot, actors, (reader) => reader.integer());
    else if (type === OPAQUE_SLOT) opaque = readSlot(slot, actors, readOpaque);
    else throw reader.malformed(`slot type ${type} is unknown`);
    slot.end();
  }
  reader.end();
  const object = new DataObject(opaque, expiry, values, bytes);
  if (actorsOf(object).length !== actors.length) throw reader.malformed("an actor has no entry");
  return object;
}

function actorsOf(object: DataObject): ActorId[] {
  if (object.expiry.entries.length === 0) return object.opaque.entries.map(({ actor }) => actor);
  const actors = new Set<ActorId>();
  for (const { actor } of object.opaque.entries) actors.add(actor);
  for (const { actor } of object.expiry.entries) actors.add(actor);
  return [...actors].sort();
}

function writeSlot<V>(
  type: number,
  set: SiblingSet<V>,
  actors: readonly ActorId[],
  writeValue: (value: V) => void,
): void {
  body.reset();
  body.integer(set.entries.length);
  let index = 0;
  for (const entry of set.entries) {
    while (actors[index] !== entry.actor) index++;
    body.integer(index);
    body.integer(entry.discardedUpTo);
    body.integer(entry.values.length);
    for (const { time, value } of entry.values) {
      body.integer(time);
      writeValue(value);
    }
  }
  writer.byte(type);
  writer.bytes(body.view());
}

function readSlot<V>(
  reader: ByteReader,
  actors: readonly ActorId[],
  readValue: (reader: ByteReader) => V,
): SiblingSet<V> {
  const entries: ActorEntry<V>[] = [];
  let previousActor = -1;
  for (let count = reader.count(); count > 0; count--) {
    const index = reader.integer();
    const actor = actors[index];
    if (actor === undefined || index <= previousActor) {
      throw reader.malformed("entries are out of order");
    }
    previousActor = index;
    const discardedUpTo = readTime(reader);
    const values: TimedValue<V>[] = [];
    let previousTime = discardedUpTo;
    for (let left = reader.count(); left > 0; left--) {
      const time = readTime(reader);
      if (time <= previousTime) throw reader.malformed("times are out of order");
      previousTime = time;
      values.push({ time, value: readValue(reader) });
    }
    if (previousTime === 0) throw reader.malformed("an entry says nothing");
    entries.push({ actor, discardedUpTo, values });
  }
  if (entries.length === 0) throw reader.malformed("a slot is empty");
  return new SiblingSet(entries);
}

function readTime(reader: ByteReader): number {
  const time = reader.integer();
  if (time > MAX_TIME) throw reader.malformed("a time is too large");
  return time;
}

function writeOpaque(value: Opaque): void {
  if (value === null) {
    body.byte(TOMBSTONE);
  } else {
    body.byte(KINDS.indexOf(value.kind));
    body.bytes(value.bytes);
  }
}

function readOpaque(reader: ByteReader): Opaque {
  const code = reader.byte();
  if (code === TOMBSTONE) return null;
  const kind = KINDS[code];
  if (kind === undefined) throw reader.malformed(`value kind ${code} is unknown`);
  return { kind, bytes: reader.bytes() };
}
