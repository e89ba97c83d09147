// The map: keys are byte strings, and the value of a key is a state of any other type, or of this one.
//
// What becomes of a key that one replica removes while another changes what is under it? The removal
// takes what it has seen of the nested state, and the concurrent change stays, so the key stays with it. A
// key is there as long as there is a value under it: that of a set or a map lives by its elements.
//
// Two replicas may put different types under one key at once. Each key has a slot for each type, as an object
// has, and shows all that are live.
//
// Nested stores know dots only; what has been seen is known once, for the whole map, so a nested state costs no
// vector of its own.
//
// Store: key -> slots, sorted by the code of their type. An operation costs a change in sorted_map.ts and the
// nested operation; merging is as for sets.
//
//   slots := count | (type | store) ...     sorted by type
//
// Source: riak_dt, riak_dt_map.erl; Almeida, Shoker and Baquero (2018), section 7.4 (maps of dot stores).

import { binaryString, fromBinaryString } from "../base/bytes.ts";
import type { Dot } from "../causality/dot.ts";
import type { VersionVector } from "../causality/version_vector.ts";
import { causalType, dotsIn } from "./causal_type.ts";
import type { TypeName } from "./contract.ts";
import { type CounterOperation, counterStore } from "./counter.ts";
import { type DocumentOperation, documentStore } from "./document.ts";
import {
  NO_PENDING,
  type Pending,
  pendingTogether,
  type Sides,
  type StoreReader,
  type StoreType,
  type StoreWriter,
  unmentioned,
} from "./dot_store.ts";
import type { ExtremeOperation } from "./extremes.ts";
import { type FlagOperation, flagStore } from "./flag.ts";
import { type HyperLogLogOperation, hyperLogLogStore } from "./hyperloglog.ts";
import {
  diffMaps,
  type EntryType,
  joinMaps,
  latestDotsInMap,
  mapSizeBytes,
  pendingInMap,
  readMap,
  writeMap,
} from "./map_store.ts";
import { maxStore } from "./max.ts";
import { minStore } from "./min.ts";
import { type RegisterOperation, registerStore } from "./register.ts";
import { type SetOperation, setStore } from "./set.ts";
import { type Change, SortedMap } from "./sorted_map.ts";
import type { StoredValue } from "./value.ts";

/** Maps in maps in the map: more is refused. */
export const NESTING_MAX = 8;

/** The operations of every type, by its name. */
export interface NestedOperations {
  /** Adds. */
  counter: CounterOperation;
  /** Adds and removes elements. */
  set: SetOperation;
  /** Changes what is under a key, and removes keys. */
  map: MapOperation;
  /** Enables and disables. */
  flag: FlagOperation;
  /** Replaces. */
  register: RegisterOperation;
  /** Raises. */
  max: ExtremeOperation;
  /** Lowers. */
  min: ExtremeOperation;
  /** Adds elements, and what others have counted. */
  hyperloglog: HyperLogLogOperation;
  /** Takes in what was edited. */
  document: DocumentOperation;
}

/** What the types under a key give as their values. */
export interface NestedValues {
  /** The exact sum. */
  counter: bigint;
  /** The elements, in the order of their bytes. */
  set: readonly Uint8Array[];
  /** All live values, in the order of the bytes of their keys. */
  map: readonly MapEntry[];
  /** Whether it is on. */
  flag: boolean;
  /** What the last writer set. */
  register: StoredValue;
  /** The largest of the numbers that were put. */
  max: number;
  /** The smallest of the numbers that were put. */
  min: number;
  /** About how many different elements were added. */
  hyperloglog: number;
  /** The state of the document as one update of Yjs, version 1. */
  document: Uint8Array;
}

/** An operation on one of the types that a key may have. */
export type NestedOperation = {
  [Name in TypeName]: { readonly type: Name; readonly operation: NestedOperations[Name] };
}[TypeName];

/** What is done to a map. A removal takes what `seen` covers; undefined means all that is there. */
export type MapOperation =
  | { readonly kind: "update"; readonly key: Uint8Array; readonly nested: NestedOperation }
  | {
    readonly kind: "remove";
    readonly keys: readonly Uint8Array[];
    readonly seen: VersionVector | undefined;
  };

/** One live value. A key has several only if replicas have put different types under it at once. */
export type MapEntry = {
  [Name in TypeName]: {
    readonly key: Uint8Array;
    readonly type: Name;
    readonly value: NestedValues[Name];
  };
}[TypeName];

type NestedType = StoreType<unknown, unknown, unknown>;

/** The store of one type, not empty. */
export interface Slot {
  readonly type: NestedType;
  readonly store: unknown;
}

/** Sorted by the code of their type, each type once. */
export type Slots = readonly Slot[];

export type MapStore = SortedMap<Slots>;

export const NO_SLOTS: Slots = [];

/** What a key of a map has. */
export const slotsEntry: EntryType<Slots> = {
  join: (a = NO_SLOTS, b = NO_SLOTS, sides) => unlessEmpty(joinSlots(a, b, sides)),
  latestDots: latestDotsOfSlots,
  pending: pendingInSlots,
  isEmpty: (slots) => slots.length === 0,
  sizeBytes: sizeBytesOfSlots,
  write: writeSlots,
  read: readSlots,
};

export const mapStore: StoreType<MapStore, MapOperation, readonly MapEntry[]> = {
  name: "map",
  code: 3,
  empty: SortedMap.empty(),
  isEmpty: (store) => store.size === 0,
  isLive(store) {
    for (const [, slots] of store) if (slots.some(isLive)) return true;
    return false;
  },

  apply(store, operation, dot) {
    if (operation.kind === "remove") {
      return changeKeys(
        store,
        keysOf(operation.keys),
        (slots) => removed(slots, operation.seen, dot),
      );
    }
    if (nestingOf(operation) > NESTING_MAX) {
      throw new RangeError(`Maps are nested more than ${NESTING_MAX} deep`);
    }
    return changeKeys(
      store,
      [binaryString(operation.key)],
      (slots) => updated(slots, operation.nested, dot),
    );
  },

  remove: (store, seen, dot) =>
    changeKeys(store, keysIn(store), (slots) => removed(slots, seen, dot)),
  join: (a, b, sides) => joinMaps(a, b, sides, slotsEntry),
  diff: (before, after) =>
    diffMaps(
      before,
      after,
      (old = NO_SLOTS, young = NO_SLOTS) => unlessEmpty(diffSlots(old, young)),
    ),
  forget: (store, upTo) =>
    changeKeys(
      store,
      keysIn(store),
      (slots) => changeSlots(slots, ({ type, store }) => type.forget(store, upTo)),
    ),

  value: (store) =>
    [...store].flatMap(([key, slots]) =>
      slots.filter(isLive).map(({ type, store }) =>
        ({ key: fromBinaryString(key), type: type.name, value: type.value(store) }) as MapEntry
      )
    ),
  latestDots: (store) => latestDotsInMap(store, slotsEntry),
  pending: (store) => pendingInMap(store, slotsEntry),
  *allDots(store) {
    for (const [, slots] of store) yield* allDotsOfSlots(slots);
  },

  count(store) {
    let elements = 0;
    let dots = 0;
    for (const [, slots] of store) {
      elements += Number(slots.some(isLive));
      for (const { type, store } of slots) dots += type.count(store).dots;
    }
    return { elements, dots };
  },

  sizeBytes: (store) => mapSizeBytes(store, slotsEntry),
  write: (writer, store) => writeMap(writer, store, slotsEntry),
  read: (reader) => readMap(reader, slotsEntry),
};

export const map = causalType(mapStore);

/** The value of one type under a key, undefined if there is none, without making the list of all. */
export function valueAt<Name extends TypeName>(
  store: MapStore,
  key: Uint8Array,
  type: Name,
): NestedValues[Name] | undefined {
  return valueIn(slotsAt(store, key), type);
}

/** The value of one type in slots, undefined if there is none. */
export function valueIn<Name extends TypeName>(
  slots: Slots,
  type: Name,
): NestedValues[Name] | undefined {
  const slot = slots.find(({ type: { name } }) => name === type);
  if (slot === undefined || !isLive(slot)) return undefined;
  return slot.type.value(slot.store) as NestedValues[Name];
}

/** What is under a key of a map. */
export function slotsAt(store: MapStore | undefined, key: Uint8Array): Slots {
  return store?.get(binaryString(key)) ?? NO_SLOTS;
}

/** The store of one type in slots, as that type has it; undefined if it has none. */
export function storeIn(slots: Slots, type: TypeName): unknown {
  return slots.find(({ type: { name } }) => name === type)?.store;
}

const NESTED_TYPES: readonly NestedType[] = [
  counterStore,
  setStore,
  mapStore,
  flagStore,
  registerStore,
  maxStore,
  minStore,
  hyperLogLogStore,
  documentStore,
];

function typeOf(name: TypeName): NestedType {
  const type = NESTED_TYPES.find((type) => type.name === name);
  if (type === undefined) throw new RangeError(`There is no type ${name}`);
  return type;
}

/** Slots after an operation on one of them. @throws {RangeError} if it is out of bounds */
export function updated(slots: Slots, { operation, type: name }: NestedOperation, dot: Dot): Slots {
  const type = typeOf(name);
  const held = slots.find((slot) => slot.type === type);
  const before = held?.store ?? type.empty;
  const store = type.apply(before, operation, dot);
  if (store === before) return slots;
  const others = slots.filter((slot) => slot !== held);
  return type.isEmpty(store) ? others : sorted([...others, { type, store }]);
}

function nestingOf(operation: MapOperation): number {
  let nesting = 0;
  for (let inner = operation; inner.kind === "update";) {
    if (inner.nested.type !== "map") break;
    inner = inner.nested.operation;
    nesting++;
  }
  return nesting;
}

export function isLive({ type, store }: Slot): boolean {
  return type.isLive(store);
}

/** What has to stay for a while in all slots. */
export function pendingInSlots(slots: Slots): Pending {
  return pendingTogether(slots.map(({ type, store }) => type.pending?.(store) ?? NO_PENDING));
}

export function* latestDotsOfSlots(slots: Slots): Generator<Dot> {
  for (const { type, store } of slots) yield* type.latestDots(store);
}

export function* allDotsOfSlots(slots: Slots): Generator<Dot> {
  for (const { type, store } of slots) yield* dotsIn(type, store);
}

function sorted(slots: Slot[]): Slots {
  return slots.sort((a, b) => a.type.code - b.type.code);
}

function unlessEmpty(slots: Slots): Slots | undefined {
  return slots.length === 0 ? undefined : slots;
}

function keysOf(keys: readonly Uint8Array[]): string[] {
  return [...new Set(keys.map(binaryString))].sort();
}

function* keysIn(store: MapStore): Generator<string> {
  for (const [key] of store) yield key;
}

/** With what `change` makes of the slots of some keys, which are sorted. */
function changeKeys(
  store: MapStore,
  keys: Iterable<string>,
  change: (slots: Slots) => Slots,
): MapStore {
  const changes: Change<Slots>[] = [];
  for (const key of keys) {
    const slots = store.get(key) ?? NO_SLOTS;
    const after = change(slots);
    if (after !== slots) changes.push([key, unlessEmpty(after)]);
  }
  return store.withChanges(changes);
}

/** With what `change` makes of each store; those that it empties go. */
export function changeSlots(slots: Slots, change: (slot: Slot) => unknown): Slots {
  const after: Slot[] = [];
  for (const slot of slots) {
    const store = change(slot);
    if (store === slot.store) after.push(slot);
    else if (!slot.type.isEmpty(store)) after.push({ type: slot.type, store });
  }
  return after.length === slots.length && after.every((slot, i) => slot === slots[i])
    ? slots
    : after;
}

export function removed(slots: Slots, seen: VersionVector | undefined, dot: Dot): Slots {
  return changeSlots(slots, ({ type, store }) => type.remove(store, seen, dot));
}

export function joinSlots(a: Slots, b: Slots, sides: Sides): Slots {
  const joined = NESTED_TYPES.flatMap((type): Slot[] => {
    const mine = a.find((slot) => slot.type === type);
    const theirs = b.find((slot) => slot.type === type);
    if (theirs === undefined && (mine === undefined || sides.interval?.isKnownInPart === false)) {
      return mine === undefined ? [] : [mine];
    }
    const before = mine?.store ?? type.empty;
    const store = theirs === undefined
      ? type.join(before, type.empty, unmentioned(sides))
      : type.join(before, theirs.store, sides);
    if (store === mine?.store) return [mine!];
    return type.isEmpty(store) ? [] : [{ type, store }];
  });
  return joined.length === a.length && joined.every((slot, i) => slot === a[i]) ? a : joined;
}

export function diffSlots(before: Slots, after: Slots): Slots {
  return NESTED_TYPES.flatMap((type): Slot[] => {
    const old = before.find((slot) => slot.type === type);
    const young = after.find((slot) => slot.type === type);
    if (old?.store === young?.store) return [];
    return [{ type, store: type.diff(old?.store ?? type.empty, young?.store ?? type.empty) }];
  });
}

export function sizeBytesOfSlots(slots: Slots): number {
  return slots.reduce((sum, { type, store }) => sum + type.sizeBytes(store), slots.length);
}

export function writeSlots(writer: StoreWriter, slots: Slots): void {
  writer.integer(slots.length);
  for (const { type, store } of slots) {
    writer.byte(type.code);
    type.write(writer, store);
  }
}

export function readSlots(reader: StoreReader): Slots {
  const slots: Slot[] = [];
  for (let count = reader.count(); count > 0; count--) {
    const code = reader.byte();
    const type = NESTED_TYPES.find((type) => type.code === code);
    if (type === undefined) throw reader.malformed(`type ${code} is unknown`);
    const previous = slots[slots.length - 1];
    if (previous !== undefined && previous.type.code >= code) {
      throw reader.malformed("types are out of order");
    }
    if (reader.depth >= NESTING_MAX && code === mapStore.code) {
      throw reader.malformed("maps are nested too deep");
    }
    reader.depth++;
    const store = type.read(reader);
    reader.depth--;
    if (type.isEmpty(store) && !reader.isPartial) throw reader.malformed("a slot is empty");
    slots.push({ type, store });
  }
  return slots;
}
