// Objects with all numbers at their edges, of any structure that a decoder admits: what an old version, a flipped bit
// or a bug may send. Nobody need have written them, so two of them may contradict each other.

import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import { type Dot, MAX_FLOOR, MAX_TIME } from "../../src/causality/dot.ts";
import { type ActorEntry, SiblingSet } from "../../src/causality/sibling_set.ts";
import {
  type Counted,
  type CounterStore,
  counterStore,
  type Identified,
  type Share,
} from "../../src/crdt/counter.ts";
import { DataObject, type Opaque } from "../../src/crdt/data_object.ts";
import { flagStore } from "../../src/crdt/flag.ts";
import { hyperLogLogStore } from "../../src/crdt/hyperloglog.ts";
import { fromRanks, RANK_MAX, REGISTERS } from "../../src/crdt/hyperloglog_registers.ts";
import { allDotsOfSlots, mapStore, type Slot, type Slots } from "../../src/crdt/map.ts";
import { maxStore } from "../../src/crdt/max.ts";
import { minStore } from "../../src/crdt/min.ts";
import { decodeObject, encodeObject } from "../../src/crdt/object_codec.ts";
import { keyOfId, UNTIL_MS_MAX } from "../../src/crdt/operation_id.ts";
import { registerStore } from "../../src/crdt/register.ts";
import { SeenVector } from "../../src/crdt/seen_vector.ts";
import { setStore } from "../../src/crdt/set.ts";
import { SortedMap } from "../../src/crdt/sorted_map.ts";

const ACTORS = ["n1~a", "n2~b", "n3~c"];
const MOST = Number.MAX_SAFE_INTEGER;

/** Times at their edges, among them few enough that two are often the same. */
export const edgeTimes = fc.constantFrom(1, 2, 3, 127, 128, MAX_TIME - 1, MAX_TIME);
export const edgeFloors = fc.constantFrom(0, 0, 1, 2, 128, MAX_FLOOR - 1, MAX_FLOOR);
const counts = fc.constantFrom(0, 1, 2, 127, 128, MOST - 1, MOST);
const amounts = fc.constantFrom(0, 1, -1, 2, MOST, -MOST);
const numbers = fc.constantFrom(0, 1, -1, Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE);
const texts = fc.constantFrom("", "a", "b");

/** A dot of each of some actors, in their order. */
const dots: fc.Arbitrary<Dot[]> = fc.subarray(ACTORS, { minLength: 1 }).chain((actors) =>
  fc.tuple(...actors.map((actor) => edgeTimes.map((time): Dot => ({ actor, time }))))
);

function dotted<T>(rest: fc.Arbitrary<T>): fc.Arbitrary<(Dot & T)[]> {
  return dots.chain((dots) =>
    fc.tuple(...dots.map((dot) => rest.map((rest) => ({ ...dot, ...rest }))))
  );
}

const totals = fc.record({ plus: counts, minus: counts });
const removed = fc.record({ time: edgeTimes, at: edgeTimes, plus: counts, minus: counts });
const share = fc.record({
  plus: counts,
  minus: counts,
  echo: fc.oneof(fc.constant({ plus: 0, minus: 0 }), totals),
  removed: fc.option(removed, { nil: undefined }),
});
const id = fc.record({
  session: fc.constantFrom("", "s", "€".repeat(128)),
  number: counts,
  untilMs: fc.constantFrom(0, 1, UNTIL_MS_MAX - 1, UNTIL_MS_MAX),
}).map(keyOfId);
const identified = fc.record({
  isFolded: fc.boolean(),
  dots: dotted(fc.record({ amount: amounts })),
}).map((it): Identified => ({
  ...it,
  dots: it.dots.sort((a: Counted, b: Counted) => a.time - b.time || (a.actor < b.actor ? -1 : 1)),
}));
const counters = fc.record({
  shares: dotted(share).map((shares): Share[] => shares),
  ids: fc.dictionary(id, identified, { maxKeys: 3, noNullPrototype: true }),
}).map(({ ids, shares }): CounterStore => {
  const isCounted = (dot: Dot) =>
    shares.some(({ actor, time }) => actor === dot.actor && time >= dot.time);
  const counted = Object.entries(ids)
    .map(([key, { dots, isFolded }]) => [key, { isFolded, dots: dots.filter(isCounted) }] as const)
    .filter(([, { dots }]) => dots.length > 0);
  return { shares: shares.map(sensible), ids: mapOf(Object.fromEntries(counted)) };
});

/** A share with no more echoes than operations, of which no removal has seen what is still to come. */
function sensible(share: Share): Share {
  const { echo, minus, plus, removed, time } = share;
  return {
    ...share,
    echo: { plus: Math.min(plus, echo.plus), minus: Math.min(minus, echo.minus) },
    removed: removed === undefined ? undefined : { ...removed, time: Math.min(time, removed.time) },
  };
}

function mapOf<V>(record: Record<string, V>): SortedMap<V> {
  const entries = Object.entries(record).sort(([a], [b]) => a < b ? -1 : 1);
  return SortedMap.empty<V>().withChanges(entries);
}

function keyed<V>(values: fc.Arbitrary<V>): fc.Arbitrary<SortedMap<V>> {
  return fc.dictionary(texts, values, { minKeys: 1, maxKeys: 2, noNullPrototype: true })
    .map(mapOf);
}

const bytesOfKinds = fc.record({
  kind: fc.constantFrom("bytes" as const, "text" as const, "msgpack" as const),
  bytes: texts.map(utf8),
});
const registers = fc.oneof(
  fc.constantFrom(
    new Map<number, number>(),
    new Map([[0, 1]]),
    new Map([[REGISTERS - 1, RANK_MAX]]),
  ),
  fc.constant(new Map([...Array(5_000).keys()].map((i) => [i, 1 + i % RANK_MAX]))),
).map((ranks) => fromRanks(ranks));

function slot(type: unknown, store: fc.Arbitrary<unknown>): fc.Arbitrary<Slot> {
  return store.map((store) => ({ type, store }) as Slot);
}

const leaves: fc.Arbitrary<Slot>[] = [
  slot(counterStore, counters),
  slot(setStore, keyed(dots)),
  slot(flagStore, dots),
  slot(registerStore, dotted(fc.record({ value: bytesOfKinds }))),
  slot(maxStore, dotted(fc.record({ value: numbers }))),
  slot(minStore, dotted(fc.record({ value: numbers }))),
  slot(hyperLogLogStore, dotted(fc.record({ registers }))),
];

function slotsOf(of: fc.Arbitrary<Slot>[]): fc.Arbitrary<Slots> {
  return fc.subarray(of, { maxLength: 3 }).chain((of) => fc.tuple(...of))
    .map((slots) => slots.sort((a, b) => a.type.code - b.type.code));
}

const slots = slotsOf([...leaves, slot(mapStore, keyed(slotsOf(leaves)))]);

const seen = fc.tuple(
  edgeFloors,
  fc.subarray(ACTORS),
  fc.array(edgeTimes, {
    minLength: 3,
    maxLength: 3,
  }),
).map(([floor, actors, times]) =>
  new SeenVector(floor, new Map(actors.map((actor, i) => [actor, times[i]!])))
);

function siblings<V>(values: fc.Arbitrary<V>): fc.Arbitrary<SiblingSet<V>> {
  const entry = fc.record({
    discardedUpTo: fc.oneof(fc.constant(0), edgeTimes),
    values: fc.uniqueArray(fc.record({ time: edgeTimes, value: values }), {
      selector: ({ time }) => time,
      maxLength: 2,
    }),
  });
  return fc.dictionary(fc.constantFrom(...ACTORS), entry, { noNullPrototype: true }).map((all) =>
    new SiblingSet(
      Object.entries(all).sort(([a], [b]) => a < b ? -1 : 1)
        .map(([actor, { discardedUpTo, values }]): ActorEntry<V> => ({
          actor,
          discardedUpTo,
          values: values.filter(({ time }) => time > discardedUpTo).sort((a, b) => a.time - b.time),
        }))
        .filter(({ discardedUpTo, values }) => discardedUpTo > 0 || values.length > 0),
    )
  );
}

const opaque: fc.Arbitrary<Opaque> = fc.option(bytesOfKinds, { nil: null });
const ends = fc.constantFrom(0, 1, 1_000, MOST - 1, MOST);

/** Objects of any kind that a decoder admits. */
export const edgeObjects: fc.Arbitrary<DataObject> = fc.record({
  opaque: siblings(opaque),
  expiry: siblings(ends),
  seen,
  slots: fc.oneof(fc.constant<Slots>([]), slots),
}).map(({ opaque, expiry, seen, slots }) => {
  const values = { seen: seenWith(seen, slots), store: slots };
  const whole = admitted(() => new DataObject(opaque, expiry, values));
  return whole ?? admitted(() => new DataObject(opaque, expiry, DataObject.empty.values)) ??
    admitted(() => new DataObject(SiblingSet.empty(), SiblingSet.empty(), values)) ??
    DataObject.empty;
});

/** What has been seen, and everything that is in some slots. */
function seenWith(seen: SeenVector, slots: Slots): SeenVector {
  const times = new Map(seen.times);
  const named = new Set<string>();
  for (const { actor, time } of allDotsOfSlots(slots)) {
    named.add(actor);
    times.set(actor, Math.max(times.get(actor) ?? 0, time));
  }
  return new SeenVector(seen.floor, times).settle((actor) => named.has(actor));
}

/** What a decoder makes of an object, undefined if it refuses it. */
function admitted(make: () => DataObject): DataObject | undefined {
  try {
    return decodeObject(encodeObject(make()));
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
