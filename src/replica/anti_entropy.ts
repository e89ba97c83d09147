// Anti-entropy: owners find out by themselves where they differ, and become the same.
//
//   roots of all partitions that both own ->  mostly equal: done
//   leaves of a partition that differs    ->  again a moment later: what differs twice is no write in flight
//   keys and digests of those leaves      ->  the objects that differ, both ways, merged
//
// A node compares with one other owner at a time, each in turn, for ever. The work is done by whoever asks; the
// other only answers. Merging is safe whatever happens meanwhile, so nothing is locked, and a comparison that
// breaks off is simply made again.
//
// Source: DeCandia et al., "Dynamo" (2007), section 4.7.

import { binaryString, fromBinaryString } from "../base/bytes.ts";
import { inParallel } from "../base/in_parallel.ts";
import { decodeObject } from "../crdt/object_codec.ts";
import { type Clock, sleep, type Timer } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { PeerId } from "../ports/network.ts";
import { type Random, randomBelow } from "../ports/random.ts";
import { Arguments } from "../wire/arguments.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { METHODS } from "../wire/message_codec.ts";
import { type Cluster, layoutOf, learnFromRefusal } from "./cluster.ts";
import { differingLeaves, LEAVES_BYTES } from "./hash_tree.ts";
import type { Filling } from "./filling.ts";
import type { Namespaces } from "./namespaces.ts";
import { chunksOf, nameOf, type Part, partitionsIn } from "./parts.ts";
import type { Pace } from "./pace.ts";
import type { Replica } from "./replica.ts";
import { ENTRIES_COUNT, isIn, rootBytes, ROOTS_COUNT, rootsIn } from "./tree_service.ts";

export interface AntiEntropyOptions {
  readonly cluster: Cluster;
  readonly replica: Replica;
  readonly namespaces: Namespaces;
  readonly filling: Filling;
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
}

/** How long a difference must last before it counts, in milliseconds. */
const SECOND_SIGHT_MS = 1_000;

const TIMEOUT_MS = 30_000;

/** The mean pause between two comparisons of a node that has forgotten, in milliseconds. */
const FILLING_INTERVAL_MS = 200;

/** Of how many partitions the leaves are asked for at once. */
const LEAVES_AT_ONCE = 64;

/** How many partitions that differ, and how many keys of each, are made the same at once. */
const PARTITIONS_AT_ONCE = 4;
const KEYS_AT_ONCE = 8;

/** After how many keys that differ it is looked whether requests are slow. */
const KEYS_BETWEEN_LOOKS = 32;

/** One comparison with one node. */
interface Session {
  readonly peer: PeerId;
  readonly layoutId: string;
  /** Whether the node takes what it lacks; one whose disk is full would refuse it again and again. */
  readonly takesWrites: boolean;
}

export class AntiEntropy {
  readonly #options: AntiEntropyOptions;
  /** By part, then node: when it was last the same as ours, in milliseconds of the clock's monotonic time. */
  readonly #equalAtMs = new Map<string, Map<string, number>>();
  #turn = 0;
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
    const { clock, filling, random } = this.#options;
    const intervalMs = filling.isActive ? FILLING_INTERVAL_MS : this.#options.intervalMs;
    const pauseMs = intervalMs / 2 + randomBelow(random, Math.ceil(intervalMs));
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
      .map((owner) => this.#equalAtMs.get(nameOf({ partition, copies }))?.get(owner));
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
    const { clock, cluster, filling } = this.#options;
    const peer = cluster.peerOf(node);
    if (peer === undefined || !cluster.rpc.isUp(peer)) {
      throw new DenamoError("timeout", "no", `${node} is not connected`);
    }
    const layoutId = layoutOf(cluster).layout.id;
    const session = { peer, layoutId, takesWrites: cluster.takesWrites(node) };
    const shared = this.#sharedWith(node, only);
    const filledBut = (unlike: ReadonlySet<number>) => {
      if (filling.isActive) filling.comparedWith(node, fullyShared(shared).difference(unlike));
    };
    const suspects = await this.#differing(session, node, shared);
    // At once: who has forgotten much may not live to the end of a long comparison.
    filledBut(new Set(partitionsIn(suspects)));
    let differing: { readonly part: Part; readonly leaves: readonly number[] }[] = [];
    if (suspects.length > 0) {
      const before = await this.#leavesThatDiffer(session, suspects);
      await sleep(clock, SECOND_SIGHT_MS);
      const after = await this.#leavesThatDiffer(session, suspects);
      differing = suspects.map((part, i) => ({
        part,
        leaves: after[i]!.filter((leaf) => before[i]!.includes(leaf)),
      })).filter(({ leaves }) => leaves.length > 0);
    }
    let repaired = 0;
    const unlike = new Set<number>();
    await inParallel(differing, PARTITIONS_AT_ONCE, async ({ part, leaves }) => {
      const exchanged = await this.#exchange(session, part, new Set(leaves));
      repaired += exchanged.repaired;
      if (exchanged.skipped > 0) unlike.add(part.partition);
    });
    filledBut(unlike);
    this.#compared++;
    this.#repaired += repaired;
    return {
      partitions: new Set(shared.map(({ partition }) => partition)).size,
      differing: partitionsIn(differing.map(({ part }) => part)),
      repaired,
    };
  }

  /** Compares with the node whose turn it is. */
  async #next(): Promise<void> {
    const { cluster, log, replica } = this.#options;
    if (replica.writeProblem() !== undefined) return;
    const others = cluster.current()?.layout.members.map(({ node }) => node)
      .filter((node) => {
        const peer = cluster.peerOf(node);
        return node !== cluster.self && peer !== undefined && cluster.rpc.isUp(peer);
      }) ?? [];
    if (others.length === 0) return;
    const node = others[this.#turn++ % others.length]!;
    try {
      const { differing, repaired } = await this.compareWith(node);
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

  #sharedWith(node: string, only: ReadonlySet<number> | undefined): Part[] {
    const { cluster, namespaces } = this.#options;
    const { placement } = layoutOf(cluster);
    return namespaces.copies().flatMap((count) => {
      const copies = count || undefined;
      return placement.partitionsOf(cluster.self, copies)
        .filter((partition) => placement.isOwner(node, partition, copies))
        .filter((partition) => only?.has(partition) !== false)
        .map((partition): Part => ({ partition, copies: count }));
    });
  }

  /** Waits while requests are slow; who has forgotten does not, as it answers nobody until it has filled. */
  async #giveWay(): Promise<void> {
    const { filling, pace } = this.#options;
    if (!filling.isActive) await pace?.giveWay();
  }

  /** Those whose roots differ. */
  async #differing(session: Session, node: string, parts: readonly Part[]): Promise<Part[]> {
    const { clock, replica: { trees } } = this.#options;
    const found: Part[] = [];
    for (const chunk of chunksOf(parts)) {
      await this.#giveWay();
      const partitions = chunk.map(({ partition }) => partition);
      const reply = await this.#ask(session, METHODS.roots, [chunk[0]!.copies, partitions]);
      const roots = rootsIn(new Arguments(reply, "roots answer").bytes(8 * ROOTS_COUNT));
      for (const [i, part] of chunk.entries()) {
        const tree = trees.get(part.partition, part.copies);
        const own = tree instanceof Promise ? await tree : tree;
        if (own.root() !== roots[i]) {
          found.push(part);
          continue;
        }
        const name = nameOf(part);
        let seen = this.#equalAtMs.get(name);
        if (seen === undefined) this.#equalAtMs.set(name, seen = new Map());
        seen.set(node, clock.monotonic());
      }
    }
    return found;
  }

  async #leavesThatDiffer(session: Session, parts: readonly Part[]): Promise<number[][]> {
    const found: number[][] = [];
    for (let at = 0; at < parts.length; at += LEAVES_AT_ONCE) {
      await this.#giveWay();
      const some = parts.slice(at, at + LEAVES_AT_ONCE);
      found.push(...await Promise.all(some.map((part) => this.#leavesOf(session, part))));
    }
    return found;
  }

  /** The leaves of one tree that differ. */
  async #leavesOf(session: Session, { copies, partition }: Part): Promise<number[]> {
    const reply = await this.#ask(session, METHODS.leaves, [copies, partition]);
    const theirs = new Arguments(reply, "leaves answer").bytes(LEAVES_BYTES);
    const tree = await this.#options.replica.trees.get(partition, copies);
    return differingLeaves(tree.leaves(), theirs);
  }

  /**
   * Makes two copies of some leaves the same; returns how many copies of keys have changed, and how many keys
   * were skipped because one of the two cannot read or cannot take them.
   */
  async #exchange(
    session: Session,
    { copies, partition }: Part,
    leaves: ReadonlySet<number>,
  ): Promise<{ repaired: number; skipped: number }> {
    const { namespaces, replica: { trees } } = this.#options;
    const theirs = await this.#theirEntries(session, { copies, partition }, leaves);
    const ours = new Map<string, bigint>();
    for await (const entry of trees.entries(partition)) {
      if (isIn(entry, leaves, copies, namespaces)) ours.set(binaryString(entry.key), entry.digest);
    }
    let [count, repaired, skipped] = [0, 0, 0];
    const names = new Set([...theirs.keys(), ...ours.keys()]);
    await inParallel(names, KEYS_AT_ONCE, async (name) => {
      const [own, other] = [ours.get(name), theirs.get(name)];
      if (own === other || this.#isStopped) return;
      if (count++ % KEYS_BETWEEN_LOOKS === 0) await this.#giveWay();
      try {
        const changed = await this.#level(session, partition, fromBinaryString(name), own, other);
        repaired += changed;
      } catch (error) {
        if (!isOfOneKey(error)) throw error;
        skipped++;
      }
    });
    return { repaired, skipped };
  }

  async #theirEntries(
    session: Session,
    { copies, partition }: Part,
    leaves: ReadonlySet<number>,
  ): Promise<Map<string, bigint>> {
    const found = new Map<string, bigint>();
    for (let after: Uint8Array | null = null;;) {
      await this.#giveWay();
      const question = [copies, partition, [...leaves], after];
      const reply = await this.#ask(session, METHODS.entries, question);
      const entries = new Arguments(reply, "entries answer").list(ENTRIES_COUNT);
      for (const entry of entries) {
        const args = new Arguments(entry as unknown[], "entries answer");
        const key = args.ownBytes(LIMITS.key);
        found.set(binaryString(key), rootsIn(args.bytes(8))[0]!);
        after = key;
      }
      if (entries.length < ENTRIES_COUNT) return found;
    }
  }

  /** Makes two copies of one key the same; returns how many of the two have changed. */
  async #level(
    session: Session,
    partition: number,
    key: Uint8Array,
    own: bigint | undefined,
    other: bigint | undefined,
  ): Promise<number> {
    const { cluster, replica } = this.#options;
    if (other !== undefined) {
      const digest = own === undefined ? null : rootBytes([own]);
      const reply = await this.#ask(session, METHODS.read, [partition, key, digest, cluster.self]);
      const bytes = new Arguments(reply, "read answer").optional((it) =>
        it.ownBytes(LIMITS.object)
      );
      if (bytes === undefined) return 0;
      await replica.merge(partition, key, decodeObject(bytes));
    }
    const held = await replica.read(partition, key);
    const repaired = held.isEmpty || held.digest() === own ? 0 : 1;
    if (held.isEmpty || held.digest() === other) return repaired;
    if (!session.takesWrites) return repaired;
    await this.#ask(session, METHODS.store, [partition, key, held.encoded()]);
    return repaired + 1;
  }

  #ask(
    { layoutId, peer }: Session,
    method: typeof METHODS[keyof typeof METHODS],
    args: readonly unknown[],
  ): Promise<readonly unknown[]> {
    const { rpc } = this.#options.cluster;
    return rpc.call(peer, method, [layoutId, ...args], TIMEOUT_MS, "bulk");
  }
}

/** Whether an error is about one record, and no reason to leave all others as they are. */
function isOfOneKey(error: unknown): boolean {
  return error instanceof DenamoError && (error.code === "corrupt" || error.code === "too_large");
}

/** The partitions of which no part was left out. */
function fullyShared(parts: readonly Part[]): Set<number> {
  return new Set(parts.filter(({ copies }) => copies === 0).map(({ partition }) => partition));
}
