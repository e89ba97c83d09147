// Anti-entropy: owners find out by themselves where they differ, and become the same.
//
// A node compares with one other owner at a time, each in turn, for ever (see comparison.ts). What differs twice, a
// moment apart, is no write in flight. Merging is safe whatever happens meanwhile, so nothing is locked, and
// a comparison that breaks off is simply made again.
//
// Who is the same as another has seen all that the other has, and so takes over its floors.
//
// Source: DeCandia et al., "Dynamo" (2007), section 4.7.

import { inParallel } from "../base/in_parallel.ts";
import type { HybridTime } from "../causality/dot.ts";
import { type Clock, sleep, type Timer } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { type Random, randomBelow } from "../ports/random.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";
import { type Cluster, layoutOf, learnFromRefusal } from "./cluster.ts";
import { PairComparison } from "./comparison.ts";
import type { Filling } from "./filling.ts";
import type { Floors } from "./floors.ts";
import type { Forgetting } from "./forgetting.ts";
import type { Namespaces } from "./namespaces.ts";
import type { Pace } from "./pace.ts";
import { type Part, type PartId, partId, partitionsIn } from "./parts.ts";
import type { Replica } from "./replica.ts";

export interface AntiEntropyOptions {
  readonly cluster: Cluster;
  readonly replica: Replica;
  readonly namespaces: Namespaces;
  readonly filling: Filling;
  readonly floors: Floors;
  readonly forgetting: Forgetting;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The mean pause between two comparisons, in milliseconds. */
  readonly intervalMs: number;
  /** Gives way to requests. */
  readonly pace?: Pace | undefined;
}

/** What came of comparing with one node. */
export interface Comparison {
  /** Partitions that both own. */
  readonly partitions: number;
  /** Those that differ, also on second sight. */
  readonly differing: readonly number[];
  /** Copies of keys that were brought up to date, here and there. */
  readonly repaired: number;
  /** Parts that are the same on both sides, but for what was written meanwhile. */
  readonly levelled: ReadonlySet<PartId>;
}

/** How long a difference must last before it counts, in milliseconds. */
const SECOND_SIGHT_MS = 1_000;

/** The mean pause between two comparisons of a node that has forgotten, in milliseconds. */
const FILLING_INTERVAL_MS = 200;

/** How many parts a node that fills compares at once: who is killed soon has come so far. */
const FILLED_AT_ONCE = 128;

/** How many partitions that differ are made the same at once. */
const PARTITIONS_AT_ONCE = 4;

export class AntiEntropy {
  readonly #options: AntiEntropyOptions;
  /** By node, then part: when it was last the same as ours, in milliseconds of the clock's monotonic time. */
  readonly #equalAtMs = new Map<string, Map<PartId, number>>();
  #turn = 0;
  /** When the next comparison that fills nothing is due, in milliseconds of the clock's monotonic time. */
  #dueMs = 0;
  #timer: Timer | undefined;
  #isBusy = false;
  #isStopped = false;
  #compared = 0;
  #repaired = 0;

  constructor(options: AntiEntropyOptions) {
    this.#options = options;
    options.filling.onBegin = () => {
      // Not at the end of a pause that was drawn when there was no hurry.
      if (this.#timer === undefined || this.#isBusy) return;
      this.#timer.cancel();
      this.start();
    };
  }

  /** Comparisons made, and copies of keys brought up to date by them, since the start. */
  get counts(): { compared: number; repaired: number } {
    return { compared: this.#compared, repaired: this.#repaired };
  }

  /** Compares with one owner after the other from now on. */
  start(): void {
    const { clock, filling, intervalMs, random } = this.#options;
    const pause = (meanMs: number) => meanMs / 2 + randomBelow(random, Math.ceil(meanMs));
    const nowMs = clock.monotonic();
    if (this.#dueMs <= nowMs) this.#dueMs = nowMs + pause(intervalMs);
    // Those who have what is lacked here may come at any moment.
    const pauseMs = filling.isActive ? pause(FILLING_INTERVAL_MS) : this.#dueMs - nowMs;
    this.#timer = clock.after(pauseMs, () => {
      this.#isBusy = true;
      this.#next().finally(() => {
        this.#isBusy = false;
        if (!this.#isStopped) this.start();
      });
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** How long ago all other owners of a partition were last seen to hold the same; undefined if never. */
  equalSinceMs(partition: number, copies: number): number | undefined {
    const { clock, cluster } = this.#options;
    const owners = layoutOf(cluster).placement.ownersFor(partition, copies || undefined);
    const seen = owners.filter((owner) => owner !== cluster.self)
      .map((owner) => this.#equalAtMs.get(owner)?.get(partId({ partition, copies })));
    if (seen.length === 0) return 0;
    if (seen.includes(undefined)) return undefined;
    return clock.monotonic() - Math.min(...seen as number[]);
  }

  /**
   * Compares all that both own with one node and brings both up to date.
   *
   * @param only these partitions, if given
   * @throws {DenamoError} if the node cannot be asked or does not answer
   */
  async compareWith(node: string, only?: ReadonlySet<number>): Promise<Comparison> {
    const parts = this.#sharedWith(node);
    return await this.#compare(
      node,
      only === undefined ? parts : parts.filter(({ partition }) => only.has(partition)),
    );
  }

  /** Compares these parts, which both own, with one node. */
  async #compare(node: string, shared: readonly Part[]): Promise<Comparison> {
    const { clock, cluster, filling, floors } = this.#options;
    const { epoch } = filling;
    const losses = floors.lossCount;
    const pair = new PairComparison({
      ...this.#options,
      giveWay: () => this.#giveWay(),
      isStopped: () => this.#isStopped,
    }, node);
    const noteFilled = (parts: readonly Part[]) => {
      if (filling.isActive) filling.comparedWith(node, parts.map(partId), epoch);
    };
    const { differing: suspects, equal } = await pair.roots(shared);
    this.#noteEqual(equal, node);
    await this.#passFences(pair, shared);
    // At once: who has forgotten much may not live to the end of a long comparison.
    noteFilled(equal);
    await this.#adoptFloors(pair, equal, losses);
    let differing: { readonly part: Part; readonly leaves: readonly number[] }[] = [];
    if (suspects.length > 0) {
      const before = await pair.leaves(suspects);
      // Who has forgotten lacks nearly all of it, and waits for nothing.
      if (!filling.isActive) await sleep(clock, SECOND_SIGHT_MS);
      const after = filling.isActive ? before : await pair.leaves(suspects);
      differing = suspects.map((part, i) => ({
        part,
        leaves: after[i]!.filter((leaf) => before[i]!.includes(leaf)),
      })).filter(({ leaves }) => leaves.length > 0);
    }
    let repaired = 0;
    const unlike = new Set(differing.map(({ part }) => part));
    const behind = new Set<Part>();
    noteFilled(suspects.filter((part) => !unlike.has(part)));
    await inParallel(differing, PARTITIONS_AT_ONCE, async ({ part, leaves }) => {
      const exchanged = await pair.exchange(part, new Set(leaves));
      repaired += exchanged.repaired;
      if (exchanged.unsent > 0) behind.add(part);
      if (exchanged.skipped > 0 || this.#isStopped) return;
      unlike.delete(part);
      noteFilled([part]);
    });
    if (this.#isStopped) throw new DenamoError("stopped", "no", `${cluster.self} is stopping`);
    const taken = unlike.size === 0 ? shared : shared.filter((part) => !unlike.has(part));
    await this.#adoptFloors(pair, taken, losses);
    this.#compared++;
    this.#repaired += repaired;
    return {
      partitions: new Set(shared.map(({ partition }) => partition)).size,
      differing: partitionsIn(differing.map(({ part }) => part)),
      repaired,
      get levelled() {
        return new Set(taken.filter((part) => !behind.has(part)).map(partId));
      },
    };
  }

  /** Compares with the node whose turn it is. */
  async #next(): Promise<void> {
    const { clock, cluster, filling, log, replica } = this.#options;
    if (replica.writeProblem() !== undefined) return;
    const others = cluster.current()?.layout.members.map(({ node }) => node)
      .filter((node) => {
        const peer = cluster.peerOf(node);
        return node !== cluster.self && peer !== undefined && cluster.rpc.isUp(peer);
      }) ?? [];
    if (others.length === 0) return;
    // Those who have what is lacked here come first; where none of them is there, the others are not left waiting.
    const helpful = filling.isActive ? others.filter((node) => this.#lackedFrom(node, 1) > 0) : [];
    if (helpful.length === 0 && this.#dueMs > clock.monotonic()) return;
    const choice = helpful.length > 0 ? helpful : others;
    const node = choice[this.#turn++ % choice.length]!;
    try {
      const shared = this.#sharedWith(node);
      const lacked = helpful.length > 0 ? filling.lackedFrom(node, FILLED_AT_ONCE) : undefined;
      const parts = lacked === undefined ? shared : shared.filter((it) => lacked.has(partId(it)));
      const { differing, repaired } = await this.#compare(node, parts);
      if (differing.length === 0 || repaired === 0) return;
      log.info(`Copies that differed from those of ${node} were repaired`, {
        partitions: differing.length,
        copies: repaired,
      });
    } catch (error) {
      if (this.#isStopped) return;
      if (error instanceof DenamoError) learnFromRefusal(cluster, error);
      log.debug(`Cannot compare with ${node} now`, { error: messageOf(error) });
    }
  }

  #lackedFrom(node: string, limit: number): number {
    return this.#options.filling.lackedFrom(node, limit)?.size ?? 0;
  }

  #sharedWith(node: string): Part[] {
    const { cluster, namespaces } = this.#options;
    const { placement } = layoutOf(cluster);
    return namespaces.copies().flatMap((count) => {
      const copies = count || undefined;
      return placement.partitionsOf(cluster.self, copies)
        .filter((partition) => placement.isOwner(node, partition, copies))
        .map((partition): Part => ({ partition, copies: count }));
    });
  }

  /** Waits while requests are slow; who has forgotten does not, as it answers nobody until it has filled. */
  async #giveWay(): Promise<void> {
    const { filling, pace } = this.#options;
    if (!filling.isActive) await pace?.giveWay();
  }

  #noteEqual(parts: readonly Part[], node: string): void {
    const nowMs = this.#options.clock.monotonic();
    let seen = this.#equalAtMs.get(node);
    if (seen === undefined) this.#equalAtMs.set(node, seen = new Map());
    for (const part of parts) seen.set(partId(part), nowMs);
  }

  /** Raises floors to which this node has its fence, and of which another owner knows that all had. */
  async #passFences(pair: PairComparison, parts: readonly Part[]): Promise<void> {
    const { floors, forgetting } = this.#options;
    if (!pair.hasFloors) return;
    const agreed = higherFloors(parts, floors, (part) => pair.toldFloorOf(part));
    for (const [part, floor] of agreed) if (floor > floors.fenceOf(part)) agreed.delete(part);
    if (agreed.size > 0) forgetting.begin(await floors.raise(agreed));
  }

  /**
   * Takes over the floors of a node that this one is the same as in these parts.
   *
   * @param losses how often this copy might have lost something when the comparison began
   */
  async #adoptFloors(
    pair: PairComparison,
    parts: readonly Part[],
    losses: number,
  ): Promise<void> {
    const { floors, forgetting } = this.#options;
    if (!pair.hasFloors) return;
    const higher = higherFloors(parts, floors, (part) => pair.floorOf(part));
    if (higher.size > 0) forgetting.begin(await floors.adopt(higher, losses));
  }
}

/** The floors of the other node that are above ours. */
function higherFloors(
  parts: readonly Part[],
  floors: Floors,
  floorOf: (part: Part) => HybridTime,
): Map<PartId, HybridTime> {
  const higher = new Map<PartId, HybridTime>();
  for (const part of parts) {
    const floor = floorOf(part);
    if (floor > floors.floorOf(partId(part))) higher.set(partId(part), floor);
  }
  return higher;
}
