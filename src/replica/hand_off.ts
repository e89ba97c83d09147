// Hinted hand-off: what a node keeps for owners that could not be reached, and how they get it.
//
// There is no list of hints. A copy of a key that this node does not own is the hint: it says by being here that
// an owner may lack something. All owners that can be reached are sent it; when all of them have it on their
// disks, and the copy is still the one that was sent, it is dropped. So a hint survives a crash, a second
// write while it waits merges into it, a change of owners needs no thought, and what counted towards a quorum
// is not dropped before every owner has it.
//
// What is kept is bounded in bytes: over the limit a node stands in for nobody, and writes go on through the
// others. It is bounded in time as well (see hint_window.ts): nobody stands in for an owner that has been away for
// hours. What is kept already stays until all owners have it.
//
// Source: DeCandia et al., "Dynamo" (2007), section 4.6.

import { binaryString, fromBinaryString } from "../base/bytes.ts";
import { DataObject } from "../crdt/data_object.ts";
import type { ObjectDelta } from "../crdt/object_delta.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { PARTITION_COUNT_MAX } from "../ring/partition.ts";
import type { ScanStart } from "../storage/storage.ts";
import { DenamoError, messageOf, OverloadedError } from "../wire/errors.ts";
import { METHODS } from "../wire/message_codec.ts";
import { type Cluster, layoutOf, learnFromRefusal, type Reachable, reachable } from "./cluster.ts";
import { seenByMost, wholeCopyIn } from "./copy.ts";
import type { Namespaces } from "./namespaces.ts";
import type { Pace } from "./pace.ts";
import type { Replica } from "./replica.ts";

export interface HandOffOptions {
  readonly cluster: Cluster;
  readonly replica: Replica;
  readonly namespaces: Namespaces;
  readonly clock: Clock;
  readonly log: Log;
  /** How much may be kept for others, in bytes. */
  readonly limitBytes: number;
  /** Whether commits to the own disk fail: what is handed over could not be dropped. */
  readonly diskRefuses?: (() => boolean) | undefined;
  /** Gives way to requests. */
  readonly pace?: Pace | undefined;
}

/** What is kept for others. */
export interface HintCounts {
  readonly keys: number;
  readonly bytes: number;
  /** Copies that were handed over and dropped since the start. */
  readonly handedOver: number;
}

const NOBODY: ReadonlySet<string> = new Set();

/** How often it is looked whether somebody can be given something, in milliseconds. */
const LOOK_EVERY_MS = 1_000;

/** How many keys are read at once in the search for what is kept, and how many are handed over at once. */
const SEARCHED_COUNT = 256;
const PAGE_COUNT = 32;

const TIMEOUT_MS = 10_000;

/** What keeping track of a key costs beside its object. */
const OVERHEAD_BYTES = 100;

/** A copy that is kept for owners, as an operator sees it. */
export interface KeptCopy {
  readonly bytes: number;
  /** For how long this run of the node has known it, in milliseconds. */
  readonly ageMs: number;
  /** Owners that are not known to have it. */
  readonly lacking: readonly string[];
}

/** That a key is kept; another one takes its place when the key changes. */
interface Hint {
  readonly bytes: number;
  /** Since when the key is kept, in milliseconds of the clock's monotonic time. */
  readonly sinceMs: number;
}

/** What is kept of one partition. */
interface Kept {
  /** By key as text. */
  readonly hints: Map<string, Hint>;
  /** The owners that could be reached when all of it was last handed over, each with its peer. */
  givenTo: string;
  /** The owners, each with its peer, that have all of it. */
  hasAll: ReadonlySet<string>;
}

export class HandOff {
  readonly #options: HandOffOptions;
  readonly #kept = new Map<number, Kept>();
  #bytes = 0;
  #keys = 0;
  #handedOver = 0;
  /** By partition, how many objects are on their way to the disk and not noted yet. */
  readonly #arriving = new Map<number, number>();
  #hasLooked = false;
  /** How often keys have come to other owners. */
  #moves = 0;
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: HandOffOptions) {
    this.#options = options;
  }

  get counts(): HintCounts {
    return { keys: this.#keys, bytes: this.#bytes, handedOver: this.#handedOver };
  }

  /** Whether the disk has been searched for what an earlier run kept: before, the counts are too low. */
  get hasLooked(): boolean {
    return this.#hasLooked;
  }

  get limitBytes(): number {
    return this.#options.limitBytes;
  }

  /** Everything that is kept, partition by partition. */
  *kept(): Generator<KeptCopy> {
    const { clock, cluster, namespaces } = this.#options;
    const current = cluster.current();
    if (current === undefined) return;
    const nowMs = clock.monotonic();
    for (const [partition, { hasAll, hints }] of this.#kept) {
      const lacks = (owner: string) => !hasAll.has(`${owner} ${cluster.peerOf(owner)}`);
      for (const [name, { bytes, sinceMs }] of hints) {
        const { n } = namespaces.of(fromBinaryString(name));
        const lacking = current.placement.ownersFor(partition, n).filter(lacks);
        yield { bytes, ageMs: nowMs - sinceMs, lacking };
      }
    }
  }

  /** Hands over what can be, from now on. */
  start(): void {
    this.#timer = this.#options.clock.after(LOOK_EVERY_MS, () => {
      this.#look().catch((error) => {
        if (this.#isStopped) return;
        this.#options.log.warn("Cannot hand over now", { error: messageOf(error) });
      }).finally(() => {
        if (!this.#isStopped) this.start();
      });
    });
  }

  /** Keys have other owners from now on: what is here and not ours has to be found again. */
  lookAgain(): void {
    this.#hasLooked = false;
    this.#moves++;
    for (const kept of this.#kept.values()) {
      kept.givenTo = "";
      kept.hasAll = NOBODY;
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /**
   * Keeps an object, or a change of one, for an owner. Resolves when it is durable here.
   *
   * @throws {DenamoError} `gap` if this node has not seen what the change builds upon
   * @throws {DenamoError} as {@linkcode HandOff.checkRoom} does, and if the owner has been away for too long
   */
  async keep(
    owner: string,
    partition: number,
    key: Uint8Array,
    arrived: DataObject | ObjectDelta,
  ): Promise<void> {
    const problem = this.#options.cluster.hintProblem(owner);
    if (problem !== undefined) throw problem;
    this.checkRoom();
    this.#arriving.set(partition, (this.#arriving.get(partition) ?? 0) + 1);
    try {
      const { replica } = this.#options;
      if (arrived instanceof DataObject) await replica.merge(partition, key, arrived);
      else await replica.mergeDelta(partition, key, arrived);
    } finally {
      // Not before: what is not there yet would be taken for handed over.
      await this.#noteHeld(partition, key);
      this.#arriving.set(partition, this.#arriving.get(partition)! - 1);
    }
  }

  /** Whether this node keeps, or may keep, anything of a partition for others. */
  mayKeep(partition: number): boolean {
    return !this.#hasLooked || this.#kept.has(partition) ||
      (this.#arriving.get(partition) ?? 0) > 0;
  }

  /**
   * @throws {OverloadedError} if as much is kept as may be
   * @throws {DenamoError} `disk_failed` if the disk takes no writes
   */
  checkRoom(): void {
    const { limitBytes, replica } = this.#options;
    const problem = replica.writeProblem();
    if (problem !== undefined) throw problem;
    if (this.#bytes < limitBytes) return;
    throw new OverloadedError("What is kept for other nodes", limitBytes);
  }

  /** Takes note that this node holds a key that it does not own. */
  note(partition: number, key: Uint8Array, object: DataObject): void {
    let kept = this.#kept.get(partition);
    if (kept === undefined) {
      kept = { hints: new Map(), givenTo: "", hasAll: NOBODY };
      this.#kept.set(partition, kept);
    }
    kept.givenTo = "";
    kept.hasAll = NOBODY;
    const name = binaryString(key);
    const before = kept.hints.get(name);
    const bytes = OVERHEAD_BYTES + object.sizeBytes;
    kept.hints.set(name, { bytes, sinceMs: before?.sinceMs ?? this.#options.clock.monotonic() });
    this.#bytes += bytes - (before?.bytes ?? 0);
    if (before === undefined) this.#keys++;
  }

  /** Takes note of a key after it has been stored, or may have been. */
  async #noteHeld(partition: number, key: Uint8Array): Promise<void> {
    let object = DataObject.empty;
    try {
      object = await this.#options.replica.read(partition, key);
    } catch {
      // What cannot be read may be there all the same.
    }
    this.note(partition, key, object);
  }

  async #look(): Promise<void> {
    const { cluster, diskRefuses } = this.#options;
    if (cluster.current() === undefined || diskRefuses?.() === true) return;
    if (!this.#hasLooked) await this.#lookForForeignKeys();
    for (const [partition, kept] of this.#kept) {
      if (this.#isStopped) return;
      const whom = reachable(cluster, this.#ownersOf(partition))
        .filter(({ node }) => cluster.takesWrites(node));
      const names = namesOf(whom);
      const all = names.join(" ");
      if (all === "" || all === kept.givenTo) continue;
      // What is noted meanwhile takes this back.
      kept.givenTo = all;
      let isGiven = false;
      try {
        isGiven = await this.#give(partition, whom);
      } finally {
        if (kept.givenTo === all) {
          kept.givenTo = isGiven ? all : "";
          kept.hasAll = isGiven ? new Set(names) : NOBODY;
        }
      }
    }
  }

  /** After a start, and after a change of owners: what here is not ours? */
  async #lookForForeignKeys(): Promise<void> {
    const { namespaces, pace, replica } = this.#options;
    const moves = this.#moves;
    let from: ScanStart = { partition: 0 };
    for (;;) {
      await pace?.giveWay();
      const page = await replica.scan(from, PARTITION_COUNT_MAX - 1, undefined, SEARCHED_COUNT);
      for (const { partition, key, object } of page) {
        if (object === undefined || this.#owns(partition, namespaces.of(key).n)) continue;
        this.note(partition, key, object);
      }
      if (page.length < SEARCHED_COUNT || this.#isStopped) break;
      const { partition, key } = page[page.length - 1]!;
      from = { partition, after: key };
    }
    this.#hasLooked = moves === this.#moves;
  }

  /** Hands over what is kept of a partition; returns whether all of these nodes have all of it that they own. */
  async #give(partition: number, whom: readonly Reachable[]): Promise<boolean> {
    let isGiven = true;
    const names = [...this.#kept.get(partition)!.hints.keys()];
    for (let at = 0; at < names.length && !this.#isStopped; at += PAGE_COUNT) {
      await this.#options.pace?.giveWay();
      const page = names.slice(at, at + PAGE_COUNT);
      const given = await Promise.all(page.map((name) => this.#giveOne(partition, name, whom)));
      if (given.includes(false)) isGiven = false;
    }
    return isGiven && !this.#isStopped;
  }

  /** Whether those of these nodes that own a key have it. What fails for one key holds up no other. */
  async #giveOne(partition: number, name: string, whom: readonly Reachable[]): Promise<boolean> {
    try {
      const hint = this.#kept.get(partition)?.hints.get(name);
      return hint === undefined || await this.#send(partition, name, hint, whom);
    } catch (error) {
      if (!(error instanceof DenamoError)) throw error;
      if (this.#isStopped) return false;
      this.#options.log.debug("Cannot hand over a key now", { error: messageOf(error) });
      return false;
    }
  }

  /**
   * Sends a key to those of these nodes that own it, and drops it when all its owners have it. Returns whether
   * those that it was sent to have all that is left of it here.
   */
  async #send(
    partition: number,
    name: string,
    hint: Hint,
    whom: readonly Reachable[],
  ): Promise<boolean> {
    const { cluster, namespaces, replica } = this.#options;
    const key = fromBinaryString(name);
    const { n } = namespaces.of(key);
    const { layout, placement } = layoutOf(cluster);
    const held = await replica.read(partition, key);
    if (this.#owns(partition, n)) return this.#forget(partition, name, hint);
    if (held.isEmpty) {
      // A commit that failed may have left on the disk what nobody sees before the next start.
      if (!await replica.drop(partition, key, held)) return false;
      return this.#forget(partition, name, hint);
    }
    const owners = placement.ownersFor(partition, n);
    const takers = whom.filter(({ node }) => owners.includes(node));
    const message = [layout.id, partition, key, held.encoded()];
    let isOutdated = false;
    const replies = await Promise.all(takers.map(async ({ peer }) => {
      try {
        await cluster.rpc.call(peer, METHODS.store, message, TIMEOUT_MS, "bulk");
        return true;
      } catch (error) {
        if (!(error instanceof DenamoError)) throw error;
        learnFromRefusal(cluster, error);
        isOutdated ||= error.code === "outdated";
        return false;
      }
    }));
    if (isOutdated) await this.#loseOutdated(takers, partition, key, owners.length);
    if (replies.includes(false)) return false;
    if (takers.length < owners.length) return true;
    if (!await replica.drop(partition, key, held)) return false;
    this.#handedOver++;
    return this.#forget(partition, name, hint);
  }

  /**
   * Loses of a key what its owners have seen replaced: it was kept for so long that all of them forgot it. What one
   * owner says is not enough, as this may be the only copy.
   */
  async #loseOutdated(
    owners: readonly Reachable[],
    partition: number,
    key: Uint8Array,
    ownerCount: number,
  ): Promise<void> {
    const { cluster, replica } = this.#options;
    const { rpc } = cluster;
    const question = [layoutOf(cluster).layout.id, partition, key, null];
    const asked = owners.map(({ peer }) => {
      return rpc.query(peer, METHODS.read, question, TIMEOUT_MS, wholeCopyIn, "bulk");
    });
    const answers = await Promise.allSettled(asked);
    const copies = answers.flatMap((it) => it.status === "fulfilled" ? [it.value] : []);
    const agreed = seenByMost(copies, ownerCount);
    if (agreed.floor > 0) await replica.level(partition, key, agreed.object, agreed.floor);
  }

  /** Ends a hint, unless another has taken its place. */
  #forget(partition: number, name: string, hint: Hint): true {
    const kept = this.#kept.get(partition);
    if (kept?.hints.get(name) !== hint) return true;
    kept.hints.delete(name);
    this.#bytes -= hint.bytes;
    this.#keys--;
    if (kept.hints.size === 0) this.#kept.delete(partition);
    return true;
  }

  /** All that own some key of a partition. */
  #ownersOf(partition: number): string[] {
    const { cluster, namespaces } = this.#options;
    const { placement } = layoutOf(cluster);
    const owners = namespaces.copies().flatMap((copies) => {
      return placement.ownersFor(partition, copies || undefined);
    });
    return [...new Set(owners)];
  }

  #owns(partition: number, copies: number | undefined): boolean {
    const { cluster } = this.#options;
    return layoutOf(cluster).placement.isOwner(cluster.self, partition, copies);
  }
}

/** The nodes as they are at present: who comes back as another peer counts as another. */
function namesOf(nodes: readonly Reachable[]): string[] {
  return nodes.map(({ node, peer }) => `${node} ${peer}`).sort();
}
