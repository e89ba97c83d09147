// A copy that has forgotten: after an empty or an old disk a node must not speak for its partitions.
//
// It may have been one of those that acknowledged a write, and no longer knows it. If it answered reads, a
// quorum of it and of a node that missed the write would find nothing, though only one disk was lost. So
// until it has compared a partition with so many other owners that one of them has every write which a majority
// acknowledged, the copy is filling: it takes what it is sent, and others answer and coordinate.
//
// A node knows that it has forgotten when its disk has no layout and the cluster does, or when a peer remembers
// a run of it that its disk does not.
//
// How far it has come is on the disk too: a node that is killed again and again while it fills goes on where it was.
//
//   meta := a kind of 1 byte | names, as a list | by partition: its number, how many, which of the names
//
// Source: Gifford, "Weighted Voting for Replicated Data" (1979), section 3: quorums that intersect.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import type { DataObject } from "../crdt/data_object.ts";
import type { Log } from "../ports/log.ts";
import type { Placement } from "../ring/placement.ts";
import type { Storage } from "../storage/storage.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";

export const FILLING_META = "filling";

const META_KIND = 2;

export class Filling {
  readonly #self: string;
  readonly #storage: Storage<DataObject>;
  readonly #placement: () => Placement | undefined;
  readonly #log: Log;
  #isActive = false;
  /** Told when there is something to be filled. */
  onBegin: () => void = () => {};
  /** By partition, the owners that it has been compared with since it began. */
  #compared = new Map<number, Set<string>>();
  /** The partitions that have not been compared with enough of them; undefined until the layout is known. */
  #missing: Set<number> | undefined;
  /** Whether an earlier run of this node began it. */
  #isLoaded = false;
  #isKeeping = false;
  #hasChanged = false;

  constructor(
    self: string,
    storage: Storage<DataObject>,
    placement: () => Placement | undefined,
    log: Log,
  ) {
    this.#self = self;
    this.#storage = storage;
    this.#placement = placement;
    this.#log = log;
  }

  /** Goes on with what an earlier run of this node did not end. @throws {CorruptError} */
  async load(): Promise<void> {
    const bytes = await this.#storage.getMeta(FILLING_META);
    if (bytes === undefined) return;
    this.#isLoaded = true;
    this.#begin(readCompared(bytes));
  }

  /** This node has forgotten something, for this reason. */
  begin(reason: string): void {
    if (this.#isActive && !this.#isLoaded) return;
    // How far an earlier run has come is nothing to go by: this disk may be older than that.
    this.#isLoaded = false;
    this.#log.warn("This node has forgotten data: it fills its copies from the other owners", {
      reason,
    });
    this.#begin(new Map());
    this.#keep();
  }

  /** Whether there is, or may be once the layout is known, something to be filled. */
  get isActive(): boolean {
    return this.#isActive;
  }

  /** Partitions that are not filled yet. */
  get count(): number {
    return this.#isActive ? this.#parts()?.size ?? 0 : 0;
  }

  isFilling(partition: number): boolean {
    return this.#isActive && this.#parts()?.has(partition) === true;
  }

  /**
   * Partitions that are to be compared with another owner, `limit` of them at the most; undefined if that is not
   * known, or nothing is to be filled.
   */
  lackedFrom(node: string, limit = Infinity): ReadonlySet<number> | undefined {
    const placement = this.#placement();
    const parts = this.#isActive ? this.#parts() : undefined;
    if (parts === undefined) return undefined;
    const lacked = new Set<number>();
    for (const partition of parts) {
      if (lacked.size >= limit) break;
      if (!placement!.isOwner(node, partition)) continue;
      if (this.#compared.get(partition)?.has(node) !== true) lacked.add(partition);
    }
    return lacked;
  }

  /** Why this node cannot answer for a partition. */
  problem(partition: number): DenamoError | undefined {
    if (!this.isFilling(partition)) return undefined;
    const message = `${this.#self} has forgotten data and is filling partition ${partition}`;
    return new DenamoError("not_ready", "no", message);
  }

  /** All that another owner holds of these partitions is here as well. */
  comparedWith(node: string, partitions: Iterable<number>): void {
    const parts = this.#isActive ? this.#parts() : undefined;
    if (parts === undefined) return;
    for (const partition of partitions) {
      if (!parts.has(partition)) continue;
      const compared = this.#compared.get(partition) ?? new Set();
      this.#compared.set(partition, compared.add(node));
      if (this.#isEnough(partition)) parts.delete(partition);
    }
    if (parts.size === 0) {
      this.#isActive = false;
      this.#log.info("This node has filled its copies");
    }
    this.#keep();
  }

  #begin(compared: Map<number, Set<string>>): void {
    this.#isActive = true;
    this.#compared = compared;
    this.#missing = undefined;
    this.onBegin();
  }

  #parts(): Set<number> | undefined {
    const placement = this.#placement();
    if (this.#missing !== undefined || placement === undefined) return this.#missing;
    const owned = placement.partitionsOf(this.#self);
    this.#missing = new Set(owned.filter((partition) => !this.#isEnough(partition)));
    return this.#missing;
  }

  #isEnough(partition: number): boolean {
    const count = this.#placement()!.owners(partition).length;
    const compared = this.#compared.get(partition)?.size ?? 0;
    return compared >= Math.min(count - 1, Math.ceil(count / 2));
  }

  /**
   * Notes how far it has come, one write at a time. What was taken is on its way to the disk before that, so the
   * disk never claims more than it has.
   */
  #keep(): void {
    this.#hasChanged = true;
    if (this.#isKeeping) return;
    this.#isKeeping = true;
    this.#keepAll().catch((error) => {
      this.#log.warn("Cannot note whether this node is filling", { error: messageOf(error) });
    }).finally(() => this.#isKeeping = false);
  }

  async #keepAll(): Promise<void> {
    while (this.#hasChanged) {
      this.#hasChanged = false;
      const value = this.#isActive ? comparedBytes(this.#compared) : undefined;
      await this.#storage.setMeta(FILLING_META, value);
    }
  }
}

/** How far a node has come with filling: by partition, the nodes with which it has been compared. */
export function comparedBytes(compared: ReadonlyMap<number, ReadonlySet<string>>): Uint8Array {
  const names = [...new Set([...compared.values()].flatMap((nodes) => [...nodes]))];
  const writer = new ByteWriter(64 + 8 * compared.size);
  writer.byte(META_KIND);
  writer.integer(names.length);
  for (const name of names) writer.text(name);
  writer.integer(compared.size);
  for (const [partition, nodes] of compared) {
    writer.integer(partition);
    writer.integer(nodes.size);
    for (const node of nodes) writer.integer(names.indexOf(node));
  }
  return writer.finish();
}

/** @throws {MalformedError} */
export function readCompared(bytes: Uint8Array): Map<number, Set<string>> {
  const compared = new Map<number, Set<string>>();
  const reader = new ByteReader(bytes, "filling");
  // Of another kind is what does not tell how far it has come.
  if (reader.byte() !== META_KIND) return compared;
  const names = Array.from({ length: reader.count() }, () => reader.text());
  for (let left = reader.count(2); left > 0; left--) {
    const nodes = new Set<string>();
    const partition = reader.integer();
    if (compared.has(partition)) throw reader.malformed("a partition is named twice");
    compared.set(partition, nodes);
    for (let count = reader.count(); count > 0; count--) {
      const name = names[reader.integer()];
      if (name === undefined) throw reader.malformed("a node has no name");
      nodes.add(name);
    }
  }
  reader.end();
  return compared;
}
