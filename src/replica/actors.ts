// Who writes here: one actor per partition and run, and never a forgetful one.
//
// See causality/dot.ts for why an actor is not resumed. Within a run one ends as soon as anything shows
// that this copy may have forgotten a write of its own: a commit that failed, a record that is corrupt, a
// peer or a context that knows a later time of ours than the copy does.

import { type ActorId, type Dot, type HybridTime, newActor } from "../causality/dot.ts";
import type { HybridClock } from "../causality/hybrid_clock.ts";
import type { Random } from "../ports/random.ts";

interface Writer {
  readonly actor: ActorId;
  last: HybridTime;
}

export class Actors {
  readonly #node: string;
  /** By partition, the times of dots whose writes are under way: an answer that is still to come counts. */
  readonly #open = new Map<number, Set<HybridTime>>();
  readonly #random: Random;
  readonly #clock: HybridClock;
  readonly #writers = new Map<number, Writer>();
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

  /**
   * A dot for a write to `partition` whose time is above `above` and above all of its actor's before. The write
   * is under way until {@linkcode Actors.ended} is called.
   */
  nextDot(partition: number, above: HybridTime): Dot {
    let writer = this.#writers.get(partition);
    if (writer === undefined) {
      writer = { actor: newActor(this.#node, this.#random), last: 0 };
      this.#writers.set(partition, writer);
    }
    writer.last = this.#clock.tick(Math.max(above, writer.last));
    const open = this.#open.get(partition);
    if (open === undefined) this.#open.set(partition, new Set([writer.last]));
    else open.add(writer.last);
    return { actor: writer.actor, time: writer.last };
  }

  /** Whatever is still answered to the write of a dot, it does not count any more. */
  ended(partition: number, { time }: Dot): void {
    const open = this.#open.get(partition);
    if (open?.delete(time) && open.size === 0) this.#open.delete(partition);
  }

  /** Whether a write to `partition` with a time up to `upTo` is under way. */
  hasOpen(partition: number, upTo: HybridTime): boolean {
    for (const time of this.#open.get(partition) ?? []) if (time <= upTo) return true;
    return false;
  }

  /** The next write to `partition` draws a new actor. */
  end(partition: number): void {
    if (this.#writers.delete(partition)) this.#endedCount++;
  }
}
