// How the owners of a partition agree that they have seen everything up to some time.
//
// The first owner of a partition asks, now and then, if there is something to forget in it:
//
//   1. every member promises to draw no dot up to that time any more, and says whether a write of its own from
//      before is still under way; the owners begin to watch what comes in
//   2. every member says whether it keeps anything of the partition for others
//   3. the owners are compared, so that each holds what any of them held
//   4. every owner to which nothing from before has come meanwhile puts up its fence
//   5. all have: that time is the floor
//
// After 1. no write from before can be acknowledged any more but on account of copies that exist: who coordinates it
// has ended it. A copy that exists is at an owner, or kept by a stand-in and found in 2. After 3. all owners
// have what any had, and after 4. nothing from before can come to one of them alone. What still arrives later
// was acknowledged by nobody, or was replaced: it is refused as a whole.
//
// A member that cannot be asked may keep the only copy of something, so then nothing is forgotten: not knowing is
// a no. Only one that has been down for very long is left out, if more than half of the members and of the owners
// are there; it empties its copies when it comes back. A round that breaks off leaves fences; the next one takes them back, once it has heard the floors of all
// owners: if no floor is as high as a fence, nobody has relied on it.

import { type HybridTime, TICKS_PER_MS } from "../causality/dot.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { Arguments } from "../wire/arguments.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";
import { type Method, METHODS } from "../wire/message_codec.ts";
import type { AntiEntropy } from "./anti_entropy.ts";
import { type Cluster, layoutOf, learnFromRefusal } from "./cluster.ts";
import { type FloorService, pairsOf, partitionsIn, tableIn } from "./floor_service.ts";
import type { Floors } from "./floors.ts";
import type { Forgetting } from "./forgetting.ts";
import type { Namespaces } from "./namespaces.ts";
import type { Replica } from "./replica.ts";

export interface FloorRoundsOptions {
  readonly cluster: Cluster;
  readonly replica: Replica;
  readonly namespaces: Namespaces;
  readonly floors: Floors;
  readonly forgetting: Forgetting;
  readonly service: FloorService;
  readonly antiEntropy: AntiEntropy;
  readonly clock: Clock;
  readonly log: Log;
  /** How long everything is remembered at the least, in milliseconds. */
  readonly forgetAfterMs: number;
  /** After how long a member that is down is left out, in milliseconds. */
  readonly maxAbsenceMs: number;
}

const TIMEOUT_MS = 10_000;

/** For how many partitions the floor is raised at once. */
const PARTITIONS_COUNT = 1_024;

/** How often it is looked whether there is something to forget, in milliseconds. */
const LOOK_EVERY_MS_LEAST = 500;
const LOOK_EVERY_MS_MOST = 60_000;

export class FloorRounds {
  readonly #options: FloorRoundsOptions;
  /** Members that the round under way leaves out. */
  #without: ReadonlySet<string> = new Set();
  #timer: Timer | undefined;
  #isStopped = false;
  #raised = 0;

  constructor(options: FloorRoundsOptions) {
    this.#options = options;
  }

  /** How many floors this node has raised since the start, as the first owner. */
  get raisedCount(): number {
    return this.#raised;
  }

  /** Raises floors and forgets from now on. */
  start(): void {
    const { clock, forgetAfterMs } = this.#options;
    const everyMs = Math.min(
      Math.max(forgetAfterMs / 2, LOOK_EVERY_MS_LEAST),
      LOOK_EVERY_MS_MOST,
    );
    this.#timer = clock.after(everyMs, () => {
      this.#look().finally(() => {
        if (!this.#isStopped) this.start();
      });
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Raises the floors of the partitions in which there is something to forget; returns how many it has. */
  async run(): Promise<number> {
    const { clock, cluster, floors, forgetAfterMs, log, replica } = this.#options;
    if (cluster.clockProblem() !== undefined || replica.writeProblem() !== undefined) return 0;
    const upTo = (Math.floor(clock.now()) - forgetAfterMs) * TICKS_PER_MS;
    const without = this.#absent();
    const due = this.#due(upTo, without);
    if (due.length === 0) return 0;
    this.#without = new Set(without);
    const highest = await this.#promised(upTo, due);
    let partitions = await this.#keptByNobody(highest);
    partitions = await this.#levelled(partitions);
    if (partitions.length === 0) return 0;
    partitions = await this.#fenced(upTo, partitions);
    await floors.raise(new Map(partitions.map((partition) => [partition, upTo])), without);
    this.#raised += partitions.length;
    if (partitions.length > 0) {
      log.debug("All owners have seen everything", { partitions: partitions.length, upTo });
    }
    this.#options.forgetting.begin(partitions);
    await this.#tell(upTo, partitions, without);
    return partitions.length;
  }

  async #look(): Promise<void> {
    const { cluster, forgetting, log } = this.#options;
    forgetting.beginAll();
    if (cluster.current() === undefined) return;
    try {
      await this.run();
    } catch (error) {
      if (this.#isStopped) return;
      if (!(error instanceof DenamoError)) throw error;
      learnFromRefusal(cluster, error);
      log.debug("Nothing can be forgotten now", { error: messageOf(error) });
    }
  }

  /** The members that are left out; nobody if that would be half of them. */
  #absent(): string[] {
    const { cluster, maxAbsenceMs } = this.#options;
    const { members } = layoutOf(cluster).layout;
    const absent = members.map(({ node }) => node)
      .filter((node) => node !== cluster.self && cluster.downForMs(node) > maxAbsenceMs);
    return 2 * absent.length < members.length ? absent : [];
  }

  /** The partitions that this node is the first present owner of and that have something to forget. */
  #due(upTo: HybridTime, without: readonly string[]): number[] {
    const { cluster, floors, replica: { forgettable } } = this.#options;
    const { placement } = layoutOf(cluster);
    const fenced = new Set(floors.fenced());
    const due: number[] = [];
    for (const partition of fenced.union(new Set(forgettable.partitions()))) {
      const isDue = fenced.has(partition) || forgettable.hasBelow(partition, upTo);
      const owners = placement.owners(partition);
      const present = owners.filter((owner) => !without.includes(owner));
      const isOurs = present[0] === cluster.self && 2 * present.length > owners.length;
      if (!isDue || !isOurs || floors.floorOf(partition) >= upTo) continue;
      due.push(partition);
      if (due.length === PARTITIONS_COUNT) break;
    }
    return due;
  }

  /** Those of the partitions that all members have made their promise for, with the highest floor of all. */
  async #promised(upTo: HybridTime, partitions: readonly number[]): Promise<Map<number, number>> {
    const { service } = this.#options;
    const own = () => service.promise(upTo, partitions);
    const tables = await this.#askAll(METHODS.promiseFloor, [upTo, partitions], own, tableIn);
    const highest = new Map<number, HybridTime>();
    for (const partition of partitions) {
      const floors = tables.map((table) => table.get(partition));
      if (floors.includes(undefined)) continue;
      highest.set(partition, Math.max(...floors as number[]));
    }
    return highest;
  }

  async #keptByNobody(highest: ReadonlyMap<number, HybridTime>): Promise<number[]> {
    const { service } = this.#options;
    if (highest.size === 0) return [];
    const own = () => service.kept(highest);
    const kept = await this.#askAll(METHODS.keptBelow, [pairsOf(highest)], own, partitionsIn);
    const any = new Set(kept.flat());
    return [...highest.keys()].filter((partition) => !any.has(partition));
  }

  /** Those of the partitions whose owners each have, after it, what any of them had before. */
  async #levelled(partitions: readonly number[]): Promise<number[]> {
    let left = new Set(partitions);
    // The first time round this node takes in what each of the others has, the second time it gives it to all.
    for (let time = 1; time <= 2; time++) {
      for (const owner of this.#otherOwners(left)) {
        if (left.size === 0) return [];
        const theirs = new Set([...left].filter((it) => this.#ownersOf(it).includes(owner)));
        const { levelled } = await this.#options.antiEntropy.compareWith(owner, theirs);
        left = left.difference(theirs.difference(levelled));
      }
    }
    return [...left];
  }

  /** Those of the partitions at all of whose owners the fence is up. */
  async #fenced(upTo: HybridTime, partitions: readonly number[]): Promise<number[]> {
    const { service } = this.#options;
    let left = new Set(await service.fence(upTo, partitions));
    for (const owner of this.#otherOwners(left)) {
      const theirs = [...left].filter((partition) => this.#ownersOf(partition).includes(owner));
      const reply = await this.#ask(owner, METHODS.fence, [upTo, theirs]);
      const fenced = new Set(partitionsIn(new Arguments(reply, "fence answer")));
      left = new Set([...left].filter((it) => fenced.has(it) || !theirs.includes(it)));
    }
    return [...left];
  }

  /** Who does not hear of it learns it when it is compared with. */
  async #tell(
    upTo: HybridTime,
    partitions: readonly number[],
    without: readonly string[],
  ): Promise<void> {
    const owners = this.#otherOwners(new Set(partitions));
    const others = this.#members().filter((node) => node !== this.#options.cluster.self);
    for (const node of without.length > 0 ? others : owners) {
      const theirs = partitions.filter((partition) => this.#ownersOf(partition).includes(node));
      await this.#ask(node, METHODS.raiseFloor, [upTo, theirs, without]);
    }
  }

  #members(): string[] {
    const { members } = layoutOf(this.#options.cluster).layout;
    return members.map(({ node }) => node).filter((node) => !this.#without.has(node));
  }

  /** All that own some key of a partition and are not left out. */
  #ownersOf(partition: number): readonly string[] {
    const { cluster, namespaces } = this.#options;
    const { placement } = layoutOf(cluster);
    const lists = namespaces.copies().map((copies) => {
      return placement.ownersFor(partition, copies || undefined);
    });
    const all = lists.reduce((longest, list) => list.length > longest.length ? list : longest);
    return all.filter((owner) => !this.#without.has(owner));
  }

  #otherOwners(partitions: ReadonlySet<number>): string[] {
    const owners = new Set([...partitions].flatMap((partition) => this.#ownersOf(partition)));
    owners.delete(this.#options.cluster.self);
    return [...owners].sort();
  }

  /** Asks every member that is not left out, this node too. @throws {DenamoError} if one does not answer */
  async #askAll<T>(
    method: Method,
    message: readonly unknown[],
    own: () => Promise<T>,
    read: (args: Arguments) => T,
  ): Promise<T[]> {
    const { cluster } = this.#options;
    return await Promise.all(
      this.#members().map(async (node) => {
        if (node === cluster.self) return await own();
        return read(new Arguments(await this.#ask(node, method, message), "floor answer"));
      }),
    );
  }

  async #ask(node: string, method: Method, message: readonly unknown[]) {
    const { cluster } = this.#options;
    const peer = cluster.peerOf(node);
    if (peer === undefined || !cluster.rpc.isUp(peer)) {
      throw new DenamoError("timeout", "no", `${node} is not connected`);
    }
    const { id } = layoutOf(cluster).layout;
    return await cluster.rpc.call(peer, method, [id, ...message], TIMEOUT_MS, "bulk");
  }
}
