// What a node does for whoever raises the floors of partitions; see floor_rounds.ts.

import { type HybridTime, MAX_TIME } from "../causality/dot.ts";
import { Arguments } from "../wire/arguments.ts";
import { DenamoError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { type IncomingRequest, METHODS } from "../wire/message_codec.ts";
import type { Actors } from "./actors.ts";
import { type Cluster, type CurrentLayout, layoutOf } from "./cluster.ts";
import type { Floors } from "./floors.ts";
import type { Forgetting } from "./forgetting.ts";
import type { HandOff } from "./hand_off.ts";
import type { Replica } from "./replica.ts";

/** By partition, a floor: 0 if there is none. */
export type FloorTable = ReadonlyMap<number, HybridTime>;

export interface FloorServiceOptions {
  readonly cluster: Cluster;
  readonly replica: Replica;
  readonly actors: Actors;
  readonly floors: Floors;
  readonly handOff: HandOff;
  readonly forgetting: Forgetting;
}

export class FloorService {
  readonly #options: FloorServiceOptions;

  constructor(options: FloorServiceOptions) {
    this.#options = options;
  }

  /** Begins to answer. */
  register(): void {
    const { rpc } = this.#options.cluster;
    rpc.serve(METHODS.promiseFloor, async (request) => {
      const args = this.#begin(request);
      return [pairsOf(await this.promise(args.count(MAX_TIME), partitionsIn(args)))];
    });
    rpc.serve(METHODS.keptBelow, async (request) => {
      return [await this.kept(tableIn(this.#begin(request)))];
    });
    rpc.serve(METHODS.fence, async (request) => {
      const args = this.#begin(request);
      return [await this.fence(args.count(MAX_TIME), partitionsIn(args))];
    });
    rpc.serve(METHODS.raiseFloor, async (request) => {
      const args = this.#begin(request);
      const upTo = args.count(MAX_TIME);
      const partitions = partitionsIn(args);
      const names = new Arguments(args.list(LIMITS.layoutMemberCount), "floor message");
      const without: string[] = [];
      while (!names.isAtEnd) without.push(names.text(LIMITS.nodeName));
      await this.raise(upTo, partitions, without);
      return [];
    });
  }

  /**
   * Draws no dot up to `upTo` from now on, and watches what comes in. Resolves with those of the partitions to
   * which this node has no earlier write under way, each with its present floor.
   *
   * @throws {DenamoError} if this node cannot promise that
   */
  async promise(upTo: HybridTime, partitions: readonly number[]): Promise<FloorTable> {
    const { actors, cluster, floors, replica } = this.#options;
    const problem = replica.writeProblem();
    if (problem !== undefined) throw problem;
    if (!await floors.promise(upTo)) {
      throw new DenamoError("clock_skew", "no", `The clock of ${cluster.self} is behind`);
    }
    const table = new Map<number, HybridTime>();
    for (const partition of partitions) {
      if (actors.hasOpen(partition, upTo) || this.#isFilling(partition)) continue;
      floors.watch(partition, upTo);
      table.set(partition, floors.floorOf(partition));
    }
    return table;
  }

  /**
   * Which of these partitions this node keeps something of for others.
   *
   * @param highest by partition, the highest floor of all its owners: fences above it led nowhere
   */
  async kept(highest: FloorTable): Promise<number[]> {
    const { floors, handOff } = this.#options;
    const passed = new Map([...highest].filter(([partition, floor]) => {
      return floor <= floors.fenceOf(partition);
    }));
    this.#raised(await floors.raise(passed));
    await floors.release([...passed.keys()]);
    return [...highest.keys()].filter((partition) => handOff.mayKeep(partition));
  }

  /** Resolves with those of the partitions that have stayed quiet, their fence at `upTo`. */
  async fence(upTo: HybridTime, partitions: readonly number[]): Promise<number[]> {
    const { floors } = this.#options;
    const fenced = await floors.fence(partitions, upTo);
    return fenced.filter((partition) => !this.#isFilling(partition));
  }

  /** All owners have their fence at `floor`, but for members that are left out. */
  async raise(
    floor: HybridTime,
    partitions: readonly number[],
    without: readonly string[],
  ): Promise<void> {
    const { floors } = this.#options;
    const fenced = partitions.filter((partition) => floors.fenceOf(partition) >= floor);
    const table = new Map(fenced.map((partition) => [partition, floor]));
    this.#raised(await floors.raise(table, without));
  }

  #raised(partitions: readonly number[]): void {
    this.#options.forgetting.begin(partitions);
  }

  #isFilling(partition: number): boolean {
    return this.#options.cluster.fillingProblem(partition) !== undefined;
  }

  #begin(request: IncomingRequest): Arguments {
    const { cluster } = this.#options;
    const args = new Arguments(request.arguments, "floor request");
    const id = args.text();
    const { encoded, layout }: CurrentLayout = layoutOf(cluster);
    if (layout.id === id) return args;
    throw new DenamoError("wrong_layout", "no", `${cluster.self} has layout ${layout.id}`, {
      layout: encoded,
    });
  }
}

/** A list of partitions, as it travels. */
export function partitionsIn(args: Arguments): number[] {
  const list = new Arguments(args.list(LIMITS.partitionCount), "floor message");
  const partitions: number[] = [];
  while (!list.isAtEnd) partitions.push(list.count(LIMITS.partitionCount - 1));
  return partitions;
}

/** A table as it travels: a partition, its floor, and so on. */
export function pairsOf(table: FloorTable): number[] {
  return [...table].flat();
}

export function tableIn(args: Arguments): Map<number, HybridTime> {
  const list = new Arguments(args.list(2 * LIMITS.partitionCount), "floor message");
  const table = new Map<number, HybridTime>();
  while (!list.isAtEnd) table.set(list.count(LIMITS.partitionCount - 1), list.count(MAX_TIME));
  return table;
}
