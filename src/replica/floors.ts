// The floor of a partition: the time up to which its owners have seen everything that was ever written to it.
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
// While owners are compared, a watch notes whether anything from below has come in all the same.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import type { HybridTime } from "../causality/dot.ts";
import type { HybridClock } from "../causality/hybrid_clock.ts";
import type { DataObject } from "../crdt/data_object.ts";
import { bringsUnseen } from "../crdt/forgetting.ts";
import type { Storage } from "../storage/storage.ts";

export const FLOORS_META = "floors";

interface Marks {
  readonly floor: HybridTime;
  readonly fence: HybridTime;
}

const NO_MARKS: Marks = { floor: 0, fence: 0 };

export class Floors {
  readonly #storage: Storage<DataObject>;
  readonly #clock: HybridClock;
  #promised: HybridTime = 0;
  /** What of it is kept: nobody is told of more. */
  #promisedOnDisk: HybridTime = 0;
  #marks = new Map<number, Marks>();
  /** By partition, up to when nothing unseen may come in if what is compared now is to count. */
  readonly #watched = new Map<number, HybridTime>();
  #lossCount = 0;

  constructor(storage: Storage<DataObject>, clock: HybridClock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** Reads what earlier runs have promised. @throws {CorruptError} */
  async load(): Promise<void> {
    const bytes = await this.#storage.getMeta(FLOORS_META);
    if (bytes === undefined) return;
    const { marks, promised } = readFloors(bytes);
    this.#marks = marks;
    this.#promised = this.#promisedOnDisk = promised;
    this.#clock.raise(promised);
  }

  /** 0 if nothing is known. */
  floorOf(partition: number): HybridTime {
    return (this.#marks.get(partition) ?? NO_MARKS).floor;
  }

  fenceOf(partition: number): HybridTime {
    return (this.#marks.get(partition) ?? NO_MARKS).fence;
  }

  /** The partitions with a fence above the floor. */
  fenced(): number[] {
    return [...this.#marks].filter(([, { fence, floor }]) => fence > floor).map(([it]) => it);
  }

  /** Draws no dot up to `upTo` from now on; false if the clock of this node has not come so far. */
  async promise(upTo: HybridTime): Promise<boolean> {
    if (upTo >= this.#clock.reading()) return false;
    this.#clock.raise(upTo);
    if (upTo <= this.#promisedOnDisk) return true;
    this.#promised = Math.max(this.#promised, upTo);
    await this.#keep();
    this.#promisedOnDisk = Math.max(this.#promisedOnDisk, upTo);
    return true;
  }

  /** Notes from now on whether anything unseen from up to `upTo` comes in. */
  watch(partition: number, upTo: HybridTime): void {
    this.#watched.set(partition, upTo);
  }

  /** Whether nothing has come in, and nothing was lost, since {@linkcode Floors.watch} with this time. */
  isQuiet(partition: number, upTo: HybridTime): boolean {
    return this.#watched.get(partition) === upTo;
  }

  /**
   * What another node sends, not in a comparison, is about to be merged: false if it must not be, since
   * it brings what is below the fence and not here.
   */
  admits(partition: number, held: DataObject, incoming: DataObject): boolean {
    if (bringsUnseen(held, incoming, this.fenceOf(partition))) return false;
    const watched = this.#watched.get(partition);
    if (watched !== undefined && bringsUnseen(held, incoming, watched)) {
      this.#watched.delete(partition);
    }
    return true;
  }

  /** This copy may have lost something: what is compared now does not count. */
  mayHaveLost(partition: number): void {
    this.#lossCount++;
    this.#watched.delete(partition);
  }

  /** Puts the fence at `upTo`. Resolves with those of the partitions that are quiet, once the disk has it. */
  async fence(partitions: readonly number[], upTo: HybridTime): Promise<number[]> {
    const quiet = partitions.filter((partition) => this.isQuiet(partition, upTo));
    await this.#change(quiet.map((partition) => [partition, { floor: 0, fence: upTo }]));
    return quiet.filter((partition) => this.isQuiet(partition, upTo));
  }

  /**
   * The owners of these partitions have agreed upon these floors. Resolves with the partitions whose floor has
   * risen here, on the disk: this node must have had the fence there, or be the same as a node that had.
   */
  async raise(floors: ReadonlyMap<number, HybridTime>): Promise<number[]> {
    const raised = [...floors].filter(([partition, floor]) => floor > this.floorOf(partition));
    await this.#change(raised.map(([partition, floor]) => [partition, { floor, fence: floor }]));
    return raised.map(([partition]) => partition);
  }

  /** How often this copy might have lost something since the start. */
  get lossCount(): number {
    return this.#lossCount;
  }

  /**
   * This copy has seen all that a node has which has these floors. Resolves with the partitions whose floor has
   * risen here; none if this copy may have lost something since the comparison began.
   *
   * @param losses {@linkcode Floors.lossCount} when it began
   */
  async adopt(floors: ReadonlyMap<number, HybridTime>, losses: number): Promise<number[]> {
    if (losses !== this.#lossCount) return [];
    // What was taken in the comparison must be on the disk before the floor that speaks of it.
    await this.#keep();
    return losses === this.#lossCount ? await this.raise(floors) : [];
  }

  /** Takes back fences of which nothing came; see floor_rounds.ts for when that is certain. */
  async release(partitions: readonly number[]): Promise<void> {
    const fenced = partitions.filter((partition) => {
      return this.fenceOf(partition) > this.floorOf(partition);
    });
    if (fenced.length === 0) return;
    for (const partition of fenced) {
      const floor = this.floorOf(partition);
      this.#marks.set(partition, { floor, fence: floor });
    }
    await this.#keep();
  }

  /** Raises marks, in memory at once; if the disk fails they are what they were. */
  async #change(marks: readonly (readonly [number, Marks])[]): Promise<void> {
    if (marks.length === 0) return;
    const changes = marks.map(([partition, { floor, fence }]) => {
      const before = this.#marks.get(partition) ?? NO_MARKS;
      const after = {
        floor: Math.max(before.floor, floor),
        fence: Math.max(before.fence, fence),
      };
      this.#marks.set(partition, after);
      return { partition, before, after };
    });
    try {
      await this.#keep();
    } catch (error) {
      for (const { partition, before, after } of changes) {
        if (this.#marks.get(partition) === after) this.#marks.set(partition, before);
      }
      throw error;
    }
  }

  #keep(): Promise<void> {
    const writer = new ByteWriter(16 + 16 * this.#marks.size);
    writer.integer(this.#promised);
    writer.integer(this.#marks.size);
    for (const [partition, { floor, fence }] of this.#marks) {
      writer.integer(partition);
      writer.integer(floor);
      writer.integer(fence - floor);
    }
    return this.#storage.setMeta(FLOORS_META, writer.finish());
  }
}

/** What a disk knows of floors. @throws {MalformedError} */
export function readFloors(
  bytes: Uint8Array,
): { readonly promised: HybridTime; readonly marks: Map<number, Marks> } {
  const reader = new ByteReader(bytes, "floors");
  const promised = reader.integer();
  const marks = new Map<number, Marks>();
  for (let left = reader.integer(); left > 0; left--) {
    const partition = reader.integer();
    const floor = reader.integer();
    marks.set(partition, { floor, fence: floor + reader.integer() });
  }
  reader.end();
  return { promised, marks };
}
