// What a state has seen: per actor the time up to which it knows every operation, and a floor below which
// it knows every operation of everybody.
//
// Actors come and go, so a plain version vector grows for ever. Once everybody has seen everything up to
// some time, that one time says as much as the entries of all actors that have been silent since. It
// must stay in the state: a removal after the floor may have taken what an actor did before it, and a
// replica that missed the removal still holds that. Without entry and without floor it would come back.
//
// Invariant, kept by settle(): an entry at or below the floor is there only if the store names its actor,
// since a client's context has to cover what is there.

import type { ByteReader } from "../base/byte_reader.ts";
import type { ByteWriter } from "../base/byte_writer.ts";
import {
  type ActorId,
  type Dot,
  type HybridTime,
  isTooLong,
  MAX_FLOOR,
  MAX_TIME,
} from "../causality/dot.ts";
import { latestTime, mergeVectors, type VersionVector } from "../causality/version_vector.ts";

export class SeenVector {
  static readonly empty: SeenVector = new SeenVector(0, new Map());

  /** Every operation of anybody at or below this time has been seen. */
  readonly floor: HybridTime;
  /** Every operation of an actor up to its time has been seen. */
  readonly times: VersionVector;

  constructor(floor: HybridTime, times: VersionVector) {
    this.floor = floor;
    this.times = times;
  }

  get isEmpty(): boolean {
    return this.floor === 0 && this.times.size === 0;
  }

  /** The time up to which every operation of `actor` has been seen. */
  upTo(actor: ActorId): HybridTime {
    return Math.max(this.floor, this.times.get(actor) ?? 0);
  }

  has(dot: Dot): boolean {
    return dot.time <= this.upTo(dot.actor);
  }

  /** Whether everything that `other` has seen has been seen here. */
  covers(other: SeenVector): boolean {
    if (other.floor > this.floor) return false;
    for (const [actor, time] of other.times) if (time > this.upTo(actor)) return false;
    return true;
  }

  /**
   * Orders vectors that cover each other: the one that names more comes later, 0 if they are written alike. They
   * differ in entries at or below their floor, and so do not differ unless somebody errs.
   */
  compare(other: SeenVector): number {
    if (this.times === other.times) return 0;
    const fewer = this.times.size - other.times.size;
    if (fewer !== 0) return fewer;
    const actors = this.actors();
    const others = other.actors();
    for (const [i, actor] of actors.entries()) {
      if (actor !== others[i]) return actor < others[i]! ? -1 : 1;
      const earlier = this.times.get(actor)! - other.times.get(actor)!;
      if (earlier !== 0) return earlier;
    }
    return 0;
  }

  latestTime(): HybridTime {
    return Math.max(this.floor, latestTime(this.times));
  }

  addTo(vector: Map<ActorId, HybridTime>): void {
    for (const [actor, time] of this.times) {
      if ((vector.get(actor) ?? 0) < time) vector.set(actor, time);
    }
  }

  /** With one more operation. @throws {RangeError} if it has been seen */
  with(dot: Dot): SeenVector {
    if (this.has(dot)) {
      const { actor, time } = dot;
      throw new RangeError(`Dot ${actor}:${time} is not later than ${this.upTo(actor)}`);
    }
    return new SeenVector(this.floor, new Map(this.times).set(dot.actor, dot.time));
  }

  /** What either has seen, with every entry of both; settle it for the store that it goes with. */
  join(other: SeenVector): SeenVector {
    return new SeenVector(
      Math.max(this.floor, other.floor),
      mergeVectors(this.times, other.times),
    );
  }

  /**
   * The same, with no actor earlier than in `other`, which it covers. None is, unless somebody errs whose floor is
   * above what he knows of an actor; the encoding of a delta has no place for that.
   */
  notBefore(other: SeenVector): SeenVector {
    let times: Map<ActorId, HybridTime> | undefined;
    for (const [actor, time] of other.times) {
      if ((this.times.get(actor) ?? time) >= time) continue;
      times ??= new Map(this.times);
      times.set(actor, time);
    }
    return times === undefined ? this : new SeenVector(this.floor, times);
  }

  /** Knowing that everything up to `floor` has been seen; settle it likewise. */
  raise(floor: HybridTime): SeenVector {
    return floor <= this.floor ? this : new SeenVector(floor, this.times);
  }

  /** Without the entries at or below the floor whose actors the store does not name. */
  settle(isNamed: (actor: ActorId) => boolean): SeenVector {
    if (this.floor === 0) return this;
    const kept = [...this.times].filter(([actor, time]) => time > this.floor || isNamed(actor));
    return kept.length === this.times.size ? this : new SeenVector(this.floor, new Map(kept));
  }

  /** The actors in the order of the encoding. */
  actors(): ActorId[] {
    return [...this.times.keys()].sort();
  }

  //   floor | count | (actor | time) ...      sorted by actor
  write(writer: ByteWriter): void {
    writer.integer(this.floor);
    writer.integer(this.times.size);
    for (const actor of this.actors()) {
      writer.text(actor);
      writer.integer(this.times.get(actor)!);
    }
  }

  static read(reader: ByteReader): SeenVector {
    const floor = readFloor(reader);
    const times = new Map<ActorId, HybridTime>();
    let previous: ActorId | undefined;
    for (let count = reader.count(); count > 0; count--) {
      const actor = previous = readActor(reader, previous);
      const time = readTime(reader);
      if (time === 0) throw reader.malformed("an actor is named for nothing");
      times.set(actor, time);
    }
    return new SeenVector(floor, times);
  }
}

/** Reads an actor that must come after `previous`. */
export function readActor(reader: ByteReader, previous: ActorId | undefined): ActorId {
  const actor = reader.text();
  if (isTooLong(actor)) throw reader.malformed("an actor is too long");
  if (previous !== undefined && actor <= previous) {
    throw reader.malformed("actors are out of order");
  }
  return actor;
}

/** Reads a time at or below which no dot will be drawn, so that there must be later ones. */
export function readFloor(reader: ByteReader): HybridTime {
  const floor = readTime(reader);
  if (floor > MAX_FLOOR) throw reader.malformed("nothing is later than its floor");
  return floor;
}

export function readTime(reader: ByteReader): HybridTime {
  const time = reader.integer();
  if (time > MAX_TIME) throw reader.malformed("a time is too large");
  return time;
}
