// The sibling set: the values of one key that no later write has replaced.
//
// Two replicas hold different values for a key. Did one of them miss a write, or did two clients
// write without knowing of each other? Each value carries its dot (who wrote it, when), and each side
// knows, per actor, up to when it has seen everything. A value that the other side has seen and
// no longer holds was replaced; one that it has not seen is concurrent. So merging needs no clock on the
// wall and loses nothing that was not replaced.
//
// A dot names one value. Where somebody errs and it names two, every copy takes the same one of them, the later
// in an order that the caller gives: otherwise each would keep its own, and they would differ for ever.
//
// Invariant: actors are sorted, each once; within one actor times strictly increase, and every time in
// `values` is above `discardedUpTo`. A set never changes: every operation makes a new one, or returns one
// of its arguments if that is the result, so that "nothing changed" is one comparison.
//
// Source: Preguiça et al., "Dotted Version Vectors" (2010); Almeida et al., "Scalable and Accurate
// Causality Tracking for Eventually Consistent Stores" (2014), section 5.

import type { ActorId, Dot, HybridTime } from "./dot.ts";
import type { VersionVector } from "./version_vector.ts";

export interface TimedValue<V> {
  readonly time: HybridTime;
  readonly value: V;
}

/** What one actor wrote, as far as it is still here. */
export interface ActorEntry<V> {
  readonly actor: ActorId;
  /** Everything of this actor up to this time has been seen and, unless in `values`, replaced. */
  readonly discardedUpTo: HybridTime;
  readonly values: readonly TimedValue<V>[];
}

export interface Sibling<V> extends Dot {
  readonly value: V;
}

/** Orders values: below 0 if `a` comes first, 0 if they are the same. */
export type Order<V> = (a: V, b: V) => number;

export class SiblingSet<V> {
  static readonly #empty: SiblingSet<never> = new SiblingSet<never>([]);
  readonly entries: readonly ActorEntry<V>[];

  /** Takes entries that keep the invariant above. */
  constructor(entries: readonly ActorEntry<V>[]) {
    this.entries = entries;
  }

  static empty<V>(): SiblingSet<V> {
    return SiblingSet.#empty as unknown as SiblingSet<V>;
  }

  /** How many values there are. */
  get size(): number {
    let size = 0;
    for (const entry of this.entries) size += entry.values.length;
    return size;
  }

  /** The latest time of `actor` that this set knows of, 0 if it knows none. */
  timeOf(actor: ActorId): HybridTime {
    for (const entry of this.entries) if (entry.actor === actor) return latestOf(entry);
    return 0;
  }

  /**
   * Whether this set holds the value of a dot, or knows that it was replaced. After something was forgotten (see
   * crdt/forgetting.ts) it may know of later dots of an actor and not of this one.
   */
  knows(actor: ActorId, time: HybridTime): boolean {
    for (const entry of this.entries) {
      if (entry.actor !== actor) continue;
      return time <= entry.discardedUpTo || entry.values.some((value) => value.time === time);
    }
    return false;
  }

  /** The latest time of anybody, 0 for the empty set. */
  latestTime(): HybridTime {
    let latest = 0;
    for (const entry of this.entries) latest = Math.max(latest, latestOf(entry));
    return latest;
  }

  /** Adds to `vector` what this set has seen. */
  addTo(vector: Map<ActorId, HybridTime>): void {
    for (const entry of this.entries) {
      const time = latestOf(entry);
      if ((vector.get(entry.actor) ?? 0) < time) vector.set(entry.actor, time);
    }
  }

  /** Only the entries that `keep` holds for; this set itself if these are all. */
  filter(keep: (entry: ActorEntry<V>) => boolean): SiblingSet<V> {
    const kept = this.entries.filter(keep);
    return kept.length === this.entries.length ? this : new SiblingSet(kept);
  }

  /** Every value with its dot, in the order of actors and times. */
  *siblings(): Generator<Sibling<V>> {
    for (const { actor, values } of this.entries) {
      for (const { time, value } of values) yield { actor, time, value };
    }
  }

  /**
   * What both sides hold together; see the head of this file.
   *
   * @param order chooses where one dot has two values
   */
  merge(other: SiblingSet<V>, order: Order<V>): SiblingSet<V> {
    if (other === this || other.entries.length === 0) return this;
    if (this.entries.length === 0) return other;
    const merged: ActorEntry<V>[] = [];
    let isThis = true;
    let isOther = true;
    let i = 0;
    let j = 0;
    while (i < this.entries.length || j < other.entries.length) {
      const mine = this.entries[i];
      const theirs = other.entries[j];
      if (theirs === undefined || (mine !== undefined && mine.actor < theirs.actor)) {
        merged.push(mine!);
        isOther = false;
        i++;
      } else if (mine === undefined || theirs.actor < mine.actor) {
        merged.push(theirs);
        isThis = false;
        j++;
      } else {
        const { entry, isA, isB } = mergeEntries(mine, theirs, order);
        isThis &&= isA;
        isOther &&= isB;
        merged.push(entry);
        i++;
        j++;
      }
    }
    if (isThis) return this;
    return isOther ? other : new SiblingSet(merged);
  }

  /** Without the values that `seen` covers, and knowing that they have been replaced. */
  discard(seen: VersionVector): SiblingSet<V> {
    if (seen.size === 0) return this;
    const replaced: ActorEntry<V>[] = [];
    for (const actor of [...seen.keys()].sort()) {
      const time = seen.get(actor)!;
      if (time > 0) replaced.push({ actor, discardedUpTo: time, values: [] });
    }
    return this.merge(new SiblingSet(replaced), () => 0);
  }

  /** Without any value, and knowing that all have been replaced. */
  discardAll(): SiblingSet<V> {
    return new SiblingSet(
      this.entries.map((entry) =>
        entry.values.length === 0
          ? entry
          : { actor: entry.actor, discardedUpTo: latestOf(entry), values: [] }
      ),
    );
  }

  /** With one more value, whose dot must be later than everything known of its actor. */
  add(dot: Dot, value: V): SiblingSet<V> {
    const entries = this.entries;
    let at = 0;
    while (at < entries.length && entries[at]!.actor < dot.actor) at++;
    const known = entries[at]?.actor === dot.actor ? entries[at] : undefined;
    if (known !== undefined && latestOf(known) >= dot.time) {
      throw new RangeError(`Dot ${dot.actor}:${dot.time} is not later than ${latestOf(known)}`);
    }
    const entry: ActorEntry<V> = {
      actor: dot.actor,
      discardedUpTo: known?.discardedUpTo ?? 0,
      values: [...known?.values ?? [], { time: dot.time, value }],
    };
    const rest = entries.slice(known === undefined ? at : at + 1);
    return new SiblingSet([...entries.slice(0, at), entry, ...rest]);
  }
}

function latestOf<V>(entry: ActorEntry<V>): HybridTime {
  const last = entry.values[entry.values.length - 1];
  return last === undefined ? entry.discardedUpTo : last.time;
}

/** What two entries of one actor hold together, and which of them that is. */
interface MergedEntry<V> {
  readonly entry: ActorEntry<V>;
  readonly isA: boolean;
  readonly isB: boolean;
}

function mergeEntries<V>(a: ActorEntry<V>, b: ActorEntry<V>, order: Order<V>): MergedEntry<V> {
  if (a === b) return { entry: a, isA: true, isB: true };
  const discardedUpTo = Math.max(a.discardedUpTo, b.discardedUpTo);
  const values: TimedValue<V>[] = [];
  let isA = a.discardedUpTo === discardedUpTo;
  let isB = b.discardedUpTo === discardedUpTo;
  let i = 0;
  let j = 0;
  while (i < a.values.length || j < b.values.length) {
    const mine = a.values[i];
    const theirs = b.values[j];
    const difference = (mine?.time ?? Infinity) - (theirs?.time ?? Infinity);
    if (difference <= 0) i++;
    if (difference >= 0) j++;
    if (Math.min(mine?.time ?? Infinity, theirs?.time ?? Infinity) <= discardedUpTo) continue;
    if (difference < 0) {
      values.push(mine!);
      isB = false;
    } else if (difference > 0) {
      values.push(theirs!);
      isA = false;
    } else {
      const sign = mine!.value === theirs!.value ? 0 : order(mine!.value, theirs!.value);
      values.push(sign >= 0 ? mine! : theirs!);
      isA &&= sign >= 0;
      isB &&= sign <= 0;
    }
  }
  if (isA) return { entry: a, isA, isB };
  return { entry: isB ? b : { actor: a.actor, discardedUpTo, values }, isA, isB };
}
