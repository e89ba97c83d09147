// What stores that are maps have in common, whatever their values are: joining, differences, encoding.
//
//   map := count | (length | key | value) ...      sorted by key
//
// In a delta a value may be empty, which says that the key was removed.

import { binaryString, fromBinaryString } from "../base/bytes.ts";
import type { ActorId } from "../causality/dot.ts";
import type { Sides, StoreReader, StoreWriter } from "./dot_store.ts";
import { type Change, SortedMap } from "./sorted_map.ts";

/** Joins key by key. Returns `a` if that is the result. */
export function joinMaps<V>(
  a: SortedMap<V>,
  b: SortedMap<V>,
  sides: Sides,
  join: (a: V | undefined, b: V | undefined) => V | undefined,
): SortedMap<V> {
  const changes: Change<V>[] = [];
  const consider = (key: string, mine: V | undefined, theirs: V | undefined) => {
    const joined = join(mine, theirs);
    if (joined !== mine) changes.push([key, joined]);
  };
  if (sides.isPartial) { for (const [key, theirs] of b) consider(key, a.get(key), theirs); }
  else for (const [key, mine, theirs] of a.differences(b)) consider(key, mine, theirs);
  return a.withChanges(changes);
}

/** The keys whose values differ, with what `diff` says of each; undefined says that nothing differs. */
export function diffMaps<V>(
  before: SortedMap<V>,
  after: SortedMap<V>,
  diff: (before: V | undefined, after: V | undefined) => V | undefined,
): SortedMap<V> {
  const changes: Change<V>[] = [];
  for (const [key, old, young] of before.differences(after)) {
    const value = old === young ? undefined : diff(old, young);
    if (value !== undefined) changes.push([key, value]);
  }
  return SortedMap.empty<V>().withChanges(changes);
}

/** The actors of all values, remembered per chunk. */
export function* actorsInMap<V>(
  store: SortedMap<V>,
  actorsOf: (value: V) => Iterable<ActorId>,
): Generator<ActorId> {
  const summarize = (values: readonly V[]) => {
    const actors = new Set<ActorId>();
    for (const value of values) for (const actor of actorsOf(value)) actors.add(actor);
    return actors;
  };
  for (const actors of store.summaries(summarize)) yield* actors;
}

/** How the values of a map are written. */
export interface EntryType<V> {
  write(writer: StoreWriter, value: V): void;
  read(reader: StoreReader): V;
  isEmpty(value: V): boolean;
}

export function writeMap<V>(writer: StoreWriter, store: SortedMap<V>, type: EntryType<V>): void {
  writer.integer(store.size);
  for (const [key, value] of store) {
    writer.bytes(fromBinaryString(key));
    type.write(writer, value);
  }
}

export function readMap<V>(reader: StoreReader, type: EntryType<V>): SortedMap<V> {
  const entries: Change<V>[] = [];
  let previous: string | undefined;
  for (let count = reader.integer(); count > 0; count--) {
    const key = binaryString(reader.bytes());
    if (previous !== undefined && key <= previous) throw reader.malformed("keys are out of order");
    previous = key;
    const value = type.read(reader);
    if (type.isEmpty(value) && !reader.isPartial) throw reader.malformed("a key has nothing");
    entries.push([key, value]);
  }
  return SortedMap.empty<V>().withChanges(entries);
}
