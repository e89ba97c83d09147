// What stores that are maps have in common, whatever their values are: joining, differences, encoding.
//
//   map := count | (length | key | value) ...      sorted by key
//
// In a delta a value may be empty, which says that the key was removed.

import { binaryString, fromBinaryString } from "../base/bytes.ts";
import type { ActorId, Dot, HybridTime } from "../causality/dot.ts";
import {
  NO_PENDING,
  type Pending,
  pendingTogether,
  type Sides,
  type StoreReader,
  type StoreWriter,
  unmentioned,
} from "./dot_store.ts";
import { type Change, SortedMap } from "./sorted_map.ts";

/** What the values of a map are, and how they are written. */
export interface EntryType<V> {
  /** What both sides hold together; undefined for nothing. */
  join(a: V | undefined, b: V | undefined, sides: Sides): V | undefined;
  /** Dots of a value: of each actor at least the latest. */
  latestDots(value: V): Iterable<Dot>;
  /** As of a {@linkcode StoreType}, if values of the kind may have such things. */
  pending?(value: V): Pending;
  isEmpty(value: V): boolean;
  sizeBytes(value: V): number;
  write(writer: StoreWriter, value: V): void;
  read(reader: StoreReader): V;
}

/** Joins key by key. Returns `a` if that is the result. */
export function joinMaps<V>(
  a: SortedMap<V>,
  b: SortedMap<V>,
  sides: Sides,
  type: EntryType<V>,
): SortedMap<V> {
  const changes: Change<V>[] = [];
  const consider = (key: string, mine: V | undefined, theirs: V | undefined, sides: Sides) => {
    const joined = type.join(mine, theirs, sides);
    if (joined !== mine) changes.push([key, joined]);
  };
  const { interval } = sides;
  if (interval === undefined) {
    for (const [key, mine, theirs] of a.differences(b)) consider(key, mine, theirs, sides);
    return a.withChanges(changes);
  }
  for (const [key, theirs] of b) consider(key, a.get(key), theirs, sides);
  if (!interval.isKnownInPart) return a.withChanges(changes);
  const rest = unmentioned(sides);
  const mayHave = ({ times }: Summary) =>
    [...times].some(([actor, time]) => interval.mayHave({ actor, time }));
  for (const [key, mine] of a.entriesWhere(summarizer(type), mayHave)) {
    if (b.get(key) === undefined) consider(key, mine, undefined, rest);
  }
  return a.withChanges(changes.sort(([one], [other]) => one < other ? -1 : 1));
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

/** What is known of the values of a chunk: found once per chunk, ever. */
interface Summary {
  /** The latest time of each actor. */
  readonly times: ReadonlyMap<ActorId, HybridTime>;
  readonly pending: Pending;
}

function summarizer<V>(type: EntryType<V>): (values: readonly V[]) => Summary {
  return (values) => {
    const times = new Map<ActorId, HybridTime>();
    for (const value of values) {
      for (const { actor, time } of type.latestDots(value)) {
        if (time > (times.get(actor) ?? 0)) times.set(actor, time);
      }
    }
    return {
      times,
      pending: pendingTogether(values.map((it) => type.pending?.(it) ?? NO_PENDING)),
    };
  };
}

/** The latest dots of each chunk. */
export function* latestDotsInMap<V>(store: SortedMap<V>, type: EntryType<V>): Generator<Dot> {
  for (const { times } of store.summaries(summarizer(type))) {
    for (const [actor, time] of times) yield { actor, time };
  }
}

/** What a key takes beside its bytes: how long it is. */
const KEY_BYTES = 2;

export function mapSizeBytes<V>(store: SortedMap<V>, type: EntryType<V>): number {
  return store.sizeBytes(entryBytes(type));
}

/** Measures the entries of maps whose values are of a type. */
export function entryBytes<V>(type: EntryType<V>): (key: string, value: V) => number {
  return (key, value) => KEY_BYTES + key.length + type.sizeBytes(value);
}

/** What has to stay for a while in the values. */
export function pendingInMap<V>(store: SortedMap<V>, type: EntryType<V>): Pending {
  return pendingTogether(
    store.summaries(summarizer(type)).map(({ pending }) => pending),
  );
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
  for (let count = reader.count(); count > 0; count--) {
    const key = binaryString(reader.bytes());
    if (previous !== undefined && key <= previous) throw reader.malformed("keys are out of order");
    previous = key;
    const value = type.read(reader);
    if (type.isEmpty(value) && !reader.isPartial) throw reader.malformed("a key has nothing");
    entries.push([key, value]);
  }
  return SortedMap.empty<V>().withChanges(entries);
}
