// Repair as operators see and steer it: what waits for owners, who differs from whom, and doing it at once.
//
// Hints and comparisons run by themselves; nothing here is needed for copies to become equal. Any node
// answers for the whole cluster: it asks the others over the links that nodes have anyway, since
// whoever reaches one node over HTTP may not reach them all.

import type { AntiEntropy } from "../replica/anti_entropy.ts";
import { type Cluster, layoutOf, learnFromRefusal } from "../replica/cluster.ts";
import type { HandOff } from "../replica/hand_off.ts";
import type { Namespaces } from "../replica/namespaces.ts";
import type { RootCheck } from "../replica/root_check.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";
import { type Method, METHODS } from "../wire/message_codec.ts";
import { type OtherLayouts, otherLayoutSentence } from "./other_layouts.ts";
import type {
  DifferencesView,
  EqualityView,
  HintedOwnerView,
  HintsView,
  PeerRepairView,
  RepairApi,
  RepairOptions,
  RepairView,
} from "./repair_api.ts";
import {
  hintsAnswer,
  type OwnHints,
  readHints,
  readRepair,
  readRepairRequest,
  repairAnswer,
  repairRequest,
} from "./repair_messages.ts";

export interface RepairsOptions {
  readonly cluster: Cluster;
  readonly namespaces: Namespaces;
  readonly handOff: HandOff;
  readonly antiEntropy: AntiEntropy;
  readonly rootCheck: Pick<RootCheck, "run">;
  readonly otherLayouts: Pick<OtherLayouts, "known">;
}

const HINTS_TIMEOUT_MS = 5_000;

/** A node that has lost its disk copies everything that it owns. */
const REPAIR_TIMEOUT_MS = 3_600_000;

export class Repairs implements RepairApi {
  readonly #options: RepairsOptions;
  #isRepairing = false;

  constructor(options: RepairsOptions) {
    this.#options = options;
  }

  /** Begins to answer other nodes. */
  register(): void {
    const { rpc } = this.#options.cluster;
    rpc.serve(METHODS.hints, () => hintsAnswer(this.#ownHints()));
    rpc.serve(METHODS.repair, async (request) => {
      const partitions = readRepairRequest(request.arguments);
      return repairAnswer(await this.#repairHere(this.#setOf(partitions)));
    });
  }

  async hints(): Promise<HintsView[]> {
    const { cluster } = this.#options;
    const names = layoutOf(cluster).layout.members.map(({ node }) => node);
    const views = await Promise.all(names.map(async (node): Promise<HintsView> => {
      if (node === cluster.self) return { node, error: undefined, ...this.#ownHints() };
      try {
        const hints = await this.#call(node, METHODS.hints, [], HINTS_TIMEOUT_MS, readHints);
        return { node, error: undefined, ...hints };
      } catch (error) {
        return { node, error: messageOf(error), ...UNKNOWN_HINTS };
      }
    }));
    return views.sort(byName);
  }

  async repair({ node, partitions }: RepairOptions = {}): Promise<RepairView> {
    const { cluster } = this.#options;
    const only = this.#setOf(partitions);
    if (node === undefined || node === cluster.self) {
      return { node: cluster.self, peers: await this.#repairHere(only) };
    }
    if (!layoutOf(cluster).layout.members.some((member) => member.node === node)) {
      throw new DenamoError("bad_request", "no", `Node ${node} is not in the layout`);
    }
    const request = repairRequest(partitions);
    const peers = await this.#call(
      node,
      METHODS.repair,
      request,
      REPAIR_TIMEOUT_MS,
      readRepair,
    );
    return { node, peers };
  }

  async differences(partitions?: readonly number[]): Promise<DifferencesView> {
    const { cluster, otherLayouts, rootCheck } = this.#options;
    const report = await rootCheck.run(this.#setOf(partitions));
    // Nothing is equal to what another cluster holds, and it may hold the copies that are missed here.
    const others = new Map(otherLayouts.known.map((other) => {
      return [other.node, otherLayoutSentence(other, layoutOf(cluster).layout.id)];
    }));
    if (others.size === 0) return report;
    const unasked = report.unasked.filter(({ node }) => !others.has(node));
    for (const [node, error] of others) unasked.push({ node, error });
    return { ...report, unasked: unasked.sort(byName) };
  }

  equality(): EqualityView[] {
    const { antiEntropy, cluster, namespaces } = this.#options;
    const current = cluster.current();
    if (current === undefined) return [];
    const { layout, placement } = current;
    const views = namespaces.copies().flatMap((copies) => {
      return placement.partitionsOf(cluster.self, copies || undefined).map((partition) => ({
        partition,
        copies: copies || layout.replication,
        equalAgoMs: antiEntropy.equalSinceMs(partition, copies),
      }));
    });
    return views.sort((a, b) => a.partition - b.partition || a.copies - b.copies);
  }

  #ownHints(): OwnHints {
    const { cluster, handOff } = this.#options;
    const { bytes, keys } = handOff.counts;
    const owners = new Map<string, HintedOwnerView>();
    let oldestAgeMs: number | undefined;
    for (const kept of handOff.kept()) {
      oldestAgeMs = Math.max(oldestAgeMs ?? 0, Math.floor(kept.ageMs));
      for (const node of kept.lacking) {
        const before = owners.get(node);
        owners.set(node, {
          node,
          keys: (before?.keys ?? 0) + 1,
          bytes: (before?.bytes ?? 0) + kept.bytes,
        });
      }
    }
    return {
      isComplete: handOff.hasLooked,
      keys,
      bytes,
      limitBytes: handOff.limitBytes,
      oldestAgeMs,
      owners: [...owners.values()].sort(byName),
      tooLongAway: cluster.current()?.layout.members.map(({ node }) => node)
        .filter((node) => cluster.hintProblem(node) !== undefined).sort() ?? [],
    };
  }

  /** One after the other: what the first has repaired need not be fetched from the second. */
  async #repairHere(only: ReadonlySet<number> | undefined): Promise<PeerRepairView[]> {
    const { cluster: { self } } = this.#options;
    if (this.#isRepairing) {
      throw new DenamoError("overloaded", "no", `${self} is repairing already`);
    }
    this.#isRepairing = true;
    try {
      const views: PeerRepairView[] = [];
      for (const node of this.#otherOwners(only)) views.push(await this.#repairWith(node, only));
      return views;
    } finally {
      this.#isRepairing = false;
    }
  }

  async #repairWith(node: string, only: ReadonlySet<number> | undefined): Promise<PeerRepairView> {
    const { antiEntropy, cluster } = this.#options;
    try {
      const { differing, partitions, repaired } = await antiEntropy.compareWith(node, only);
      return { node, error: undefined, differing, partitions, repaired };
    } catch (error) {
      if (error instanceof DenamoError) learnFromRefusal(cluster, error);
      return { node, error: messageOf(error), partitions: 0, differing: [], repaired: 0 };
    }
  }

  /** Whoever owns one of our partitions too, by name. */
  #otherOwners(only: ReadonlySet<number> | undefined): string[] {
    const { cluster, namespaces } = this.#options;
    const { placement } = layoutOf(cluster);
    const owners = new Set<string>();
    for (const copies of namespaces.copies().map((count) => count || undefined)) {
      for (const partition of placement.partitionsOf(cluster.self, copies)) {
        if (only?.has(partition) === false) continue;
        for (const owner of placement.ownersFor(partition, copies)) owners.add(owner);
      }
    }
    owners.delete(cluster.self);
    return [...owners].sort();
  }

  #setOf(partitions: readonly number[] | undefined): ReadonlySet<number> | undefined {
    if (partitions === undefined) return undefined;
    const count = layoutOf(this.#options.cluster).layout.partitions;
    for (const partition of partitions) {
      if (Number.isInteger(partition) && partition >= 0 && partition < count) continue;
      const message = `Partition ${partition} is not from 0 to ${count - 1}`;
      throw new DenamoError("bad_request", "no", message, { partition });
    }
    return new Set(partitions);
  }

  async #call<T>(
    node: string,
    method: Method,
    args: readonly unknown[],
    timeoutMs: number,
    read: (answer: readonly unknown[]) => T,
  ): Promise<T> {
    const { cluster } = this.#options;
    const peer = cluster.peerOf(node);
    if (peer === undefined || !cluster.rpc.isUp(peer)) {
      throw new DenamoError("timeout", "no", `${node} is not connected`);
    }
    return await cluster.rpc.query(peer, method, args, timeoutMs, read, "bulk");
  }
}

const UNKNOWN_HINTS: OwnHints = {
  isComplete: false,
  keys: 0,
  bytes: 0,
  limitBytes: 0,
  oldestAgeMs: undefined,
  owners: [],
  tooLongAway: [],
};

function byName(a: { readonly node: string }, b: { readonly node: string }): number {
  return a.node < b.node ? -1 : 1;
}
