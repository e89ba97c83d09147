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
// Source: Gifford, "Weighted Voting for Replicated Data" (1979), section 3: quorums that intersect.

import type { DataObject } from "../crdt/data_object.ts";
import type { Log } from "../ports/log.ts";
import type { Placement } from "../ring/placement.ts";
import type { Storage } from "../storage/storage.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";

const META_NAME = "filling";

export class Filling {
  readonly #self: string;
  readonly #storage: Storage<DataObject>;
  readonly #placement: () => Placement | undefined;
  readonly #log: Log;
  #isActive = false;
  /** Told when there is something to be filled. */
  onBegin: () => void = () => {};
  /**
   * By partition, the owners that it has been compared with since it began; removed once they are enough.
   * Undefined until the layout is known.
   */
  #missing: Map<number, Set<string>> | undefined;

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
    if (await this.#storage.getMeta(META_NAME) !== undefined) this.#begin();
  }

  /** This node has forgotten something, for this reason. */
  begin(reason: string): void {
    if (this.#isActive) return;
    this.#log.warn("This node has forgotten data: it fills its copies from the other owners", {
      reason,
    });
    this.#begin();
    this.#keep(new Uint8Array([1]));
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
      const compared = parts.get(partition)?.add(node);
      if (compared !== undefined && this.#isEnough(partition, compared)) parts.delete(partition);
    }
    if (parts.size > 0) return;
    this.#isActive = false;
    this.#log.info("This node has filled its copies");
    this.#keep(undefined);
  }

  #begin(): void {
    this.#isActive = true;
    this.#missing = undefined;
    this.onBegin();
  }

  #parts(): Map<number, Set<string>> | undefined {
    const placement = this.#placement();
    if (this.#missing !== undefined || placement === undefined) return this.#missing;
    this.#missing = new Map();
    for (const partition of placement.partitionsOf(this.#self)) {
      const compared = new Set<string>();
      if (!this.#isEnough(partition, compared)) this.#missing.set(partition, compared);
    }
    return this.#missing;
  }

  #isEnough(partition: number, compared: ReadonlySet<string>): boolean {
    const count = this.#placement()!.owners(partition).length;
    return compared.size >= Math.min(count - 1, Math.ceil(count / 2));
  }

  #keep(value: Uint8Array | undefined): void {
    this.#storage.setMeta(META_NAME, value).catch((error) => {
      this.#log.warn("Cannot note whether this node is filling", { error: messageOf(error) });
    });
  }
}
