// What brings a copy of an object that has seen `before` to `after`, in fewer bytes than the whole.
//
// A set of 100,000 elements must not travel for each element that is added. So whoever changes it sends the
// change, and a copy that has seen everything before it merges that. One that has not would take what it never
// saw for removed: it refuses, and is sent the whole (see contract.ts, mergeDelta).
//
// Opaque values and expiries are small and come whole.
//
//   delta := version (1) | length | object without values that merge | delta of the values

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import type { Delta } from "./contract.ts";
import { compareEnds, DataObject } from "./data_object.ts";
import { compareStored } from "./value.ts";
import type { Slots } from "./map.ts";
import { decodeObject, encodeObject } from "./object_codec.ts";
import { values as valuesType } from "./values.ts";

const VERSION = 1;

export interface ObjectDelta {
  /** The opaque values and the expiry, whole. */
  readonly rest: DataObject;
  readonly values: Delta<Slots>;
}

/** What leads from one object to a later one; undefined if that builds upon nothing. */
export function deltaBetween(before: DataObject, after: DataObject): ObjectDelta | undefined {
  if (before.values.seen.isEmpty) return undefined;
  if (!after.values.seen.covers(before.values.seen)) return undefined;
  const rest = new DataObject(after.opaque, after.expiry, valuesType.empty);
  return { rest, values: valuesType.delta(before.values, after.values) };
}

/** What comes of a copy and a delta; undefined if the copy has not seen everything that the delta builds upon. */
export function mergeDelta(
  held: DataObject,
  { rest, values }: ObjectDelta,
): DataObject | undefined {
  const merged = valuesType.mergeDelta(held.values, values);
  if (merged === undefined) return undefined;
  const opaque = held.opaque.merge(rest.opaque, compareStored);
  const expiry = held.expiry.merge(rest.expiry, compareEnds);
  const isHeld = opaque === held.opaque && expiry === held.expiry && merged === held.values;
  return isHeld ? held : new DataObject(opaque, expiry, merged);
}

/** What a delta names, as an object that holds nothing else: to ask for its times, and what in it is outdated. */
export function namedBy({ rest, values }: ObjectDelta): DataObject {
  const { seen, changes } = values;
  return new DataObject(rest.opaque, rest.expiry, { seen, store: changes });
}

export function encodeDelta({ rest, values }: ObjectDelta): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(512);
  writer.byte(VERSION);
  writer.bytes(encodeObject(rest));
  writer.raw(valuesType.encodeDelta(values));
  return writer.finish();
}

/** @throws {MalformedError} for everything that {@linkcode encodeDelta} cannot have written */
export function decodeDelta(bytes: Uint8Array<ArrayBuffer>): ObjectDelta {
  const reader = new ByteReader(bytes, "delta");
  const version = reader.byte();
  if (version !== VERSION) {
    throw reader.malformed(`version ${version} is unknown, this is ${VERSION}`);
  }
  const rest = decodeObject(reader.bytes() as Uint8Array<ArrayBuffer>);
  if (!rest.values.seen.isEmpty) throw reader.malformed("values that merge are there twice");
  return { rest, values: valuesType.decodeDelta(reader.raw(reader.remaining)) };
}
