// The object of one key: a slot per type of value, and when it ends.
//
// One key may be created as two different types at once on both sides of a cut network; with a slot for
// each type neither is lost. The slot of opaque values is a sibling set; those of the types that merge are in
// values.ts. A delete is a write too: it leaves a tombstone (`null`) among the siblings, so that a copy that
// missed the delete is recognised as old and not as new; of the values that merge it takes what it has seen.
//
// The expiry is a slot of its own with dots of its own, because EXPIRE changes it without touching the
// value. Of concurrent expiries the later one wins, "never" being the latest. An expiry ends the values
// that were written before it, never one that was written later: so a plain SET that ran beside an EXPIRE
// either comes first and expires with it, or comes later and stays. Values that merge go on being the same ones
// when they change, so they end with the key: by the latest of all its expiries. What has expired is answered as
// absent by every copy alike, and merging never asks what time it is.
//
// Objects never change, as sibling sets do not.

import { hash64 } from "../base/hash.ts";
import {
  type ActorId,
  compareDots,
  type Dot,
  type HybridTime,
  MAX_TIME,
} from "../causality/dot.ts";
import { type Sibling, SiblingSet } from "../causality/sibling_set.ts";
import type { VersionVector } from "../causality/version_vector.ts";
import { type NestedOperation, NO_SLOTS, type Slots } from "./map.ts";
import { encodeClock, encodeObject } from "./object_codec.ts";
import { compareStored, type StoredValue } from "./value.ts";
import { type Values, values as valuesType } from "./values.ts";

/** A value, or `null` for a tombstone. */
export type Opaque = StoredValue | null;

/** Stands in an expiry slot for "does not end". */
export const NEVER = 0;

/** Orders ends in expiry slots: the later one comes later, {@linkcode NEVER} last. */
export function compareEnds(a: number, b: number): number {
  return (a === NEVER ? Infinity : a) - (b === NEVER ? Infinity : b) || 0;
}

/** A value that has been neither replaced nor deleted nor ended. */
export interface LiveValue extends Sibling<StoredValue> {
  /** Milliseconds since 1970; undefined if it does not end. */
  readonly expiresAtMs: number | undefined;
}

export class DataObject {
  static readonly empty = new DataObject(
    SiblingSet.empty<Opaque>(),
    SiblingSet.empty<number>(),
    valuesType.empty,
  );

  readonly opaque: SiblingSet<Opaque>;
  /** Ends in milliseconds since 1970, or {@linkcode NEVER}. */
  readonly expiry: SiblingSet<number>;
  /** The values that merge. */
  readonly values: Values;
  #encoded: Uint8Array<ArrayBuffer> | undefined;
  #digest: bigint | undefined;
  #valuesBytes: number | undefined;

  constructor(
    opaque: SiblingSet<Opaque>,
    expiry: SiblingSet<number>,
    values: Values,
    encoded?: Uint8Array<ArrayBuffer>,
  ) {
    this.opaque = opaque;
    this.expiry = expiry;
    this.values = values;
    this.#encoded = encoded;
  }

  /** The canonical bytes: equal objects have equal bytes on every node. */
  encoded(): Uint8Array<ArrayBuffer> {
    return this.#encoded ??= encodeObject(this);
  }

  /**
   * A hash for asking "do you hold the same?". Of values that merge it takes what they have seen: those who have
   * seen the same hold the same, and so a large set need not be walked through for one more element.
   */
  digest(): bigint {
    return this.#digest ??= hash64(this.values.seen.isEmpty ? this.encoded() : encodeClock(this));
  }

  /** About how many bytes the values that merge take. */
  get valuesBytes(): number {
    return this.#valuesBytes ??= valuesType.sizeBytes(this.values);
  }

  /** About how many bytes all of it takes. */
  get sizeBytes(): number {
    if (this.#encoded !== undefined) return this.#encoded.length;
    if (this.values.seen.isEmpty) return this.encoded().length;
    const rest = this.opaque.entries.length + this.expiry.entries.length > 0
      ? new DataObject(this.opaque, this.expiry, valuesType.empty).encoded().length
      : 0;
    return rest + this.valuesBytes;
  }

  /** Whether nothing was ever written. */
  get isEmpty(): boolean {
    return this.opaque.entries.length === 0 && this.expiry.entries.length === 0 &&
      this.values.seen.isEmpty;
  }

  /** What both hold together; returns one of the two itself if that is the result. */
  merge(other: DataObject): DataObject {
    const opaque = this.opaque.merge(other.opaque, compareStored);
    const expiry = this.expiry.merge(other.expiry, compareEnds);
    const values = valuesType.merge(this.values, other.values);
    const isOneOf = (it: DataObject) =>
      opaque === it.opaque && expiry === it.expiry && values === it.values;
    if (isOneOf(this)) return this;
    return isOneOf(other) ? other : new DataObject(opaque, expiry, values);
  }

  /** Everything that this object has seen: the context of a read. */
  vector(): VersionVector {
    const vector = new Map<ActorId, HybridTime>();
    this.opaque.addTo(vector);
    this.expiry.addTo(vector);
    valuesType.addTo(this.values, vector);
    return vector;
  }

  timeOf(actor: ActorId): HybridTime {
    return Math.max(
      this.opaque.timeOf(actor),
      this.expiry.timeOf(actor),
      valuesType.timeOf(this.values, actor),
    );
  }

  latestTime(): HybridTime {
    return Math.max(
      this.opaque.latestTime(),
      this.expiry.latestTime(),
      valuesType.latestTime(this.values),
    );
  }

  /**
   * What the time of a write has to be above: everything that is here. Nothing is above MAX_TIME, so where that is
   * reached only what stays beside the write counts, since of several values the latest is shown first. A write
   * that replaces all is dated as ever then, and the key is back in its time.
   *
   * @param seen what the write replaces; undefined for everything
   */
  timeBefore(seen: VersionVector | undefined): HybridTime {
    const latest = this.latestTime();
    if (latest < MAX_TIME) return latest;
    const left = seen === undefined ? 0 : Math.max(
      latestValue(this.opaque.discard(seen)),
      latestValue(this.expiry.discard(seen)),
    );
    return Math.max(left, this.values.seen.floor);
  }

  /**
   * Writes a value, or a tombstone, in place of what `seen` covers, or of everything, of whatever type.
   *
   * @param seen undefined covers all that this object holds
   * @param expiresAtMs when the value ends; undefined if it does not
   */
  write(
    dot: Dot,
    value: Opaque,
    seen: VersionVector | undefined,
    expiresAtMs: number | undefined,
  ): DataObject {
    const opaque = replace(this.opaque, seen).add(dot, value);
    const expiry = this.expiry.entries.length > 0 ? replace(this.expiry, seen) : this.expiry;
    return new DataObject(
      opaque,
      expiresAtMs === undefined ? expiry : expiry.add(dot, expiresAtMs),
      valuesType.clear(this.values, seen, dot),
    );
  }

  /** Changes a value that merges. @throws {RangeError} if the operation is out of bounds */
  update(dot: Dot, operation: NestedOperation): DataObject {
    const values = valuesType.apply(this.values, operation, dot);
    return values === this.values ? this : new DataObject(this.opaque, this.expiry, values);
  }

  /** Without all that is here, and without a tombstone: for an object of which nothing can be read any more. */
  renew(dot: Dot): DataObject {
    const values = valuesType.clear(this.values, undefined, dot);
    return new DataObject(this.opaque.discardAll(), this.expiry.discardAll(), values);
  }

  /** Sets when the values end, in place of every expiry that is known here. */
  expire(dot: Dot, expiresAtMs: number | undefined): DataObject {
    const expiry = this.expiry.discardAll().add(dot, expiresAtMs ?? NEVER);
    return new DataObject(this.opaque, expiry, this.values);
  }

  /** Without its opaque values, for a value of another type that takes their place. */
  withoutOpaque(): DataObject {
    return new DataObject(this.opaque.discardAll(), this.expiry, this.values);
  }

  /** The siblings that can be read at `nowMs`, the latest first. */
  live(nowMs: number): LiveValue[] {
    const live: LiveValue[] = [];
    for (const { actor, time, value } of this.opaque.siblings()) {
      if (value === null) continue;
      const expiresAtMs = this.endOf(time);
      if (expiresAtMs !== undefined && expiresAtMs <= nowMs) continue;
      live.push({ actor, time, value, expiresAtMs });
    }
    return live.length > 1 ? live.sort((a, b) => compareDots(b, a)) : live;
  }

  /**
   * Only the latest value, as namespaces with the rule `lww` keep it. Every copy decides alike, since
   * "latest" depends on dots alone.
   */
  keepLatest(): DataObject {
    if (this.opaque.size <= 1) return this;
    let latest: Sibling<Opaque> | undefined;
    for (const sibling of this.opaque.siblings()) {
      if (latest === undefined || compareDots(sibling, latest) > 0) latest = sibling;
    }
    const { actor, time } = latest!;
    const opaque = new SiblingSet(
      this.opaque.entries.map((entry) => {
        const values = entry.values.filter((value) => entry.actor === actor && value.time === time);
        const dropped = entry.values.filter((value) => !values.includes(value));
        const discardedUpTo = dropped.reduce(
          (most, { time }) => Math.max(most, time),
          entry.discardedUpTo,
        );
        return { actor: entry.actor, discardedUpTo, values };
      }),
    );
    return new DataObject(opaque, this.expiry, this.values);
  }

  /** The same clocks with opaque values of no bytes: enough to know what is live. */
  skeleton(): DataObject {
    const opaque = new SiblingSet(
      this.opaque.entries.map((entry) => ({
        ...entry,
        values: entry.values.map(({ time, value }) => ({ time, value: value && HOLLOW })),
      })),
    );
    return new DataObject(opaque, this.expiry, this.values);
  }

  /** The values that merge and can be read at `nowMs`, sorted by the code of their type. */
  liveValues(nowMs: number): Slots {
    const endMs = this.endOf(0);
    return endMs !== undefined && endMs <= nowMs ? NO_SLOTS : valuesType.value(this.values);
  }

  /** Whether anything can be read at `nowMs`. */
  isLive(nowMs: number): boolean {
    return this.live(nowMs).length > 0 || this.liveValues(nowMs).length > 0;
  }

  /** When an opaque value written at `time` ends, with 0 when the values that merge end; undefined if it does not. */
  endOf(time: HybridTime): number | undefined {
    let end: number | undefined;
    for (const expiry of this.expiry.siblings()) {
      if (expiry.time < time) continue;
      if (expiry.value === NEVER) return undefined;
      end = Math.max(end ?? 0, expiry.value);
    }
    return end;
  }
}

function replace<V>(set: SiblingSet<V>, seen: VersionVector | undefined): SiblingSet<V> {
  return seen === undefined ? set.discardAll() : set.discard(seen);
}

function latestValue(set: SiblingSet<unknown>): HybridTime {
  let latest = 0;
  for (const { time } of set.siblings()) latest = Math.max(latest, time);
  return latest;
}

const HOLLOW: StoredValue = { kind: "bytes", bytes: new Uint8Array(0) };
