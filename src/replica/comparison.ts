// One comparison of this node's copies with those of one other owner, both ways.
//
//   roots of all partitions that both own ->  mostly equal: done
//   leaves of a partition that differs
//   keys and digests of those leaves      ->  the objects that differ, both ways, merged
//
// The work is done by who asks; the other only answers. With its roots it tells its floors: what lies below one and
// is not there has been replaced, and is lost here too instead of being sent (see floors.ts), as far as this owner has
// agreed to that floor or others tell the same. So that nothing is lost which the other cannot read, it is asked
// for each such key by name.

import { binaryString, compareBytes, fromBinaryString } from "../base/bytes.ts";
import { inParallel } from "../base/in_parallel.ts";
import { MalformedError } from "../base/malformed.ts";
import { type HybridTime, MAX_FLOOR } from "../causality/dot.ts";
import { DataObject } from "../crdt/data_object.ts";
import { bringsUnseen } from "../crdt/forgetting.ts";
import type { PeerId } from "../ports/network.ts";
import { Arguments } from "../wire/arguments.ts";
import { DenamoError, type ErrorCode } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { type Method, METHODS } from "../wire/message_codec.ts";
import { type Cluster, layoutOf } from "./cluster.ts";
import { copyIn } from "./copy.ts";
import { differingLeaves, LEAVES_BYTES } from "./hash_tree.ts";
import type { Floors } from "./floors.ts";
import type { Namespaces } from "./namespaces.ts";
import { chunksOf, type Part, type PartId, partId } from "./parts.ts";
import type { Replica } from "./replica.ts";
import { ENTRIES_COUNT, isIn, rootBytes, ROOTS_COUNT, rootsIn } from "./tree_service.ts";

export interface ComparisonOptions {
  readonly cluster: Cluster;
  readonly replica: Replica;
  readonly namespaces: Namespaces;
  readonly floors: Floors;
  /** Waits while requests are slow. */
  readonly giveWay: () => Promise<void>;
  readonly isStopped: () => boolean;
}

/** What came of making some leaves the same. */
export interface Exchange {
  /** Copies of keys that have changed, here and there. */
  readonly repaired: number;
  /** Keys that one of the two cannot read, or that are too large when merged. */
  readonly skipped: number;
  /** Keys of which the other node takes nothing at present. */
  readonly unsent: number;
}

const TIMEOUT_MS = 30_000;

/** Of how many partitions the leaves are asked for at once. */
const LEAVES_AT_ONCE = 64;

/** How many keys of a partition are made the same at once. */
const KEYS_AT_ONCE = 8;

/** After how many keys that differ it is looked whether requests are slow. */
const KEYS_BETWEEN_LOOKS = 32;

export class PairComparison {
  readonly #options: ComparisonOptions;
  readonly #node: string;
  readonly #peer: PeerId;
  readonly #layoutId: string;
  /** What this node meant by a part when it began. */
  readonly #partsId: string;
  /** Whether the node takes what it lacks; one whose disk is full would refuse it again and again. */
  readonly #takesWrites: boolean;
  readonly #floors = new Map<PartId, HybridTime>();

  /** @throws {DenamoError} if the node is not connected */
  constructor(options: ComparisonOptions, node: string) {
    const { cluster } = options;
    const peer = cluster.peerOf(node);
    if (peer === undefined || !cluster.rpc.isUp(peer)) {
      throw new DenamoError("timeout", "no", `${node} is not connected`);
    }
    this.#options = options;
    this.#node = node;
    this.#peer = peer;
    this.#layoutId = layoutOf(cluster).layout.id;
    this.#partsId = options.replica.partsId(this.#layoutId);
    this.#takesWrites = cluster.takesWrites(node);
  }

  /** Whether the other node has told of any floor. */
  get hasFloors(): boolean {
    return this.#floors.size > 0;
  }

  /** The floor that the other node has told of a part; 0 if none. */
  toldFloorOf(part: Part): HybridTime {
    return this.#floors.get(partId(part)) ?? 0;
  }

  /** As much of it as there is reason to believe; see {@linkcode Floors.believed}. */
  floorOf(part: Part): HybridTime {
    return this.#believed(part, this.toldFloorOf(part));
  }

  #believed(part: Part, floor: HybridTime): HybridTime {
    if (floor === 0) return 0;
    const { cluster, floors } = this.#options;
    const { copies, partition } = part;
    const owners = layoutOf(cluster).placement.ownersFor(partition, copies || undefined);
    const others = owners.filter((owner) => owner !== cluster.self);
    const isFilling = cluster.fillingProblem(partition, copies || undefined) !== undefined;
    return floors.believed(partId(part), floor, others, isFilling);
  }

  /** Sorts parts into those that are the same and those that are not. */
  async roots(parts: readonly Part[]): Promise<{ equal: Part[]; differing: Part[] }> {
    const { giveWay, replica: { trees } } = this.#options;
    const equal: Part[] = [];
    const differing: Part[] = [];
    for (const chunk of chunksOf(parts)) {
      await giveWay();
      const partitions = chunk.map(({ partition }) => partition);
      const question = [chunk[0]!.copies, partitions];
      const { floors, roots } = await this.#askTrees(
        METHODS.roots,
        question,
        (answer) => readRoots(answer, chunk.length),
      );
      for (const [i, floor] of floors) {
        const part = partId(chunk[i]!);
        this.#floors.set(part, floor);
        this.#options.floors.hear(part, this.#node, floor);
      }
      for (const [i, part] of chunk.entries()) {
        const tree = trees.get(part.partition, part.copies);
        const own = tree instanceof Promise ? await tree : tree;
        (own.root() === roots[i] ? equal : differing).push(part);
      }
    }
    return { equal, differing };
  }

  /** By part, the numbers of the leaves that differ. */
  async leaves(parts: readonly Part[]): Promise<number[][]> {
    const found: number[][] = [];
    for (let at = 0; at < parts.length; at += LEAVES_AT_ONCE) {
      await this.#options.giveWay();
      const some = parts.slice(at, at + LEAVES_AT_ONCE);
      found.push(...await Promise.all(some.map((part) => this.#leavesOf(part))));
    }
    return found;
  }

  /** Makes two copies of some leaves the same. */
  async exchange({ copies, partition }: Part, leaves: ReadonlySet<number>): Promise<Exchange> {
    const { giveWay, isStopped, namespaces, replica: { trees } } = this.#options;
    const theirs = await this.#theirEntries({ copies, partition }, leaves);
    const ours = new Map<string, bigint>();
    for await (const entry of trees.entries(partition)) {
      if (isIn(entry, leaves, copies, namespaces)) ours.set(binaryString(entry.key), entry.digest);
    }
    let [count, repaired, skipped, unsent] = [0, 0, 0, 0];
    const names = new Set([...theirs.keys(), ...ours.keys()]);
    await inParallel(names, KEYS_AT_ONCE, async (name) => {
      const [own, other] = [ours.get(name), theirs.get(name)];
      if (own === other || isStopped()) return;
      if (count++ % KEYS_BETWEEN_LOOKS === 0) await giveWay();
      try {
        const key = fromBinaryString(name);
        const levelled = await this.#level({ copies, partition }, key, own, other);
        repaired += levelled.repaired;
        if (!levelled.isEqual) unsent++;
      } catch (error) {
        if (!isOfOneKey(error)) throw error;
        skipped++;
      }
    });
    return { repaired, skipped, unsent };
  }

  async #leavesOf({ copies, partition }: Part): Promise<number[]> {
    const theirs = await this.#askTrees(METHODS.leaves, [copies, partition], (answer) => {
      return new Arguments(answer, "leaves answer").bytes(LEAVES_BYTES);
    });
    const tree = await this.#options.replica.trees.get(partition, copies);
    return differingLeaves(tree.leaves(), theirs);
  }

  async #theirEntries(
    { copies, partition }: Part,
    leaves: ReadonlySet<number>,
  ): Promise<Map<string, bigint>> {
    const found = new Map<string, bigint>();
    let after: Uint8Array | null = null;
    for (;;) {
      await this.#options.giveWay();
      const question: unknown[] = [copies, partition, [...leaves], after];
      const entries: readonly Entry[] = await this.#askTrees(
        METHODS.entries,
        question,
        (answer) => readEntries(answer, after),
      );
      for (const { digest, key } of entries) {
        found.set(binaryString(key), digest);
        after = key;
      }
      if (entries.length < ENTRIES_COUNT) return found;
    }
  }

  /**
   * Makes two copies of one key the same; tells how many of the two have changed, and whether the other node has
   * all that is here.
   */
  async #level(
    part: Part,
    key: Uint8Array,
    own: bigint | undefined,
    other: bigint | undefined,
  ): Promise<{ repaired: number; isEqual: boolean }> {
    const { cluster, replica } = this.#options;
    const { partition } = part;
    const before = await replica.read(partition, key);
    let theirs = DataObject.empty;
    let floor = this.floorOf(part);
    if (other !== undefined || bringsUnseen(theirs, before, floor)) {
      const digest = own === undefined ? null : rootBytes([own]);
      const question = [partition, key, digest, cluster.self];
      const copy = await this.#ask(METHODS.read, question, copyIn);
      if (copy.object === undefined) return { repaired: 0, isEqual: true };
      theirs = copy.object;
      floor = this.#believed(part, copy.floor);
    }
    await replica.level(partition, key, theirs, floor);
    const held = await replica.read(partition, key);
    const repaired = isSame(held, before) ? 0 : 1;
    if (isSame(held, theirs)) return { repaired, isEqual: true };
    if (!this.#takesWrites) return { repaired, isEqual: false };
    const object = held.isEmpty ? null : held.encoded();
    const message = [partition, key, object, replica.floorOf(partition, key)];
    await this.#ask(METHODS.level, message, () => undefined);
    return { repaired: repaired + 1, isEqual: true };
  }

  /** Asks about parts: both must mean the same by them. */
  #askTrees<T>(
    method: Method,
    args: readonly unknown[],
    read: (answer: readonly unknown[]) => T,
  ): Promise<T> {
    if (this.#options.replica.partsId(this.#layoutId) !== this.#partsId) {
      throw new DenamoError("wrong_layout", "no", "Other namespaces have come into force");
    }
    return this.#ask(method, args, read, this.#partsId);
  }

  #ask<T>(
    method: Method,
    args: readonly unknown[],
    read: (answer: readonly unknown[]) => T,
    id = this.#layoutId,
  ): Promise<T> {
    const { rpc } = this.#options.cluster;
    return rpc.query(this.#peer, method, [id, ...args], TIMEOUT_MS, read, "bulk");
  }
}

/** The roots of `count` parts, and the floors of some of them by their places. @throws {MalformedError} */
function readRoots(
  answer: readonly unknown[],
  count: number,
): { readonly roots: bigint[]; readonly floors: ReadonlyMap<number, HybridTime> } {
  const args = new Arguments(answer, "roots answer");
  const roots = rootsIn(args.bytes(8 * ROOTS_COUNT));
  const told = new Arguments(args.optional((it) => it.list(2 * ROOTS_COUNT)) ?? [], "floors");
  const floors = new Map<number, HybridTime>();
  while (!told.isAtEnd) floors.set(told.count(count - 1), told.count(MAX_FLOOR));
  return { roots, floors };
}

interface Entry {
  readonly key: Uint8Array;
  readonly digest: bigint;
}

/** The entries behind the key `after`. @throws {MalformedError} */
function readEntries(answer: readonly unknown[], after: Uint8Array | null): Entry[] {
  let before = after;
  return new Arguments(answer, "entries answer").list(ENTRIES_COUNT).map((entry) => {
    const args = new Arguments([entry], "entries answer").row();
    const key = args.ownBytes(LIMITS.key);
    const [digest] = rootsIn(args.bytes(8));
    // Else asking for the next ones would never end.
    const isNext = before === null || compareBytes(key, before) > 0;
    if (digest === undefined || !isNext) throw args.malformed("keys with digests, in order");
    before = key;
    return { key, digest };
  });
}

function isSame(a: DataObject, b: DataObject): boolean {
  return a === b || a.isEmpty && b.isEmpty || a.digest() === b.digest();
}

/** Whether an error is about one record, and no reason to leave all others as they are. */
function isOfOneKey(error: unknown): boolean {
  if (error instanceof MalformedError) return true;
  return error instanceof DenamoError && OF_ONE_KEY.includes(error.code);
}

const OF_ONE_KEY: readonly ErrorCode[] = ["bad_request", "corrupt", "malformed", "too_large"];
