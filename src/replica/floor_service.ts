// What a node does for whoever raises the floors of partitions; see floor_rounds.ts.

import { MalformedError } from "../base/malformed.ts";
import { type HybridTime, MAX_FLOOR } from "../causality/dot.ts";
import type { PeerId } from "../ports/network.ts";
import { Arguments } from "../wire/arguments.ts";
import { DenamoError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { type IncomingRequest, METHODS } from "../wire/message_codec.ts";
import type { Actors } from "./actors.ts";
import { type Cluster, layoutOf } from "./cluster.ts";
import type { Floors } from "./floors.ts";
import type { Forgetting } from "./forgetting.ts";
import type { HandOff } from "./hand_off.ts";
import type { Namespaces } from "./namespaces.ts";
import { checkOwnsAll } from "./owners_only.ts";
import { PART_ID_MAX, type PartId, partOf } from "./parts.ts";
import type { Replica } from "./replica.ts";

/** By part, a floor: 0 if there is none. */
export type FloorTable = ReadonlyMap<PartId, HybridTime>;

export interface FloorServiceOptions {
  readonly cluster: Cluster;
  readonly replica: Replica;
  readonly actors: Actors;
  readonly floors: Floors;
  readonly handOff: HandOff;
  readonly forgetting: Forgetting;
  readonly namespaces: Namespaces;
  /** After how long a member that is down may be left out, in milliseconds. */
  readonly maxAbsenceMs: number;
}

export class FloorService {
  readonly #options: FloorServiceOptions;

  constructor(options: FloorServiceOptions) {
    this.#options = options;
  }

  /** Begins to answer. */
  register(): void {
    const { rpc } = this.#options.cluster;
    rpc.serve(METHODS.promiseFloor, async (request, from) => {
      const args = this.#begin(request);
      const [upTo, parts] = [args.count(MAX_FLOOR), partsIn(args)];
      this.#checkAsker(from, parts);
      return [pairsOf(await this.promise(upTo, parts, namesIn(args)))];
    });
    rpc.serve(METHODS.keptBelow, async (request, from) => {
      const highest = tableIn(this.#begin(request));
      this.#checkAsker(from, [...highest.keys()]);
      return [await this.kept(highest)];
    });
    rpc.serve(METHODS.fence, async (request, from) => {
      const args = this.#begin(request);
      const [upTo, parts] = [args.count(MAX_FLOOR), partsIn(args)];
      this.#checkAsker(from, parts);
      return [await this.fence(upTo, parts)];
    });
    rpc.serve(METHODS.raiseFloor, async (request, from) => {
      const args = this.#begin(request);
      const [floor, parts] = [args.count(MAX_FLOOR), partsIn(args)];
      this.#checkAsker(from, parts);
      await this.raise(floor, parts);
      return [];
    });
  }

  /**
   * Draws no dot up to `upTo` from now on, and watches what comes in. Resolves with those of the parts to which this
   * node has no earlier write under way, each with its present floor.
   *
   * @param without members that have no part in it, as they have been away for too long
   * @throws {DenamoError} if this node cannot promise that
   */
  async promise(
    upTo: HybridTime,
    parts: readonly PartId[],
    without: readonly string[],
  ): Promise<FloorTable> {
    const { actors, cluster, floors, replica } = this.#options;
    const problem = replica.writeProblem() ?? this.#problemOf(without);
    if (problem !== undefined) throw problem;
    if (!await floors.promise(upTo, without)) {
      throw new DenamoError("clock_skew", "no", `The clock of ${cluster.self} is behind`);
    }
    const table = new Map<PartId, HybridTime>();
    for (const part of parts) {
      const { partition } = partOf(part);
      if (actors.hasOpen(partition, upTo) || this.#isFilling(part)) continue;
      if (!await replica.settleDoubts(partition)) continue;
      floors.watch(part, upTo);
      table.set(part, floors.floorOf(part));
    }
    return table;
  }

  /**
   * Which of these parts this node keeps something of for others.
   *
   * @param highest by part, the highest floor of all its owners: fences above it led nowhere
   */
  async kept(highest: FloorTable): Promise<PartId[]> {
    const { floors, handOff } = this.#options;
    const passed = new Map([...highest].filter(([part, floor]) => floor <= floors.fenceOf(part)));
    this.#raised(await floors.raise(passed));
    await floors.release([...passed.keys()]);
    return [...highest.keys()].filter((part) => handOff.mayKeep(partOf(part).partition));
  }

  /** Resolves with those of the parts that have stayed quiet, their fence at `upTo`. */
  async fence(upTo: HybridTime, parts: readonly PartId[]): Promise<PartId[]> {
    const fenced = await this.#options.floors.fence(parts, upTo);
    return fenced.filter((part) => !this.#isFilling(part));
  }

  /** All owners have their fence at `floor`, but for members that are left out. */
  async raise(floor: HybridTime, parts: readonly PartId[]): Promise<void> {
    const { floors } = this.#options;
    const fenced = parts.filter((part) => floors.fenceOf(part) >= floor);
    this.#raised(await floors.raise(new Map(fenced.map((part) => [part, floor]))));
  }

  /**
   * Why these members cannot be left out: whoever is will have to empty its copies. So nobody is on one node's word, but
   * only after each of the others has itself missed it for long enough, and no more than one at a time.
   */
  #problemOf(without: readonly string[]): DenamoError | undefined {
    const { cluster, floors, maxAbsenceMs } = this.#options;
    const { placement } = layoutOf(cluster);
    const present = without.find((node) => cluster.downForMs(node) <= maxAbsenceMs);
    if (present !== undefined) {
      const message = `${cluster.self} has not missed ${present} for long enough`;
      return new DenamoError("not_ready", "no", message);
    }
    if (without.length > 1 || !without.every((node) => placement.members.has(node))) {
      const message = `Nothing is forgotten without ${without.join(", ")}`;
      return new DenamoError("not_allowed", "no", message);
    }
    const others = [...floors.leftOut].filter((node) => !without.includes(node));
    if (others.length === 0) return undefined;
    const message = `${others.join(", ")} must come back before anything else is forgotten`;
    return new DenamoError("not_ready", "no", message);
  }

  #raised(parts: readonly PartId[]): void {
    this.#options.forgetting.begin(parts);
  }

  #isFilling(part: PartId): boolean {
    const { copies, partition } = partOf(part);
    return this.#options.cluster.fillingProblem(partition, copies || undefined) !== undefined;
  }

  /** Only owners of all of these parts may ask about them. @throws {DenamoError | MalformedError} */
  #checkAsker(from: PeerId, parts: readonly PartId[]): void {
    const { cluster, namespaces } = this.#options;
    const { layout, placement } = layoutOf(cluster);
    const numbers = new Set(namespaces.copies());
    for (const part of parts) {
      const { copies, partition } = partOf(part);
      if (numbers.has(copies) && partition < layout.partitions) continue;
      throw new MalformedError("floor request", `${part} is not a part`);
    }
    checkOwnsAll(placement, cluster.nodeOf(from), parts);
  }

  #begin(request: IncomingRequest): Arguments {
    const { cluster, replica } = this.#options;
    const args = new Arguments(request.arguments, "floor request");
    const id = args.text();
    const { layout } = layoutOf(cluster);
    const own = replica.partsId(layout.id);
    if (own === id) return args;
    throw new DenamoError("wrong_layout", "no", `${cluster.self} has layout ${own}`, {
      layoutId: layout.id,
    });
  }
}

/** A list of parts, as it travels. */
export function partsIn(args: Arguments): PartId[] {
  const list = new Arguments(args.list(LIMITS.partitionCount), "floor message");
  const parts: PartId[] = [];
  while (!list.isAtEnd) parts.push(list.count(PART_ID_MAX));
  return parts;
}

/** A table as it travels: a part, its floor, and so on. */
export function pairsOf(table: FloorTable): number[] {
  return [...table].flat();
}

export function tableIn(args: Arguments): Map<PartId, HybridTime> {
  const list = new Arguments(args.list(2 * LIMITS.partitionCount), "floor message");
  const table = new Map<PartId, HybridTime>();
  while (!list.isAtEnd) table.set(list.count(PART_ID_MAX), list.count(MAX_FLOOR));
  return table;
}

function namesIn(args: Arguments): string[] {
  const list = new Arguments(args.list(LIMITS.layoutMemberCount), "floor message");
  const names: string[] = [];
  while (!list.isAtEnd) names.push(list.text(LIMITS.nodeName));
  return names;
}
