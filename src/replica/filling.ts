// A copy that does not know what it should: it must not speak for the keys that it has not compared.
//
// After an empty or an old disk a node has forgotten. It may have been one of those that acknowledged a write, and
// no longer knows it. If it answered reads, a quorum of it and of a node that missed the write would find
// nothing, though only one disk was lost. The same holds for a node to which keys have come because their
// namespace keeps more copies: it never had them. So until it has compared a part with so many other owners that one
// of them has every write which a majority acknowledged, the copy is filling: it takes what it is sent, and others
// answer and coordinate.
//
// The books are kept by part, since the owners of a key, and the trees that are compared, are those of its part.
//
// A node knows that it has forgotten when its disk has no layout and the cluster does, or when a peer remembers
// a run of it that its disk does not. That keys have come to it, it sees from the numbers of copies in force; those
// of which it has taken account are on its disk, so that it may be stopped while they change.
//
// How far it has come is on the disk too (filling_record.ts): a node that is killed again and again while it fills goes
// on where it was.
//
// Source: Gifford, "Weighted Voting for Replicated Data" (1979), section 3: quorums that intersect.

import type { DataObject } from "../crdt/data_object.ts";
import type { Log } from "../ports/log.ts";
import type { Placement } from "../ring/placement.ts";
import type { Storage } from "../storage/storage.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";
import { type Gap, type Gaps, isPlain, readFilling, writeFilling } from "./filling_record.ts";
import { type KeyMove, movesBetween, NO_NAMESPACES } from "./key_moves.ts";
import type { Namespaces } from "./namespaces.ts";
import { type Part, type PartId, partId, partOf } from "./parts.ts";

export const FILLING_META = "filling";

export interface FillingOptions {
  readonly self: string;
  readonly storage: Storage<DataObject>;
  readonly namespaces: Namespaces;
  readonly placement: () => Placement | undefined;
  readonly log: Log;
}

export class Filling {
  readonly #options: FillingOptions;
  #isActive = false;
  /** Told when there is something to be filled. */
  onBegin: () => void = () => {};
  /** The parts that have not been compared with enough of their owners. */
  #gaps = new Map<PartId, Gap>();
  /** Whether all that this node owns is to be filled, which it does not know before there is a layout. */
  #isAll = false;
  /** Whether an earlier run of this node began it. */
  #isLoaded = false;
  /** Whether it has been told in this run that it has forgotten, and has not ended filling since. */
  #hasForgotten = false;
  #epoch = 0;
  #isKeeping = false;
  #hasChanged = false;

  constructor(options: FillingOptions) {
    this.#options = options;
  }

  /** Goes on with what an earlier run of this node did not end. @throws {CorruptError} */
  async load(): Promise<void> {
    const { namespaces, storage } = this.#options;
    const bytes = await storage.getMeta(FILLING_META);
    let copies = NO_NAMESPACES;
    if (bytes !== undefined) {
      const stored = readFilling(bytes);
      copies = stored.copies;
      this.#isAll = stored.isAll;
      this.#gaps = stored.gaps;
      this.#isLoaded = this.#isActive = stored.isAll || stored.gaps.size > 0;
      if (this.#isActive) this.onBegin();
    }
    const moves = movesBetween(copies, namespaces.copiesByPrefix());
    if (moves.length > 0) this.keysMoved(moves);
  }

  /** This node has forgotten something, for this reason. */
  begin(reason: string): void {
    if (this.#hasForgotten) return;
    // How far an earlier run has come is nothing to go by: this disk may be older than that.
    this.#isLoaded = false;
    this.#hasForgotten = true;
    this.#options.log.warn(
      "This node has forgotten data: it fills its copies from the other owners",
      { reason },
    );
    for (const gap of this.#gaps.values()) gap.compared.clear();
    this.#isAll = true;
    this.#begin();
  }

  /**
   * Some keys have another number of copies from now on. This node fills the parts to which keys have come that it did
   * not own, or had not filled.
   */
  keysMoved(moves: readonly KeyMove[]): void {
    const { log, namespaces, placement, self } = this.#options;
    const current = placement();
    if (this.#isAll) this.#parts();
    const before = new Map(this.#gaps);
    const kept = new Set(namespaces.copies());
    for (const id of before.keys()) if (!kept.has(partOf(id).copies)) this.#gaps.delete(id);
    let gained = 0;
    for (const { from, to } of current === undefined ? [] : moves) {
      for (const partition of current!.partitionsOf(self, to || undefined)) {
        const owned = current!.isOwner(self, partition, from || undefined);
        const gap = before.get(partId({ partition, copies: from }));
        const sources = owned ? gap?.sources : [from || current!.layout.replication];
        if (sources === undefined) continue;
        const part = { partition, copies: to };
        const merged = new Set([...this.#gaps.get(partId(part))?.sources ?? [], ...sources]);
        if (this.#set(part, { sources: merged, compared: new Set() })) gained++;
      }
    }
    if (gained > 0) {
      log.info("Keys have come to this node: it fills its copies of them", { parts: gained });
      this.#begin();
    } else {
      this.#endIfFilled();
      this.#keep();
    }
  }

  /** Whether there is, or may be once the layout is known, something to be filled. */
  get isActive(): boolean {
    return this.#isActive;
  }

  /** Changes whenever something more is to be filled: what is compared by then says nothing of it. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Partitions of which some part is not filled yet. */
  get count(): number {
    const parts = this.#isActive ? this.#parts() : undefined;
    return new Set([...parts?.keys() ?? []].map((id) => partOf(id).partition)).size;
  }

  /** @param copies of the keys in question; undefined for as many as the layout says */
  isFilling(partition: number, copies?: number): boolean {
    if (!this.#isActive) return false;
    return this.#parts()?.has(partId({ partition, copies: copies ?? 0 })) === true;
  }

  /**
   * Parts that are to be compared with another owner, `limit` of them at the most; undefined if that is not known,
   * or nothing is to be filled.
   */
  lackedFrom(node: string, limit = Infinity): ReadonlySet<PartId> | undefined {
    const parts = this.#isActive ? this.#parts() : undefined;
    if (parts === undefined) return undefined;
    const lacked = new Set<PartId>();
    for (const [id, gap] of parts) {
      if (lacked.size >= limit) break;
      const part = partOf(id);
      const helps = [...gap.sources].some((count) => {
        return this.#sourcesOf(part, count).includes(node) && !this.#isEnoughOf(part, gap, count);
      });
      if (helps && !gap.compared.has(node)) lacked.add(id);
    }
    return lacked;
  }

  /**
   * Why this node cannot answer for some keys.
   *
   * @param copies how many they have; undefined for as many as the layout says
   */
  problem(partition: number, copies: number | undefined): DenamoError | undefined {
    if (!this.isFilling(partition, copies)) return undefined;
    const message = `${this.#options.self} lacks data and is filling partition ${partition}`;
    return new DenamoError("not_ready", "no", message);
  }

  /**
   * All that another owner holds of these parts is here as well.
   *
   * @param epoch {@linkcode Filling.epoch} when the comparison began
   */
  comparedWith(node: string, ids: Iterable<PartId>, epoch = this.#epoch): void {
    const parts = this.#isActive ? this.#parts() : undefined;
    if (parts === undefined || epoch !== this.#epoch) return;
    for (const id of ids) {
      const gap = parts.get(id);
      if (gap === undefined) continue;
      gap.compared.add(node);
      if (this.#isEnough(partOf(id), gap)) parts.delete(id);
    }
    this.#endIfFilled();
    this.#keep();
  }

  #begin(): void {
    this.#epoch++;
    this.#isActive = true;
    this.onBegin();
    this.#keep();
  }

  #endIfFilled(): void {
    if (!this.#isActive || this.#isAll || this.#gaps.size > 0) return;
    this.#isActive = this.#hasForgotten = this.#isLoaded = false;
    this.#options.log.info("This node has filled its copies");
  }

  /** What is to be filled; undefined until the layout is known. */
  #parts(): Map<PartId, Gap> | undefined {
    if (!this.#isAll) return this.#gaps;
    const { namespaces, placement, self } = this.#options;
    const current = placement();
    if (current === undefined) return undefined;
    this.#isAll = false;
    const known = this.#gaps;
    this.#gaps = new Map();
    for (const copies of namespaces.copies()) {
      for (const partition of current.partitionsOf(self, copies || undefined)) {
        const { compared, sources } = known.get(partId({ partition, copies })) ?? NO_GAP;
        const all = new Set([...sources, copies || current.layout.replication]);
        this.#set({ partition, copies }, { sources: all, compared: new Set(compared) });
      }
    }
    return this.#gaps;
  }

  /** Takes note of a part; false if it has been compared with enough already. */
  #set(part: Part, gap: Gap): boolean {
    if (this.#isEnough(part, gap)) return false;
    this.#gaps.set(partId(part), gap);
    return true;
  }

  #isEnough(part: Part, gap: Gap): boolean {
    for (const count of gap.sources) if (!this.#isEnoughOf(part, gap, count)) return false;
    return true;
  }

  /** Whether one of those that it was compared with has every write that a majority of `count` owners acknowledged. */
  #isEnoughOf(part: Part, { compared }: Gap, count: number): boolean {
    const others = this.#sourcesOf(part, count);
    const seen = others.filter((node) => compared.has(node)).length;
    const among = Math.min(count, this.#ownersOf(part).length);
    return seen >= Math.min(others.length, Math.ceil(among / 2));
  }

  /** The others among the first owners of a part: those that had its keys when they had `count` copies. */
  #sourcesOf(part: Part, count: number): string[] {
    const { self } = this.#options;
    return this.#ownersOf(part).slice(0, count).filter((node) => node !== self);
  }

  #ownersOf({ copies, partition }: Part): readonly string[] {
    return this.#options.placement()!.ownersFor(partition, copies || undefined);
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
      const { log } = this.#options;
      log.warn("Cannot note whether this node is filling", { error: messageOf(error) });
    }).finally(() => this.#isKeeping = false);
  }

  async #keepAll(): Promise<void> {
    const { namespaces, storage } = this.#options;
    while (this.#hasChanged) {
      this.#hasChanged = false;
      const state = {
        copies: namespaces.copiesByPrefix(),
        isAll: this.#isAll,
        gaps: this.#gaps as Gaps,
      };
      await storage.setMeta(FILLING_META, isPlain(state) ? undefined : writeFilling(state));
    }
  }
}

const NO_GAP: Gap = { sources: new Set(), compared: new Set() };
