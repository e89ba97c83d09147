// One node's copy of its partitions: read, merge, write, in that order for every key.
//
// Nothing is ever overwritten. What a peer or a coordinator hands over is merged with what is here, and the
// result is stored if it differs. The merged object is visible to the next reader at once and acknowledged
// when it is durable; the coordinator sends it to the other owners without waiting for our own disk.
//
// A record that cannot be read is an error, never an absent key: an answer "I hold nothing" would let a
// reader take another copy's silence for the truth, and would let this copy issue dots that it issued before.

import type { VersionVector } from "../causality/version_vector.ts";
import type { HybridClock } from "../causality/hybrid_clock.ts";
import type { Dot, HybridTime } from "../causality/dot.ts";
import { DataObject } from "../crdt/data_object.ts";
import { MISS, type ScanStart, type Storage, type StoredEntry } from "../storage/storage.ts";
import { CorruptError, type DenamoError, TooLargeError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import type { Actors } from "./actors.ts";
import { HashTrees } from "./hash_trees.ts";
import { KeyOrder } from "./key_order.ts";
import type { Namespaces } from "./namespaces.ts";

/** Makes the object that a write leaves. `nextDot` draws the write's dot, later than `above`. */
export type Change = (held: DataObject, nextDot: (above: HybridTime) => Dot) => DataObject;

/** A write that this copy coordinates. */
export interface CoordinatedWrite {
  readonly before: DataObject;
  /** What the copy holds after it, for the other owners. */
  readonly object: DataObject;
  /** Resolves when this copy's disk has it. */
  readonly durable: Promise<void>;
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
}

export class Replica {
  /** What this copy holds, in short. */
  readonly trees: HashTrees;
  readonly #storage: Storage<DataObject>;
  readonly #actors: Actors;
  readonly #clock: HybridClock;
  readonly #namespaces: Namespaces;
  readonly #witness: Witness | undefined;
  readonly #order = new KeyOrder();
  /** Told of every record that cannot be read, whenever somebody asks for it. */
  onCorrupt: (partition: number, key: Uint8Array) => void = () => {};
  /** Why nothing new can be stored here, if so. It is asked before anything is done. */
  writeProblem: () => DenamoError | undefined = () => undefined;

  constructor(
    storage: Storage<DataObject>,
    actors: Actors,
    clock: HybridClock,
    namespaces: Namespaces,
    witness?: Witness,
  ) {
    this.#storage = storage;
    this.#actors = actors;
    this.#clock = clock;
    this.#namespaces = namespaces;
    this.#witness = witness;
    this.trees = new HashTrees(
      (from, until, limit) => storage.range(from, until, undefined, limit),
      (key) => namespaces.copiesOf(key),
    );
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
      if (seen !== undefined) this.#noticeAmnesia(partition, before, (actor) => seen.get(actor));
      let dot: Dot | undefined;
      const made = change(before, (above) => dot = this.#actors.nextDot(partition, above));
      const object = this.#obeyRule(key, made);
      this.#checkSize(object);
      const durable = this.#commit(partition, key, before, object);
      if (dot !== undefined) this.#witness?.coordinated({ partition, key, dot, before, object });
      return { before, object, durable };
    });
  }

  /** Takes what another node holds of a key. Resolves when all of it is durable here. */
  merge(partition: number, key: Uint8Array, incoming: DataObject): Promise<void> {
    this.#clock.observe(incoming.latestTime());
    const merged = this.#exclusively(partition, key, (held) => {
      this.#noticeAmnesia(partition, held, (actor) => incoming.timeOf(actor));
      const object = this.#obeyRule(key, held.merge(incoming));
      if (object === held) {
        return { durable: this.#storage.whenDurable(partition, key) ?? Promise.resolve() };
      }
      const problem = this.writeProblem();
      if (problem !== undefined) return { durable: Promise.reject(problem) };
      this.#checkSize(object);
      return { durable: this.#commit(partition, key, held, object) };
    });
    return merged instanceof Promise ? merged.then(({ durable }) => durable) : merged.durable;
  }

  /** Puts `object` in place of a record that cannot be read. */
  async replaceCorrupt(partition: number, key: Uint8Array, object: DataObject): Promise<void> {
    this.#checkTakesWrites();
    this.#actors.end(partition);
    await this.#order.run(key, () => false, async () => {
      try {
        await this.#storage.get(partition, key);
      } catch (error) {
        if (!(error instanceof CorruptError)) throw error;
        this.trees.forget(partition);
        await this.#storage.commit([{ partition, key, object }]);
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

  /** Objects of a range of partitions; see {@linkcode Storage.range}. */
  scan(
    from: ScanStart,
    until: number,
    prefix: Uint8Array | undefined,
    limit: number,
  ): Promise<StoredEntry<DataObject>[]> {
    return this.#storage.range(from, until, prefix, limit);
  }

  /** Tells that commits to these partitions may have been lost. */
  commitFailed(partitions: Iterable<number>): void {
    for (const partition of partitions) {
      this.#actors.end(partition);
      this.trees.forget(partition);
    }
  }

  #commit(
    partition: number,
    key: Uint8Array,
    before: DataObject,
    object: DataObject | undefined,
  ): Promise<void> {
    const durable = this.#storage.commit([{ partition, key, object }]);
    this.trees.changed(partition, key, before, object);
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
        this.onCorrupt(partition, key);
      }
      throw error;
    }
  }

  /** Ends our actor if somebody knows a later write of it to this key than we hold. */
  #noticeAmnesia(
    partition: number,
    held: DataObject,
    knownTime: (actor: string) => HybridTime | undefined,
  ): void {
    const actor = this.#actors.of(partition);
    if (actor === undefined) return;
    if ((knownTime(actor) ?? 0) > held.timeOf(actor)) this.#actors.end(partition);
  }

  #checkTakesWrites(): void {
    const problem = this.writeProblem();
    if (problem !== undefined) throw problem;
  }

  #obeyRule(key: Uint8Array, object: DataObject): DataObject {
    return this.#namespaces.of(key).conflicts === "lww" ? object.keepLatest() : object;
  }

  #checkSize(object: DataObject): void {
    const size = object.encoded().length;
    if (size > LIMITS.object) {
      throw new TooLargeError("The object with all its siblings", LIMITS.object, size);
    }
  }
}
