// Who writes here: one actor per partition and run, and never a forgetful one.
//
// See causality/dot.ts for why an actor is not resumed. Within a run one ends as soon as anything shows
// that this copy may have forgotten a write of its own: a commit that failed, a record that is corrupt, a
// peer or a context that knows a later time of ours than the copy does.
//
// A dot must be later than the object that it joins, and some objects lie in the future: the clocks of all nodes
// were a day ahead once, or one bit has flipped. If the partition's actor wrote there, all its later writes to other
// keys would have to be later still, and each of those keys would carry the time on. So a dot that lies further
// ahead than clocks may differ comes from an actor that writes this one key and nothing else. An actor of its own
// for each write would do as well, but then every write would leave one more actor in the object.
//
// Why such an actor is safe: a context is good for one key only, so what it says of this actor is about writes to
// that key, and the actor ends with that of the partition, whenever this copy may have forgotten anything. It is
// found in memory alone, under its key, with the last time that it has used; what falls out of there is never
// resumed. Its dots are above every promise of floors.ts, since a node promises only what its clock has passed,
// and they are above its clock. They are waited for like all others while floors rise.
//
// At MAX_TIME nothing can be later. There each dot has a fresh actor, so that no dot is drawn twice. Nothing else is
// needed: what a write has replaced is told by actors, and times only say which of several values is shown first.

import { binaryString } from "../base/bytes.ts";
import { type ActorId, type Dot, type HybridTime, MAX_TIME, newActor } from "../causality/dot.ts";
import type { HybridClock } from "../causality/hybrid_clock.ts";
import type { Random } from "../ports/random.ts";

/** Keys in the future whose actors are remembered; the one that was used longest ago is dropped first. */
const AHEAD_COUNT = 1024;

interface Writer {
  readonly actor: ActorId;
  last: HybridTime;
}

/** A writer of one key in the future. */
interface AheadWriter extends Writer {
  readonly partition: number;
}

export class Actors {
  readonly #node: string;
  /** By partition, how many dots of a time have their writes under way: an answer that is still to come counts. */
  readonly #open = new Map<number, Map<HybridTime, number>>();
  readonly #random: Random;
  readonly #clock: HybridClock;
  readonly #writers = new Map<number, Writer>();
  /** By key, the one that was used last at the end. */
  readonly #ahead = new Map<string, AheadWriter>();
  #endedCount = 0;

  constructor(node: string, random: Random, clock: HybridClock) {
    this.#node = node;
    this.#random = random;
    this.#clock = clock;
  }

  /** How many actors have ended before their run did. */
  get endedCount(): number {
    return this.#endedCount;
  }

  /** The present actor of a partition, if it has written in this run. */
  of(partition: number): ActorId | undefined {
    return this.#writers.get(partition)?.actor;
  }

  /** The present actor of a key in the future, if it has one. */
  aheadOf(key: Uint8Array): ActorId | undefined {
    return this.#ahead.size === 0 ? undefined : this.#ahead.get(binaryString(key))?.actor;
  }

  /**
   * A dot for a write to a key whose time is above `above` and above all of its actor's before; at the end of time it
   * is MAX_TIME and its actor a new one. The write is under way until {@linkcode Actors.ended} is called.
   */
  nextDot(partition: number, key: Uint8Array, above: HybridTime): Dot {
    const dot = this.#clock.isAhead(above)
      ? this.#aheadDot(partition, key, above)
      : this.#ownDot(partition, above);
    const open = this.#open.get(partition);
    if (open === undefined) this.#open.set(partition, new Map([[dot.time, 1]]));
    else open.set(dot.time, (open.get(dot.time) ?? 0) + 1);
    return dot;
  }

  /** Whatever is still answered to the write of a dot, it does not count any more. */
  ended(partition: number, { time }: Dot): void {
    const open = this.#open.get(partition);
    const count = open?.get(time);
    if (open === undefined || count === undefined) return;
    if (count > 1) open.set(time, count - 1);
    else if (open.delete(time) && open.size === 0) this.#open.delete(partition);
  }

  /** Whether a write to `partition` with a time up to `upTo` is under way. */
  hasOpen(partition: number, upTo: HybridTime): boolean {
    for (const time of this.#open.get(partition)?.keys() ?? []) if (time <= upTo) return true;
    return false;
  }

  /** The next write to `partition` draws a new actor, whatever its key. */
  end(partition: number): void {
    if (this.#writers.delete(partition)) this.#endedCount++;
    for (const [key, ahead] of this.#ahead) {
      if (ahead.partition === partition && this.#ahead.delete(key)) this.#endedCount++;
    }
  }

  #ownDot(partition: number, above: HybridTime): Dot {
    let writer = this.#writers.get(partition);
    const time = this.#clock.tick(Math.max(above, writer?.last ?? 0));
    if (writer === undefined || time <= writer.last) {
      writer = { actor: this.#newActor(), last: time };
      this.#writers.set(partition, writer);
    }
    writer.last = time;
    return { actor: writer.actor, time };
  }

  #aheadDot(partition: number, key: Uint8Array, above: HybridTime): Dot {
    const name = binaryString(key);
    const writer = this.#ahead.get(name);
    const time = Math.min(Math.max(above, writer?.last ?? 0) + 1, MAX_TIME);
    const actor = writer !== undefined && writer.last < time ? writer.actor : this.#newActor();
    this.#ahead.delete(name);
    this.#ahead.set(name, { actor, last: time, partition });
    if (this.#ahead.size > AHEAD_COUNT) this.#ahead.delete(this.#ahead.keys().next().value!);
    return { actor, time };
  }

  #newActor(): ActorId {
    return newActor(this.#node, this.#random);
  }
}
