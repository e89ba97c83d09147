// The contract of every type of value that merges: the whole of it on this page.
//
// Several replicas hold a value, each takes operations without asking the others, and messages between
// them are lost, doubled and reordered. How do they come to hold the same? A state is what became of a set
// of operations, and merging two states gives what became of both sets, however often and in whatever
// order it is done. Each operation has a dot, and each state knows per actor up to when it has seen
// everything; so a thing that the other side has seen and does not hold was removed there, and one that it
// has not seen is concurrent and stays.
//
// Laws, kept by tests/crdt/laws.ts: merge is commutative, associative and idempotent, to the byte; a delta
// brings whoever has seen what came before it to the same state as a merge would; the value is that of a
// slow twin that keeps every operation for ever.
//
// States never change. Whatever returns a state returns its argument itself if nothing changed, so that
// "nothing changed" is one comparison.
//
// Source: Shapiro et al., "Conflict-free Replicated Data Types" (2011); Almeida, Shoker and Baquero,
// "Delta State Replicated Data Types" (2018), sections 4 (causal delta-merging) and 7 (dot stores).

import type { ActorId, Dot, HybridTime } from "../causality/dot.ts";
import type { VersionVector } from "../causality/version_vector.ts";
import type { SeenVector } from "./seen_vector.ts";

/** The names of the types. An object of a key, and a key of a map, has one slot for each. */
export const TYPE_NAMES = [
  "counter",
  "set",
  "map",
  "flag",
  "register",
  "max",
  "min",
  "hyperloglog",
  "document",
] as const;

/** The type of a value that merges. */
export type TypeName = typeof TYPE_NAMES[number];

/** What a state consists of: which operations it has seen, and what became of them. */
export interface State<Store> {
  readonly seen: SeenVector;
  readonly store: Store;
}

/** What brings a state that has seen `since` to one that has seen `seen`. */
export interface Delta<Store> {
  readonly since: SeenVector;
  readonly seen: SeenVector;
  /** The parts that differ, in full; a part that was removed is there and empty. */
  readonly changes: Store;
}

export interface Stats {
  /** Elements of a set, keys of a map, operation ids of a counter; else 0. */
  readonly elements: number;
  /** Actors whose operations the state can tell apart. */
  readonly actors: number;
  /** Dots of what is still there. Counting them takes the time of a walk through the state. */
  readonly dots: number;
}

export interface DataType<Store, Operation, Value> {
  readonly name: TypeName | "values";
  readonly empty: State<Store>;

  /**
   * The operation at its coordinator. An operation that has no effect here returns `state` and uses up no
   * dot. Where an operation removes something, its `seen` says what its client had been shown, undefined
   * meaning everything that the state holds; the caller sees to it that the object has seen what the client has.
   *
   * @param dot later than everything that the state has seen of its actor
   * @throws {RangeError} if the dot is not, or if the operation is out of bounds
   */
  apply(state: State<Store>, operation: Operation, dot: Dot): State<Store>;

  /** The removal of the whole: what `seen` covers goes, what is concurrent stays. See each type. */
  clear(state: State<Store>, seen: VersionVector | undefined, dot: Dot): State<Store>;

  /** What both have seen together. */
  merge(a: State<Store>, b: State<Store>): State<Store>;

  /** What `after`, which has seen all that `before` has, knows beyond it. */
  delta(before: State<Store>, after: State<Store>): Delta<Store>;

  /**
   * Merges a delta. Undefined if something before it is missing here, or if its sender has forgotten more than
   * this state: then ask for the whole state. A delta that is known already changes nothing, so it may be
   * lost, doubled and late.
   */
  mergeDelta(state: State<Store>, delta: Delta<Store>): State<Store> | undefined;

  value(state: State<Store>): Value;

  /** The canonical bytes: equal states have equal bytes everywhere. */
  encode(state: State<Store>): Uint8Array<ArrayBuffer>;
  /** @throws {MalformedError} for everything that {@linkcode DataType.encode} cannot have written */
  decode(bytes: Uint8Array): State<Store>;
  encodeDelta(delta: Delta<Store>): Uint8Array<ArrayBuffer>;
  /** @throws {MalformedError} for what is no delta of this type */
  decodeDelta(bytes: Uint8Array): Delta<Store>;

  /** The latest time of `actor` that the state names, 0 if it names none. */
  timeOf(state: State<Store>, actor: ActorId): HybridTime;
  /** The latest time of anybody, 0 for the empty state. */
  latestTime(state: State<Store>): HybridTime;
  /** Adds to `vector` what the state has seen: the context of a read. */
  addTo(state: State<Store>, vector: Map<ActorId, HybridTime>): void;

  /**
   * Drops what only serves to recognise operations at or below `upTo`; the value stays. Equal states stay
   * equal, and a state that has forgotten merges with one that has not. Of a state without a value there is
   * left the floor alone (no actors in its stats), which its owner may drop when no late message can come.
   *
   * The caller knows that everybody has seen every operation up to `upTo`, that no dot at or below it will
   * be drawn, and that a retry of an operation that was first tried by then is refused.
   */
  forget(state: State<Store>, upTo: HybridTime): State<Store>;

  /** The dots of what is there, in no order. */
  dots(state: State<Store>): Iterable<Dot>;

  stats(state: State<Store>): Stats;

  /** About how many bytes the encoded state takes, found without walking through all of a large one again. */
  sizeBytes(state: State<Store>): number;
}
