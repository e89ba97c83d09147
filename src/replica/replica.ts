// One node's copy of its partitions: read, merge, write, in that order for every key.
//
// Nothing is ever overwritten. What a peer or a coordinator hands over is merged with what is here, and the
// result is stored if it differs. The merged object is visible to the next reader at once and acknowledged
// when it is durable; the coordinator sends it to the other owners without waiting for our own disk.
//
// A record that cannot be read is an error, never an absent key: an answer "I hold nothing" would let a
// reader take another copy's silence for the truth, and would let this copy issue dots that it issued before.

import { binaryString } from "../base/bytes.ts";
import type { VersionVector } from "../causality/version_vector.ts";
import type { HybridClock } from "../causality/hybrid_clock.ts";
import type { Dot, HybridTime } from "../causality/dot.ts";
import { DataObject } from "../crdt/data_object.ts";
import { forget } from "../crdt/forgetting.ts";
import { mergeDelta, namedBy, type ObjectDelta } from "../crdt/object_delta.ts";
import {
  type KeyPlace,
  MISS,
  type ScanStart,
  type Storage,
  type StoredEntry,
} from "../storage/storage.ts";
import { CorruptError, DenamoError } from "../wire/errors.ts";
import type { Actors } from "./actors.ts";
import { mergeCopies, together } from "./copy.ts";
import type { Floors } from "./floors.ts";
import { Forgettable } from "./forgettable.ts";
import { HashTrees } from "./hash_trees.ts";
import { KeyOrder } from "./key_order.ts";
import type { Namespaces } from "./namespaces.ts";
import { type PartId, partId } from "./parts.ts";
import { checkStorable } from "./storable.ts";

/** Makes the object that a write leaves. `nextDot` draws the write's dot, later than `above`. */
export type Change = (held: DataObject, nextDot: (above: HybridTime) => Dot) => DataObject;

/** A write that this copy coordinates. */
export interface CoordinatedWrite {
  readonly before: DataObject;
  /** What the copy holds after it, for the other owners. */
  readonly object: DataObject;
  /** Resolves when this copy's disk has it. */
  readonly durable: Promise<void>;
  /** To be called when no answer to the write counts any more. */
  ended(): void;
}

/** Is told of every write that a copy has coordinated, so that a test knows what clients cannot. */
export interface Witness {
  coordinated(write: {
    readonly partition: number;
    readonly key: Uint8Array;
    readonly dot: Dot;
    readonly before: DataObject;
    readonly object: DataObject;
  }): void;
  /** A write has changed nothing: what it would have done was done already. */
  found?(write: {
    readonly partition: number;
    readonly key: Uint8Array;
    readonly object: DataObject;
  }): void;
}

export class Replica {
  /** What this copy holds, in short. */
  readonly trees: HashTrees;
  /** Which partitions hold what may be forgotten some time. */
  readonly forgettable = new Forgettable();
  readonly #storage: Storage<DataObject>;
  readonly #actors: Actors;
  readonly #clock: HybridClock;
  readonly #namespaces: Namespaces;
  readonly #floors: Floors;
  readonly #witness: Witness | undefined;
  readonly #order = new KeyOrder();
  /** By partition and key as text, keys of which the disk may have what nobody sees. */
  readonly #doubtful = new Map<number, Map<string, Uint8Array>>();
  /** Told of every record that cannot be read, whenever somebody asks for it. */
  onCorrupt: (partition: number, key: Uint8Array) => void = () => {};
  /** Why nothing new can be stored here, if so. It is asked before anything is done. */
  writeProblem: () => DenamoError | undefined = () => undefined;

  constructor(
    storage: Storage<DataObject>,
    actors: Actors,
    clock: HybridClock,
    namespaces: Namespaces,
    floors: Floors,
    witness?: Witness,
  ) {
    this.#storage = storage;
    this.#actors = actors;
    this.#clock = clock;
    this.#namespaces = namespaces;
    this.#floors = floors;
    this.#witness = witness;
    this.trees = new HashTrees(
      (from, until, limit) => this.scan(from, until, undefined, limit),
      (key) => namespaces.copiesOf(key),
    );
  }

  /** The part that a key belongs to. */
  partOf(partition: number, key: Uint8Array): PartId {
    return partId({ partition, copies: this.#namespaces.copiesOf(key) });
  }

  /** What nodes must have in common to mean the same by a part; see {@linkcode Namespaces.idWith}. */
  partsId(layoutId: string): string {
    return this.#namespaces.idWith(layoutId);
  }

  /** Up to where this copy has seen everything that was written to the part of a key; 0 if that is not known. */
  floorOf(partition: number, key: Uint8Array): HybridTime {
    return this.#floors.floorOf(this.partOf(partition, key));
  }

  /** The latest time that the clock of any node can have come to. */
  get furthest(): HybridTime {
    return this.#clock.furthest();
  }

  /** Up to where this copy has agreed that it has seen everything, or is about to: see {@linkcode Floors.fenceOf}. */
  fenceOf(partition: number, key: Uint8Array): HybridTime {
    return this.#floors.fenceOf(this.partOf(partition, key));
  }

  /** The floors of all parts of a range of partitions, where there are any. */
  floorsOf(first: number, last: number): Map<PartId, HybridTime> {
    const floors = new Map<PartId, HybridTime>();
    for (const copies of this.#namespaces.copies()) {
      for (let partition = first; partition <= last; partition++) {
        const part = partId({ partition, copies });
        const floor = this.#floors.floorOf(part);
        if (floor > 0) floors.set(part, floor);
      }
    }
    return floors;
  }

  /** What this copy holds; the empty object if nothing. @throws {CorruptError} */
  read(partition: number, key: Uint8Array): DataObject | Promise<DataObject> {
    const held = this.#storage.peek(partition, key);
    return held === MISS ? this.#fetch(partition, key) : held ?? DataObject.empty;
  }

  /**
   * Coordinates a write: draws its dot and stores the result.
   *
   * @param seen the context that the client sent, if any
   * @throws {DenamoError} `disk_failed` without effect if the disk takes no writes
   */
  coordinate(
    partition: number,
    key: Uint8Array,
    seen: VersionVector | undefined,
    change: Change,
  ): CoordinatedWrite | Promise<CoordinatedWrite> {
    return this.#exclusively(partition, key, (before) => {
      this.#checkTakesWrites();
      if (seen !== undefined) {
        this.#noticeAmnesia(partition, key, before, (actor) => seen.get(actor));
      }
      const dots: Dot[] = [];
      const nextDot = (above: HybridTime) => {
        const dot = this.#actors.nextDot(partition, key, above);
        dots.push(dot);
        return dot;
      };
      const ended = () => {
        for (const dot of dots) this.#actors.ended(partition, dot);
      };
      try {
        // What all owners may have forgotten already must not come back with this write.
        const base = this.#finish(partition, key, before);
        const made = together(() => change(base, nextDot));
        const object = this.#finish(partition, key, made);
        checkStorable(object);
        const durable = this.#commit(partition, key, before, object);
        // An operation that has changed nothing has used up no dot.
        const used = dots.filter((dot) => object.timeOf(dot.actor) >= dot.time);
        for (const dot of used) {
          this.#witness?.coordinated({ partition, key, dot, before, object });
        }
        if (used.length === 0) this.#witness?.found?.({ partition, key, object });
        return { before, object, durable, ended };
      } catch (error) {
        ended();
        throw error;
      }
    });
  }

  /**
   * Takes what another node has sent of a key. Resolves when all of it is durable here.
   *
   * @throws {DenamoError} `outdated` without effect if the sender holds what all owners have seen replaced, and
   * `too_large` without effect if what is here and what was sent are more than one object may be
   */
  merge(partition: number, key: Uint8Array, incoming: DataObject): Promise<void> {
    return this.#take(partition, key, incoming, (held) => {
      this.#checkAdmits(partition, key, held, incoming);
      return held.merge(incoming);
    });
  }

  /**
   * Takes what a coordinator has changed of a key. Resolves when all of it is durable here.
   *
   * @throws {DenamoError} `gap` without effect if this copy has not seen what the change builds upon, and `outdated`
   * as {@linkcode Replica.merge} does
   */
  mergeDelta(partition: number, key: Uint8Array, delta: ObjectDelta): Promise<void> {
    const named = namedBy(delta);
    return this.#take(partition, key, named, (held) => {
      const merged = mergeDelta(held, delta);
      if (merged === undefined) {
        throw new DenamoError("gap", "no", "This copy has not seen what the change builds upon");
      }
      this.#checkAdmits(partition, key, held, named);
      return merged;
    });
  }

  /**
   * Takes what another node holds of a key, and loses what that node has seen replaced. Resolves when all of it
   * is durable here.
   *
   * @param floor up to where the other node has seen everything
   */
  level(
    partition: number,
    key: Uint8Array,
    theirs: DataObject,
    floor: HybridTime,
  ): Promise<void> {
    return this.#take(partition, key, theirs, (held) => {
      const ownFloor = this.floorOf(partition, key);
      const own = { object: held, floor: ownFloor };
      return mergeCopies([own, { object: theirs, floor }]).object;
    });
  }

  #take(
    partition: number,
    key: Uint8Array,
    incoming: DataObject,
    merge: (held: DataObject) => DataObject,
  ): Promise<void> {
    this.#clock.observe(incoming.latestTime());
    const take = (held: DataObject): { durable: Promise<void> } => {
      this.#noticeAmnesia(partition, key, held, (actor) => incoming.timeOf(actor));
      const object = this.#finish(partition, key, together(() => merge(held)));
      if (object === held || object.isEmpty && held.isEmpty) {
        return { durable: this.#storage.whenDurable(partition, key) ?? Promise.resolve() };
      }
      this.#checkTakesWrites();
      checkStorable(object);
      return { durable: this.#commit(partition, key, held, object) };
    };
    try {
      const taken = this.#exclusively(partition, key, take);
      return taken instanceof Promise ? taken.then(({ durable }) => durable) : taken.durable;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Puts `object` in place of a record that cannot be read. */
  async replaceCorrupt(partition: number, key: Uint8Array, object: DataObject): Promise<void> {
    this.#checkTakesWrites();
    checkStorable(object);
    this.#actors.end(partition);
    this.#floors.mayHaveLost(partition);
    await this.#order.run(key, () => false, async () => {
      try {
        await this.#storage.get(partition, key);
      } catch (error) {
        if (!(error instanceof CorruptError)) throw error;
        this.trees.forget(partition);
        const kept = object.isEmpty ? undefined : object;
        await this.#storage.commit([{ partition, key, object: kept }]);
      }
    });
  }

  /**
   * Forgets a key of which others hold all that `handedOver` holds; false if this copy has changed since.
   *
   * Our actor ends with it: it has written what this copy no longer knows.
   */
  async drop(partition: number, key: Uint8Array, handedOver: DataObject): Promise<boolean> {
    const dropped = await this.#exclusively(partition, key, (held) => {
      if (held !== handedOver && held.digest() !== handedOver.digest()) return undefined;
      this.#actors.end(partition);
      return { durable: this.#commit(partition, key, held, undefined) };
    });
    await dropped?.durable;
    return dropped !== undefined;
  }

  /**
   * Objects of a range of partitions; see {@linkcode Storage.range}. What may be forgotten in them is noted, unless
   * the caller does that.
   */
  async scan(
    from: ScanStart,
    until: number,
    prefix: Uint8Array | undefined,
    limit: number,
    isNoted = true,
  ): Promise<StoredEntry<DataObject>[]> {
    const entries = await this.#storage.range(from, until, prefix, limit);
    for (const { key, object, partition } of entries) {
      if (object === undefined) this.#floors.mayHaveLost(partition);
      else if (isNoted) this.forgettable.note(this.partOf(partition, key), object);
    }
    return entries;
  }

  /** Forgets what a key needs to hold no more; resolves when that is durable. Returns whether there was any. */
  async forget(partition: number, key: Uint8Array): Promise<boolean> {
    this.#checkTakesWrites();
    const forgotten = await this.#exclusively(partition, key, (held) => {
      const object = this.#finish(partition, key, held);
      if (object === held) return undefined;
      return { durable: this.#commit(partition, key, held, object) };
    });
    await forgotten?.durable;
    return forgotten !== undefined;
  }

  /**
   * Tells that commits to these partitions may have been lost.
   *
   * @param keys of which the disk may have what nobody sees before the next start
   */
  commitFailed(partitions: Iterable<number>, keys: readonly KeyPlace[] = []): void {
    for (const { key, partition } of keys) {
      const doubtful = this.#doubtful.get(partition) ?? new Map<string, Uint8Array>();
      this.#doubtful.set(partition, doubtful.set(binaryString(key), key));
    }
    for (const partition of partitions) {
      this.#actors.end(partition);
      this.#floors.mayHaveLost(partition);
      this.trees.forget(partition);
    }
  }

  /**
   * Writes again what is seen of keys whose commits have failed, so that the disk has nothing else; false if that
   * does not succeed now.
   */
  async settleDoubts(partition: number): Promise<boolean> {
    const doubtful = this.#doubtful.get(partition);
    if (doubtful === undefined) return true;
    this.#doubtful.delete(partition);
    const written = await Promise.allSettled([...doubtful.values()].map(async (key) => {
      const { durable } = await this.#exclusively(partition, key, (held) => {
        // Whole, since nobody knows upon what it would build.
        const object = held.isEmpty ? undefined : held;
        return { durable: this.#storage.commit([{ partition, key, object }]) };
      });
      await durable;
    }));
    const failed = written.some(({ status }) => status === "rejected");
    if (failed) this.commitFailed([], [...doubtful.values()].map((key) => ({ partition, key })));
    return !failed;
  }

  #commit(
    partition: number,
    key: Uint8Array,
    before: DataObject,
    after: DataObject | undefined,
  ): Promise<void> {
    const object = after?.isEmpty === true ? undefined : after;
    const durable = this.#storage.commit([{ partition, key, object, before }]);
    this.trees.changed(partition, key, before, object);
    this.forgettable.note(this.partOf(partition, key), object);
    return durable;
  }

  #exclusively<T>(
    partition: number,
    key: Uint8Array,
    change: (held: DataObject) => T,
  ): T | Promise<T> {
    const isReady = () => this.#storage.peek(partition, key) !== MISS;
    return this.#order.run(key, isReady, () => {
      const held = this.#storage.peek(partition, key);
      if (held !== MISS) return change(held ?? DataObject.empty);
      return this.#fetch(partition, key).then(change);
    });
  }

  async #fetch(partition: number, key: Uint8Array): Promise<DataObject> {
    try {
      return await this.#storage.get(partition, key) ?? DataObject.empty;
    } catch (error) {
      if (error instanceof CorruptError) {
        this.#actors.end(partition);
        this.#floors.mayHaveLost(partition);
        this.onCorrupt(partition, key);
      }
      throw error;
    }
  }

  /** Ends our actors if somebody knows a later write of it to this key than we hold. */
  #noticeAmnesia(
    partition: number,
    key: Uint8Array,
    held: DataObject,
    knownTime: (actor: string) => HybridTime | undefined,
  ): void {
    for (const actor of [this.#actors.of(partition), this.#actors.aheadOf(key)]) {
      if (actor === undefined) continue;
      const known = Math.max(held.timeOf(actor), this.floorOf(partition, key));
      if ((knownTime(actor) ?? 0) > known) return this.#actors.end(partition);
    }
  }

  #checkAdmits(partition: number, key: Uint8Array, held: DataObject, incoming: DataObject): void {
    if (this.#floors.admits(this.partOf(partition, key), held, incoming)) return;
    const message = "What was sent is older than what all owners of the key have seen";
    throw new DenamoError("outdated", "no", message);
  }

  #checkTakesWrites(): void {
    const problem = this.writeProblem();
    if (problem !== undefined) throw problem;
  }

  /** What this copy keeps of an object: less in a namespace where the last write wins, and below the floor. */
  #finish(partition: number, key: Uint8Array, object: DataObject): DataObject {
    const rule = this.#namespaces.of(key).conflicts;
    const kept = rule === "lww" ? object.keepLatest() : object;
    return forget(kept, this.floorOf(partition, key));
  }
}
