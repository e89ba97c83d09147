// How the owners of a part agree that they have seen everything up to some time.
//
// The first owner of a part asks, now and then, if there is something to forget in it:
//
//   1. every member promises to draw no dot up to that time any more, and says whether a write of its own from
//      before is still under way; the owners begin to watch what comes in
//   2. every member says whether it keeps anything of the part for others
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
// a no. Only a single one that has been down for very long is left out, if more than half of the owners are there:
// it empties its copies when it comes back, as though its disk were lost. A round that breaks off leaves fences; the
// next one takes them back, once it has heard the floors of all owners: if no floor is as high as a fence, nobody has
// relied on it.

import { type HybridTime, TICKS_PER_MS } from "../causality/dot.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { Arguments } from "../wire/arguments.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";
import { type Method, METHODS } from "../wire/message_codec.ts";
import type { AntiEntropy } from "./anti_entropy.ts";
import { type Cluster, layoutOf, learnFromRefusal } from "./cluster.ts";
import { type FloorService, pairsOf, partsIn, tableIn } from "./floor_service.ts";
import type { Floors } from "./floors.ts";
import type { Forgetting } from "./forgetting.ts";
import { type PartId, partOf } from "./parts.ts";
import type { Replica } from "./replica.ts";

export interface FloorRoundsOptions {
  readonly cluster: Cluster;
  readonly replica: Replica;
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

/** For how many parts the floor is raised at once. */
const PARTS_COUNT = 1_024;

/** How often it is looked whether there is something to forget, in milliseconds. */
const LOOK_EVERY_MS_LEAST = 500;
const LOOK_EVERY_MS_MOST = 60_000;

export class FloorRounds {
  readonly #options: FloorRoundsOptions;
  /** Members that the round under way leaves out. */
  #without: readonly string[] = [];
  /** What it means by a part. */
  #partsId = "";
  /** Where the search for something to forget begins. */
  #turn = 0;
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
    const { clock, forgetAfterMs, log } = this.#options;
    const everyMs = Math.min(
      Math.max(forgetAfterMs / 2, LOOK_EVERY_MS_LEAST),
      LOOK_EVERY_MS_MOST,
    );
    this.#timer = clock.after(everyMs, () => {
      this.#look().catch((error) => {
        log.error("Forgetting has failed for a reason nobody foresaw", { error: messageOf(error) });
      }).finally(() => {
        if (!this.#isStopped) this.start();
      });
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Raises the floors of parts in which there is something to forget; returns of how many it has. */
  async run(): Promise<number> {
    const { clock, cluster, floors, forgetAfterMs, forgetting, log, replica } = this.#options;
    if (cluster.clockProblem() !== undefined || replica.writeProblem() !== undefined) return 0;
    const upTo = (Math.floor(clock.now()) - forgetAfterMs) * TICKS_PER_MS;
    this.#without = this.#absent();
    this.#partsId = this.#partsIdNow();
    const due = this.#due(upTo);
    if (due.length === 0) return 0;
    const highest = await this.#promised(upTo, due);
    let parts = await this.#keptByNobody(highest);
    parts = await this.#levelled(parts);
    // Keys may have come to other parts meanwhile; from here on that takes the fences away.
    if (parts.length === 0 || this.#partsId !== this.#partsIdNow()) return 0;
    parts = await this.#fenced(upTo, parts);
    if (parts.length === 0 || this.#without.some((node) => cluster.downForMs(node) === 0)) return 0;
    if (this.#partsId !== this.#partsIdNow()) return 0;
    await floors.raise(new Map(parts.map((part) => [part, upTo])));
    this.#raised += parts.length;
    log.debug("All owners have seen everything", { parts: parts.length, upTo });
    forgetting.begin(parts);
    await this.#tell(upTo, parts);
    return parts.length;
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

  /** The member that is left out, if exactly one has been down for long enough and no other one still must empty. */
  #absent(): string[] {
    const { cluster, floors, maxAbsenceMs } = this.#options;
    const absent = layoutOf(cluster).layout.members.map(({ node }) => node)
      .filter((node) => node !== cluster.self && cluster.downForMs(node) > maxAbsenceMs);
    const isAlone = absent.length === 1 && floors.leftOut.isSubsetOf(new Set(absent));
    return isAlone ? absent : [];
  }

  /** The parts that this node is the first present owner of and that have something to forget. */
  #due(upTo: HybridTime): PartId[] {
    const { cluster, floors, replica: { forgettable } } = this.#options;
    const fenced = new Set(floors.fenced());
    const due = [...fenced.union(new Set(forgettable.parts()))].filter((part) => {
      if (!fenced.has(part) && !forgettable.hasBelow(part, upTo)) return false;
      const owners = this.#ownersOf(part);
      const present = this.#presentOwnersOf(part);
      const isOurs = present[0] === cluster.self && 2 * present.length > owners.length;
      return isOurs && floors.floorOf(part) < upTo;
    });
    if (due.length <= PARTS_COUNT) return due;
    // Each has its turn, whatever holds up the others.
    const from = this.#turn++ * PARTS_COUNT % due.length;
    return [...due.slice(from), ...due.slice(0, from)].slice(0, PARTS_COUNT);
  }

  /** Those of the parts that all members have made their promise for, with the highest floor of all. */
  async #promised(upTo: HybridTime, parts: readonly PartId[]): Promise<Map<PartId, HybridTime>> {
    const without = this.#without;
    const own = () => this.#options.service.promise(upTo, parts, without);
    const message = [upTo, parts, without];
    const tables = await this.#askAll(METHODS.promiseFloor, message, own, tableIn);
    const highest = new Map<PartId, HybridTime>();
    for (const part of parts) {
      const floors = tables.map((table) => table.get(part));
      if (floors.includes(undefined)) continue;
      highest.set(part, Math.max(...floors as number[]));
    }
    return highest;
  }

  async #keptByNobody(highest: ReadonlyMap<PartId, HybridTime>): Promise<PartId[]> {
    if (highest.size === 0) return [];
    const own = () => this.#options.service.kept(highest);
    const kept = await this.#askAll(METHODS.keptBelow, [pairsOf(highest)], own, partsIn);
    const any = new Set(kept.flat());
    return [...highest.keys()].filter((part) => !any.has(part));
  }

  /** Those of the parts whose owners each have, after it, what any of them had before. */
  async #levelled(parts: readonly PartId[]): Promise<PartId[]> {
    let left = parts;
    // The first time round this node takes in what each of the others has, the second time it gives it to all.
    for (let time = 1; time <= 2; time++) {
      left = await this.#withOwners(left, async (owner, theirs) => {
        const partitions = new Set(theirs.map((part) => partOf(part).partition));
        const { levelled } = await this.#options.antiEntropy.compareWith(owner, partitions);
        return levelled;
      });
    }
    return [...left];
  }

  /** Those of the parts at all of whose owners the fence is up. */
  async #fenced(upTo: HybridTime, parts: readonly PartId[]): Promise<PartId[]> {
    const own = await this.#options.service.fence(upTo, parts);
    return await this.#withOwners(own, async (owner, theirs) => {
      return await this.#ask(
        owner,
        METHODS.fence,
        [upTo, theirs],
        (args) => new Set(partsIn(args)),
      );
    });
  }

  /** Who does not hear of it learns it when it is compared with. */
  async #tell(upTo: HybridTime, parts: readonly PartId[]): Promise<void> {
    await this.#withOwners(parts, async (owner, theirs) => {
      await this.#ask(owner, METHODS.raiseFloor, [upTo, theirs], () => undefined);
      return new Set(theirs);
    });
  }

  /**
   * Does something with one other owner after the other; returns the parts with which it went well at all of theirs.
   * One that cannot be asked holds up its own parts only.
   */
  async #withOwners(
    parts: readonly PartId[],
    act: (owner: string, theirs: readonly PartId[]) => Promise<ReadonlySet<PartId>>,
  ): Promise<PartId[]> {
    const { cluster, log } = this.#options;
    let left = [...parts];
    const owners = new Set(parts.flatMap((part) => this.#presentOwnersOf(part)));
    owners.delete(cluster.self);
    for (const owner of [...owners].sort()) {
      const theirs = left.filter((part) => this.#presentOwnersOf(part).includes(owner));
      if (theirs.length === 0) continue;
      let done: ReadonlySet<PartId> = new Set();
      try {
        done = await act(owner, theirs);
      } catch (error) {
        if (!(error instanceof DenamoError)) throw error;
        learnFromRefusal(cluster, error);
        log.debug(`${owner} has no part in forgetting now`, { error: messageOf(error) });
      }
      const failed = new Set(theirs.filter((part) => !done.has(part)));
      left = left.filter((part) => !failed.has(part));
    }
    return left;
  }

  #partsIdNow(): string {
    const { cluster, replica } = this.#options;
    return replica.partsId(layoutOf(cluster).layout.id);
  }

  #members(): string[] {
    const { members } = layoutOf(this.#options.cluster).layout;
    return members.map(({ node }) => node).filter((node) => !this.#without.includes(node));
  }

  #ownersOf(part: PartId): readonly string[] {
    const { copies, partition } = partOf(part);
    const { placement } = layoutOf(this.#options.cluster);
    return placement.ownersFor(partition, copies || undefined);
  }

  #presentOwnersOf(part: PartId): readonly string[] {
    return this.#ownersOf(part).filter((owner) => !this.#without.includes(owner));
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
        return await this.#ask(node, method, message, read);
      }),
    );
  }

  async #ask<T>(
    node: string,
    method: Method,
    message: readonly unknown[],
    read: (args: Arguments) => T,
  ): Promise<T> {
    const { cluster } = this.#options;
    const peer = cluster.peerOf(node);
    if (peer === undefined || !cluster.rpc.isUp(peer)) {
      throw new DenamoError("timeout", "no", `${node} is not connected`);
    }
    const question = [this.#partsId, ...message];
    const readAnswer = (answer: readonly unknown[]) => read(new Arguments(answer, "floor answer"));
    return await cluster.rpc.query(peer, method, question, TIMEOUT_MS, readAnswer, "bulk");
  }
}
