// The floor of a part: the time up to which its owners have seen everything that was ever written to it.
//
// What arrives from below the floor and is not here was seen before, and replaced: it is recognised without any
// trace of it. So below the floor tombstones need not be kept (see crdt/forgetting.ts). How owners agree upon
// a floor stands in floor_rounds.ts; here is what one node knows and has promised of it, on its disk:
//
//   promised   this node draws no dot up to here, in no partition, in this run or a later one
//   fence      a peer is about to raise the floor to here: nothing from below that is unseen here may come
//              in any more, except by comparing with another owner
//   floor      all owners had the fence here, and were the same
//
// Only owners have fences and floors. While owners are compared, a watch notes whether anything from below has come
// in all the same.
//
// A member that was away for too long is left out: floors have been raised without it, so what its disk holds may
// have been forgotten by all others, or never seen by them. It is not let in before it has emptied its copies.
//
// Other namespaces, or other numbers of copies, make other owners. Of a part that keys come to by that no floor counts
// any more: nobody has compared the copies of its owners.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { type HybridTime, MAX_FLOOR } from "../causality/dot.ts";
import type { HybridClock } from "../causality/hybrid_clock.ts";
import type { DataObject } from "../crdt/data_object.ts";
import { bringsUnseen } from "../crdt/forgetting.ts";
import type { Storage } from "../storage/storage.ts";
import { type PartId, partOf } from "./parts.ts";

export const FLOORS_META = "floors";

interface Marks {
  readonly floor: HybridTime;
  readonly fence: HybridTime;
}

const NO_MARKS: Marks = { floor: 0, fence: 0 };

export class Floors {
  readonly #storage: Storage<DataObject>;
  readonly #clock: HybridClock;
  /** What decides who owns what: a digest of the namespaces. */
  readonly #settings: () => string;
  #promised: HybridTime = 0;
  #marks = new Map<PartId, Marks>();
  /** Members without which floors were raised, or may be, each with the highest of these. */
  #leftOut = new Map<string, HybridTime>();
  /** The highest floor that others have raised without this node, and that to which it has emptied its copies. */
  #missed: HybridTime = 0;
  #emptied: HybridTime = 0;
  /** By part, up to when nothing unseen may come in if what is compared now is to count. */
  readonly #watched = new Map<PartId, HybridTime>();
  /** By part and owner, floors that were told here and are above the fence. */
  readonly #told = new Map<PartId, Map<string, HybridTime>>();
  #lossCount = 0;
  /** Resolves when the disk has all that is known so far. */
  #kept: Promise<void> = Promise.resolve();

  constructor(storage: Storage<DataObject>, clock: HybridClock, settings = () => "") {
    this.#storage = storage;
    this.#clock = clock;
    this.#settings = settings;
  }

  /** Reads what earlier runs have promised. @throws {CorruptError} */
  async load(): Promise<void> {
    const bytes = await this.#storage.getMeta(FLOORS_META);
    if (bytes === undefined) return;
    const { emptied, leftOut, marks, missed, promised, settings } = readFloors(bytes);
    if (settings === this.#settings()) this.#marks = marks;
    this.#leftOut = leftOut;
    this.#missed = missed;
    this.#emptied = emptied;
    this.#promised = promised;
    this.#clock.raise(promised);
  }

  /**
   * Other namespaces are in force from now on: what is known of the parts with these numbers of copies, to which keys
   * have come, counts no longer, nor does any comparison under way. Resolves when the disk has it.
   */
  async resettle(gained: readonly number[]): Promise<void> {
    for (const part of this.#marks.keys()) {
      if (gained.includes(partOf(part).copies)) this.#marks.delete(part);
    }
    this.#watched.clear();
    this.#told.clear();
    this.#lossCount++;
    await this.#keep();
  }

  /** 0 if nothing is known. */
  floorOf(part: PartId): HybridTime {
    return (this.#marks.get(part) ?? NO_MARKS).floor;
  }

  fenceOf(part: PartId): HybridTime {
    return (this.#marks.get(part) ?? NO_MARKS).fence;
  }

  /** The parts with a fence above the floor. */
  fenced(): PartId[] {
    return [...this.#marks].filter(([, { fence, floor }]) => fence > floor).map(([it]) => it);
  }

  /**
   * Draws no dot up to `upTo` from now on; false if the clock of this node has not come so far.
   *
   * @param without members that are left out if the floor is raised
   */
  async promise(upTo: HybridTime, without: readonly string[] = []): Promise<boolean> {
    if (upTo >= this.#clock.reading()) return false;
    this.#clock.raise(upTo);
    for (const node of without) {
      this.#leftOut.set(node, Math.max(this.#leftOut.get(node) ?? 0, upTo));
    }
    if (upTo <= this.#promised && without.length === 0) {
      await this.#kept;
      return true;
    }
    const before = this.#promised;
    this.#promised = Math.max(before, upTo);
    try {
      await this.#keep();
    } catch (error) {
      if (this.#promised === upTo) this.#promised = before;
      throw error;
    }
    return true;
  }

  /** Notes from now on whether anything unseen from up to `upTo` comes in. */
  watch(part: PartId, upTo: HybridTime): void {
    this.#watched.set(part, upTo);
  }

  /** Whether nothing has come in, and nothing was lost, since {@linkcode Floors.watch} with this time. */
  isQuiet(part: PartId, upTo: HybridTime): boolean {
    return this.#watched.get(part) === upTo;
  }

  /**
   * What another node sends, not in a comparison, is about to be merged: false if it must not be, since
   * it brings what is below the fence and not here.
   */
  admits(part: PartId, held: DataObject, incoming: DataObject): boolean {
    if (bringsUnseen(held, incoming, this.fenceOf(part))) return false;
    const watched = this.#watched.get(part);
    if (watched !== undefined && bringsUnseen(held, incoming, watched)) {
      this.#watched.delete(part);
    }
    return true;
  }

  /** The copy of a partition may have lost something: what is compared now does not count. */
  mayHaveLost(partition: number): void {
    this.#lossCount++;
    for (const part of this.#watched.keys()) {
      if (partOf(part).partition === partition) this.#watched.delete(part);
    }
  }

  /** How often this copy might have lost something since the start. */
  get lossCount(): number {
    return this.#lossCount;
  }

  /** Puts the fence at `upTo`. Resolves with those of the parts that are quiet, once the disk has it. */
  async fence(parts: readonly PartId[], upTo: HybridTime): Promise<PartId[]> {
    const quiet = parts.filter((part) => this.isQuiet(part, upTo));
    await this.#change(quiet.map((part) => [part, { floor: 0, fence: upTo }]));
    return quiet.filter((part) => this.isQuiet(part, upTo));
  }

  /**
   * The owners of these parts have agreed upon these floors. Resolves with the parts whose floor has risen here, on
   * the disk: this node must have had the fence there, or be the same as a node that had.
   */
  async raise(floors: ReadonlyMap<PartId, HybridTime>): Promise<PartId[]> {
    const raised = [...floors].filter(([part, floor]) => floor > this.floorOf(part));
    await this.#change(raised.map(([part, floor]) => [part, { floor, fence: floor }]));
    return raised.map(([part]) => part);
  }

  /** Another owner was asked, and has told its floor of a part. */
  hear(part: PartId, owner: string, floor: HybridTime): void {
    if (floor <= this.fenceOf(part)) return;
    let told = this.#told.get(part);
    if (told === undefined) this.#told.set(part, told = new Map());
    told.set(owner, floor);
  }

  /**
   * As much of a floor that another owner has told as there is reason to believe. All owners agree to a floor before it
   * is one, so up to its own fence this owner knows it for itself. Above it, so much is believed as a majority of the
   * other owners have told by now, each when it was compared with. What one of them says alone takes nothing away, but
   * from a copy that has forgotten: until it is filled, whatever it holds alone is the word of an old disk.
   *
   * @param others the other owners of the part
   * @param isFilling whether this copy has forgotten data of the part
   */
  believed(
    part: PartId,
    floor: HybridTime,
    others: readonly string[],
    isFilling: boolean,
  ): HybridTime {
    const fence = this.fenceOf(part);
    if (floor <= fence || isFilling) return floor;
    const told = this.#told.get(part);
    const floors = others.map((owner) => told?.get(owner) ?? 0).sort((a, b) => b - a);
    return Math.min(floor, Math.max(fence, floors[Math.floor(floors.length / 2)] ?? 0));
  }

  /**
   * This copy has seen all that a node has which has these floors. Resolves with the parts whose floor has risen
   * here; none if this copy may have lost something since the comparison began.
   *
   * @param losses {@linkcode Floors.lossCount} when it began
   */
  async adopt(floors: ReadonlyMap<PartId, HybridTime>, losses: number): Promise<PartId[]> {
    if (losses !== this.#lossCount) return [];
    // What was taken in the comparison must be on the disk before the floor that speaks of it.
    await this.#keep();
    return losses === this.#lossCount ? await this.raise(floors) : [];
  }

  /** Takes back fences of which nothing came; see floor_rounds.ts for when that is certain. */
  async release(parts: readonly PartId[]): Promise<void> {
    const fenced = parts.filter((part) => this.fenceOf(part) > this.floorOf(part));
    if (fenced.length === 0) return;
    for (const part of fenced) {
      const floor = this.floorOf(part);
      this.#marks.set(part, { floor, fence: floor });
    }
    await this.#keep();
  }

  /** Members that are left out until they have emptied their copies. */
  get leftOut(): ReadonlySet<string> {
    return new Set(this.#leftOut.keys());
  }

  /** The highest floor that was raised without a node which is left out; undefined if it is not. */
  missedBy(node: string): HybridTime | undefined {
    return this.#leftOut.get(node);
  }

  /** A node that was left out has emptied its copies. */
  async takeBack(node: string): Promise<void> {
    if (this.#leftOut.delete(node)) await this.#keep();
  }

  /** The highest floor that was raised without this node and does not matter, since its copies were empty then. */
  get emptied(): HybridTime {
    return this.#emptied;
  }

  /** The highest floor that others have raised without this node; 0 if there is none. */
  get missedUpTo(): HybridTime {
    return this.#missed;
  }

  /** Whether this node must empty its copies before it talks to anybody. */
  get mustEmpty(): boolean {
    return this.#missed > this.#emptied;
  }

  /** Others have raised floors up to `upTo` without this node; false if its copies have been empty since. */
  async miss(upTo: HybridTime): Promise<boolean> {
    if (upTo <= this.#emptied) return false;
    this.#missed = Math.max(this.#missed, upTo);
    await this.#keep();
    return true;
  }

  /** The copies of this node are empty: no floor speaks of them. */
  async haveEmptied(): Promise<void> {
    this.#marks.clear();
    this.#emptied = this.#missed;
    await this.#keep();
  }

  /** Raises marks, in memory at once; if the disk fails they are what they were. */
  async #change(marks: readonly (readonly [PartId, Marks])[]): Promise<void> {
    if (marks.length === 0) return;
    const changes = marks.map(([part, { floor, fence }]) => {
      const before = this.#marks.get(part) ?? NO_MARKS;
      const after = {
        floor: Math.max(before.floor, floor),
        fence: Math.max(before.fence, fence),
      };
      this.#marks.set(part, after);
      return { part, before, after };
    });
    try {
      await this.#keep();
    } catch (error) {
      for (const { part, before, after } of changes) {
        if (this.#marks.get(part) === after) this.#marks.set(part, before);
      }
      throw error;
    }
  }

  #keep(): Promise<void> {
    const bytes = writeFloors({
      settings: this.#settings(),
      promised: this.#promised,
      missed: this.#missed,
      emptied: this.#emptied,
      leftOut: this.#leftOut,
      marks: this.#marks,
    });
    const kept = this.#storage.setMeta(FLOORS_META, bytes);
    this.#kept = kept;
    return kept;
  }
}

/** All that a disk knows of floors; see {@linkcode Floors}. */
export interface StoredFloors {
  readonly settings: string;
  readonly promised: HybridTime;
  readonly missed: HybridTime;
  readonly emptied: HybridTime;
  readonly leftOut: Map<string, HybridTime>;
  readonly marks: Map<PartId, Marks>;
}

export function writeFloors(floors: StoredFloors): Uint8Array<ArrayBuffer> {
  const { emptied, leftOut, marks, missed, promised, settings } = floors;
  const writer = new ByteWriter(64 + 16 * marks.size);
  writer.text(settings);
  writer.integer(promised);
  writer.integer(missed);
  writer.integer(emptied);
  writer.integer(leftOut.size);
  for (const [node, upTo] of leftOut) {
    writer.text(node);
    writer.integer(upTo);
  }
  writer.integer(marks.size);
  for (const [part, { floor, fence }] of marks) {
    writer.integer(part);
    writer.integer(floor);
    writer.integer(fence - floor);
  }
  return writer.finish();
}

/** @throws {MalformedError} */
export function readFloors(bytes: Uint8Array): StoredFloors {
  const reader = new ByteReader(bytes, "floors");
  const settings = reader.text();
  const promised = floorIn(reader);
  const missed = floorIn(reader);
  const emptied = floorIn(reader);
  const leftOut = new Map<string, HybridTime>();
  for (let left = reader.count(2); left > 0; left--) {
    const node = reader.text();
    if (leftOut.has(node)) throw reader.malformed("a node is named twice");
    leftOut.set(node, floorIn(reader));
  }
  const marks = new Map<PartId, Marks>();
  for (let left = reader.count(3); left > 0; left--) {
    const part = reader.integer();
    if (marks.has(part)) throw reader.malformed("a part is named twice");
    const floor = floorIn(reader);
    const fence = floor + reader.integer();
    if (fence > MAX_FLOOR) throw reader.malformed("a fence is too late");
    marks.set(part, { floor, fence });
  }
  reader.end();
  return { settings, promised, missed, emptied, leftOut, marks };
}

function floorIn(reader: ByteReader): HybridTime {
  const floor = reader.integer();
  if (floor > MAX_FLOOR) throw reader.malformed("a floor is too late");
  return floor;
}
