// What a type has to say of its stores; causal_type.ts makes a whole type of it.
//
// A store is what became of the operations: dots, with whatever each of them brought. It does not know what
// has been seen, since the state around it does; so a map holds the stores of other types in its own, and
// one vector of what has been seen serves all of them, however deep.
//
// Source: Almeida, Shoker and Baquero, "Delta State Replicated Data Types" (2018), section 7.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import type { ActorId, Dot, HybridTime } from "../causality/dot.ts";
import type { VersionVector } from "../causality/version_vector.ts";
import type { Stats, TypeName } from "./contract.ts";
import type { SeenVector } from "./seen_vector.ts";

export interface StoreType<Store, Operation, Value> {
  readonly name: TypeName | "values";
  /** Stands for the type in encodings. */
  readonly code: number;
  readonly empty: Store;

  isEmpty(store: Store): boolean;
  /** Whether there is a value: a store may hold only what is left of removals. */
  isLive(store: Store): boolean;
  apply(store: Store, operation: Operation, dot: Dot): Store;
  /** Without what `seen` covers; `dot` is the removal. */
  remove(store: Store, seen: VersionVector | undefined, dot: Dot): Store;
  join(a: Store, b: Store, sides: Sides): Store;
  /** The parts of `after` that differ, as `b` of a join whose sides say `isPartial`. */
  diff(before: Store, after: Store): Store;
  forget(store: Store, upTo: HybridTime): Store;
  value(store: Store): Value;
  /** Dots that are there: of each actor at least the latest. */
  latestDots(store: Store): Iterable<Dot>;
  /** All dots that are there, if those are not the latest alone. */
  allDots?(store: Store): Iterable<Dot>;
  /** What has to stay for a while and piles up, if there is such a thing in the type. */
  pending?(store: Store): Pending;
  count(store: Store): Omit<Stats, "actors">;
  /** About how many bytes the store takes encoded, found without walking through all of a large one again. */
  sizeBytes(store: Store): number;
  write(writer: StoreWriter, store: Store): void;
  read(reader: StoreReader): Store;
}

/** How many bytes a dot takes at most where its actor is named by an index, of few. */
export const DOT_BYTES = 9;

/** Things in a store that go by forgetting only, whatever is removed. */
export interface Pending {
  readonly count: number;
  /** The lowest floor with which some of them go, Infinity if there are none. */
  readonly from: HybridTime;
  /** The floor with which all have gone, if it is later than everything that has happened. */
  readonly until: HybridTime;
}

export const NO_PENDING: Pending = { count: 0, from: Infinity, until: 0 };

/** All of these together. */
export function pendingTogether(all: Iterable<Pending>): Pending {
  let { count, from, until } = NO_PENDING;
  for (const one of all) {
    count += one.count;
    from = Math.min(from, one.from);
    until = Math.max(until, one.until);
  }
  return count === 0 ? NO_PENDING : { count, from, until };
}

/** Which operations one side of a join has seen. */
export interface Known {
  readonly floor: HybridTime;
  has(dot: Dot): boolean;
}

/** What the two sides of a join have seen. */
export interface Sides {
  readonly a: Known;
  readonly b: Known;
  /** Set if `b` is a delta, which mentions only what differs: see {@linkcode unmentioned}. */
  readonly interval: Interval | undefined;
}

/**
 * What happened between the two ends of a delta. A thing that came and went in between is at neither end, and
 * so the delta does not mention it; but the receiver may have met it on another way, and has to learn that
 * it went.
 */
export class Interval implements Known {
  readonly floor: HybridTime;
  /** Whether the receiver knows anything of the interval already, which is rare. */
  readonly isKnownInPart: boolean;
  readonly #since: SeenVector;
  readonly #seen: SeenVector;

  constructor(since: SeenVector, seen: SeenVector, receiver: SeenVector) {
    this.floor = seen.floor;
    this.#since = since;
    this.#seen = seen;
    this.isKnownInPart = [...receiver.times].some(([actor, time]) => this.mayHave({ actor, time }));
  }

  has(dot: Dot): boolean {
    return this.#seen.has(dot) && !this.#since.has(dot);
  }

  /** Whether a dot of its actor that is not later than `latest` may be in the interval. */
  mayHave(latest: Dot): boolean {
    const since = this.#since.upTo(latest.actor);
    return latest.time > since && this.#seen.upTo(latest.actor) > since;
  }
}

/** The sides of a join of what a delta does not mention with nothing. */
export function unmentioned(sides: Sides): Sides {
  return { a: sides.a, b: sides.interval ?? sides.b, interval: undefined };
}

/** Writes dots as the index of an actor and how long before the latest time of that actor it was. */
export class StoreWriter extends ByteWriter {
  readonly #seen: SeenVector;
  readonly #indices: ReadonlyMap<ActorId, number>;

  constructor(seen: SeenVector) {
    super();
    this.#seen = seen;
    this.#indices = new Map(seen.actors().map((actor, index) => [actor, index]));
  }

  dot(dot: Dot): void {
    this.integer(this.#indices.get(dot.actor)!);
    this.integer(this.#seen.times.get(dot.actor)! - dot.time);
  }
}

/** Reads what a {@linkcode StoreWriter} wrote. */
export class StoreReader extends ByteReader {
  /** Whether parts may be empty, as in a delta. */
  readonly isPartial: boolean;
  /** How many maps are around what is being read. */
  depth = 0;
  readonly #seen: SeenVector;
  readonly #actors: readonly ActorId[];

  constructor(bytes: Uint8Array, where: string, seen: SeenVector, isPartial: boolean) {
    super(bytes, where);
    this.#seen = seen;
    this.#actors = seen.actors();
    this.isPartial = isPartial;
  }

  dot(): Dot {
    const actor = this.#actors[this.integer()];
    if (actor === undefined) throw this.malformed("a dot has no actor");
    const time = this.#seen.times.get(actor)! - this.integer();
    if (time <= 0) throw this.malformed("a dot has no time");
    return { actor, time };
  }
}
