// Makes a whole type of what dot_store.ts asks for: everything that has to do with what has been seen.
//
//   state  := version (1) | type | seen | store
//   delta  := version (1) | type | floor of seen | floor of since | count | actor ... | changes
//   actor  := name | time in seen, or 0 | that less the time in since; or the time in since, after a 0
//
// Every operation that has an effect has a dot, also one that only removes, so of two states that have seen
// the same each knows all that the other does, and the one that covers the other is the result of merging
// them, unread. If each covers the other and yet they are written differently, somebody has erred; then every
// copy takes the same one of them.
//
// A delta is merged only where everything before it has been seen. Otherwise it would say "seen" of
// things that never arrived, and the next merge would take their absence for a removal.
//
// Source: Almeida, Shoker and Baquero, "Delta State Replicated Data Types" (2018), section 4.2, "causal
// delta-merging condition".

import { assert } from "../base/assert.ts";
import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { concatBytes } from "../base/bytes.ts";
import type { ActorId, Dot, HybridTime } from "../causality/dot.ts";
import type { DataType, Delta, State } from "./contract.ts";
import { Interval, StoreReader, type StoreType, StoreWriter } from "./dot_store.ts";
import { readActor, readFloor, readTime, SeenVector } from "./seen_vector.ts";

const VERSION = 1;

/** About how many bytes the name and the time of an actor take. */
const ACTOR_BYTES = 32;

/** The type whose stores are as `type` says. */
export function causalType<Store, Operation, Value>(
  type: StoreType<Store, Operation, Value>,
): DataType<Store, Operation, Value> {
  const empty: State<Store> = { seen: SeenVector.empty, store: type.empty };

  /** The state of a store and a vector that may have entries too many. */
  function settled(seen: SeenVector, store: Store): State<Store> {
    let named: ReadonlySet<ActorId> | undefined;
    return { seen: seen.settle((actor) => (named ??= actorsIn(type, store)).has(actor)), store };
  }

  function join(a: State<Store>, b: State<Store>, since: SeenVector | undefined): State<Store> {
    // Only the stores are raised to the higher floor. A state that was sent before everybody had seen
    // everything up to there must not be taken to have removed what it had not seen.
    const floor = Math.max(a.seen.floor, b.seen.floor);
    const storeA = a.seen.floor < floor ? type.forget(a.store, floor) : a.store;
    const storeB = b.seen.floor < floor ? type.forget(b.store, floor) : b.store;
    const interval = since === undefined ? undefined : new Interval(since, b.seen, a.seen);
    const store = type.join(storeA, storeB, { a: a.seen, b: b.seen, interval });
    return settled(a.seen.join(b.seen), store);
  }

  return {
    name: type.name,
    empty,

    apply(state, operation, dot) {
      const seen = state.seen.with(dot);
      const store = type.apply(state.store, operation, dot);
      return store === state.store ? state : settled(seen, store);
    },

    clear(state, covered, dot) {
      const seen = state.seen.with(dot);
      const store = type.remove(state.store, covered, dot);
      return store === state.store ? state : settled(seen, store);
    },

    merge(a, b) {
      const coversB = a.seen.covers(b.seen);
      const coversA = b.seen.covers(a.seen);
      if (coversB && coversA) return a.seen.compare(b.seen) < 0 ? b : a;
      if (coversB) return a;
      return coversA ? b : join(a, b, undefined);
    },

    delta(before, after) {
      assert(
        after.seen.covers(before.seen),
        "a delta leads from a state to one that has seen more",
      );
      const changes = type.diff(before.store, after.store);
      return { since: before.seen, seen: after.seen.notBefore(before.seen), changes };
    },

    mergeDelta(state, { since, seen, changes }) {
      if (state.seen.covers(seen)) return state;
      // What the sender has forgotten its delta does not mention, so it says nothing to who has not.
      const isGap = !state.seen.covers(since) || state.seen.floor < seen.floor;
      if (isGap) return undefined;
      return join(state, { seen, store: changes }, since);
    },

    value: (state) => type.value(state.store),

    encode({ seen, store }) {
      const head = new ByteWriter();
      head.byte(VERSION);
      head.byte(type.code);
      seen.write(head);
      return withStore(head, type, seen, store);
    },

    decode(bytes) {
      const reader = new ByteReader(bytes, type.name);
      readHead(reader, type.code);
      const seen = SeenVector.read(reader);
      const store = readStore(reader, type, seen, false);
      if (settled(seen, store).seen !== seen) {
        throw reader.malformed("it recognises what is below its floor");
      }
      return seen.isEmpty ? empty : { seen, store };
    },

    encodeDelta({ since, seen, changes }) {
      const head = new ByteWriter();
      head.byte(VERSION);
      head.byte(type.code);
      writeSpan(head, since, seen);
      return withStore(head, type, seen, changes);
    },

    decodeDelta(bytes) {
      const reader = new ByteReader(bytes, type.name);
      readHead(reader, type.code);
      const { since, seen } = readSpan(reader);
      return { since, seen, changes: readStore(reader, type, seen, true) };
    },

    timeOf: (state, actor) => state.seen.times.get(actor) ?? 0,
    latestTime: (state) => state.seen.latestTime(),
    addTo: (state, vector) => state.seen.addTo(vector),

    forget(state, upTo) {
      if (upTo <= state.seen.floor || state.seen.isEmpty) return state;
      const store = type.forget(state.store, upTo);
      const raised = settled(state.seen.raise(upTo), store);
      const isSame = store === state.store && raised.seen.times.size === state.seen.times.size;
      return isSame ? state : raised;
    },

    dots: ({ store }) => dotsIn(type, store),
    stats: ({ seen, store }) => ({ ...type.count(store), actors: seen.times.size }),
    sizeBytes: ({ seen, store }) => seen.times.size * ACTOR_BYTES + type.sizeBytes(store),
  };
}

/** All dots that are in a store. */
export function dotsIn<Store>(
  type: Pick<StoreType<Store, never, unknown>, "allDots" | "latestDots">,
  store: Store,
): Iterable<Dot> {
  return type.allDots?.(store) ?? type.latestDots(store);
}

function actorsIn<Store>(type: StoreType<Store, never, unknown>, store: Store): Set<ActorId> {
  const actors = new Set<ActorId>();
  for (const { actor } of type.latestDots(store)) actors.add(actor);
  return actors;
}

function withStore<Store>(
  head: ByteWriter,
  type: StoreType<Store, never, unknown>,
  seen: SeenVector,
  store: Store,
): Uint8Array<ArrayBuffer> {
  const writer = new StoreWriter(seen);
  type.write(writer, store);
  return concatBytes([head.view(), writer.view()]);
}

function readHead(reader: ByteReader, code: number): void {
  const version = reader.byte();
  if (version !== VERSION) {
    throw reader.malformed(`version ${version} is unknown, this is ${VERSION}`);
  }
  const type = reader.byte();
  if (type !== code) throw reader.malformed(`it is of type ${type}`);
}

function readStore<Store>(
  head: ByteReader,
  type: StoreType<Store, never, unknown>,
  seen: SeenVector,
  isPartial: boolean,
): Store {
  const reader = new StoreReader(head.raw(head.remaining), type.name, seen, isPartial);
  const store = type.read(reader);
  reader.end();
  return store;
}

function writeSpan(writer: ByteWriter, since: SeenVector, seen: SeenVector): void {
  const actors = [...new Set([...since.times.keys(), ...seen.times.keys()])].sort();
  writer.integer(seen.floor);
  writer.integer(since.floor);
  writer.integer(actors.length);
  for (const actor of actors) {
    const from = since.times.get(actor) ?? 0;
    const to = seen.times.get(actor) ?? 0;
    writer.text(actor);
    writer.integer(to);
    writer.integer(to === 0 ? from : to - from);
  }
}

function readSpan(reader: ByteReader): Omit<Delta<never>, "changes"> {
  const floor = readFloor(reader);
  const floorBefore = readFloor(reader);
  const after = new Map<ActorId, HybridTime>();
  const before = new Map<ActorId, HybridTime>();
  let actor: ActorId | undefined;
  for (let count = reader.count(); count > 0; count--) {
    actor = readActor(reader, actor);
    const to = readTime(reader);
    const second = readTime(reader);
    const from = to === 0 ? second : to - second;
    if (from < 0 || (from === 0 && to === 0)) throw reader.malformed("an actor goes back in time");
    if (to > 0) after.set(actor, to);
    if (from > 0) before.set(actor, from);
  }
  const span = { since: new SeenVector(floorBefore, before), seen: new SeenVector(floor, after) };
  if (!span.seen.covers(span.since)) throw reader.malformed("a delta goes back in time");
  return span;
}
