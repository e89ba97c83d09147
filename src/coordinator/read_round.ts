// One read on its way to the owners' copies, and to those of their stand-ins.
//
// It waits for each node as long as nineteen of twenty of that node's answers take, and then asks the next one
// beside it (see wire/hedging.ts). A node whose circuit breaker is open is not waited for at all.
//
// Nodes that stand in know of a key what they were given since its owners could not be reached, and nothing of what was
// stored before. So if they hold nothing that is no answer yet: further stand-ins are asked and owners waited for
// as long as one of them may answer, and in the end the read is refused.

import type { HybridTime } from "../causality/dot.ts";
import type { DataObject } from "../crdt/data_object.ts";
import type { PeerId } from "../ports/network.ts";
import {
  type Cluster,
  layoutOf,
  learnFromRefusal,
  type Reachable,
  reachable,
} from "../replica/cluster.ts";
import { copyIn } from "../replica/copy.ts";
import type { Deadline, Deadlines } from "../wire/deadlines.ts";
import { DenamoError } from "../wire/errors.ts";
import { MOST_PATIENCE_MS } from "../wire/hedging.ts";
import { METHODS } from "../wire/message_codec.ts";
import type { Quorum } from "./quorum.ts";
import type { StandIn } from "./stand_ins.ts";

/** What is read. */
export interface Reading {
  readonly partition: number;
  readonly key: Uint8Array;
  /** The hash of the own copy, if there is one to compare with. */
  readonly digest: Uint8Array | undefined;
  readonly timeoutMs: number;
  /** Whether the quorum must hold an owner, or something that was found. */
  readonly needsWitness: boolean;
}

/** What one copy holds; `undefined` stands for "the same as the coordinator". */
export interface Answer {
  readonly node: string;
  /** Whether the node owns the key and does not stand in. */
  readonly isOwner: boolean;
  readonly object: DataObject | undefined;
  /** Up to where the node has seen everything; 0 if that is not known. */
  readonly floor: HybridTime;
}

/** One owner's place in the quorum. */
interface Slot {
  readonly owner: string;
  isAnswered: boolean;
  hasStandIn: boolean;
  failure: unknown;
}

export class ReadRound {
  readonly #cluster: Cluster;
  readonly #deadlines: Deadlines;
  readonly #quorum: Quorum;
  readonly #slots: readonly Slot[];
  /** Owners that have not been asked, the fastest first. */
  readonly #owners: Reachable[];
  readonly #findStandIns: () => readonly StandIn[];
  #standIns: StandIn[] | undefined;
  /** Those that have been asked and have not answered. */
  readonly #open = new Set<PeerId>();
  #isDone = false;
  #needsWitness = false;
  #deadline: Deadline | undefined;
  #impatience: Deadline | undefined;
  readonly #answers: Answer[] = [];
  readonly #done = Promise.withResolvers<readonly Answer[]>();

  /** @param owners of which this node, if it is one of them, has been counted by the caller already */
  constructor(
    cluster: Cluster,
    deadlines: Deadlines,
    quorum: Quorum,
    owners: readonly string[],
    findStandIns: () => readonly StandIn[],
  ) {
    this.#cluster = cluster;
    this.#deadlines = deadlines;
    this.#quorum = quorum;
    this.#findStandIns = findStandIns;
    const others = owners.filter((owner) => owner !== cluster.self);
    this.#slots = others.map((owner) => ({
      owner,
      isAnswered: false,
      hasStandIn: false,
      failure: undefined,
    }));
    this.#owners = reachable(cluster, others);
    for (const slot of this.#slots) {
      if (!this.#owners.some(({ node }) => node === slot.owner)) slot.failure = NOT_CONNECTED;
    }
  }

  /**
   * Asks until the quorum is reached, by an owner or with something found if it needs that.
   *
   * @throws {QuorumError} with the outcome `no`
   */
  run(reading: Reading): Promise<readonly Answer[]> {
    this.#needsWitness = reading.needsWitness;
    this.#deadline = this.#deadlines.set(reading.timeoutMs, () => this.#expire());
    const { missing } = this.#quorum;
    if (this.#owners.length < missing && this.#owners.length + this.#spare.length < missing) {
      this.#fail(undefined);
    }
    for (let i = this.#quorum.missing; i > 0 && !this.#isDone; i--) this.#askNext(reading);
    this.#judge(reading);
    this.#cluster.rpc.hedging.reads.begin();
    this.#hedgeLater(reading, 0);
    return this.#done.promise;
  }

  /** @param waitedMs since the last one was asked */
  #hedgeLater(reading: Reading, waitedMs: number): void {
    if (this.#isDone) return;
    const { reads } = this.#cluster.rpc.hedging;
    const patienceMs = waitedMs > 0 ? MOST_PATIENCE_MS : reads.patienceMs(this.#open);
    this.#impatience = this.#deadlines.set(patienceMs - waitedMs, () => {
      if (!this.#hasNext && !this.#needsWitness) return;
      const isHedged = this.#hasNext && reads.take(patienceMs);
      if (isHedged) this.#askNext(reading);
      // An owner that was hoped for may be avoided by now.
      this.#judge(reading);
      this.#hedgeLater(reading, isHedged || !this.#hasNext ? 0 : patienceMs);
    });
  }

  get #hasNext(): boolean {
    return this.#owners.length > 0 || (this.#openSlot() !== undefined && this.#spare.length > 0);
  }

  get #spare(): StandIn[] {
    return this.#standIns ??= [...this.#findStandIns()];
  }

  /** The next slot that a stand-in may take: one whose owner has failed, or is slow. */
  #openSlot(): Slot | undefined {
    const open = this.#slots.filter(({ hasStandIn, isAnswered }) => !hasStandIn && !isAnswered);
    return open.find(({ failure }) => failure !== undefined) ?? open[0];
  }

  #askNext(reading: Reading): void {
    const owner = this.#owners.shift();
    if (owner !== undefined) {
      const slot = this.#slots.find((it) => it.owner === owner.node)!;
      this.#ask(slot, owner.node, owner.peer, reading);
      if (this.#cluster.rpc.isAvoided(owner.peer)) this.#askNext(reading);
      return;
    }
    const slot = this.#openSlot();
    if (slot === undefined) return;
    const next = this.#spare.shift();
    if (next === undefined) return;
    slot.hasStandIn = true;
    if (next.peer === undefined) this.#count(slot);
    else this.#ask(slot, next.node, next.peer, reading);
  }

  #ask(slot: Slot, node: string, peer: PeerId, reading: Reading): void {
    const { digest, key, partition, timeoutMs } = reading;
    const cluster = this.#cluster;
    const isOwner = node === slot.owner;
    this.#open.add(peer);
    const message = [layoutOf(cluster).layout.id, partition, key, digest ?? null];
    if (!isOwner) message.push(slot.owner);
    cluster.rpc.ask([peer], METHODS.read, message, timeoutMs, (_peer, reply) => {
      this.#open.delete(peer);
      if (this.#isDone) return;
      try {
        if (reply instanceof DenamoError) throw reply;
        const copy = cluster.rpc.readAnswer(peer, METHODS.read, reply, copyIn);
        this.#answers.push({ node, isOwner, ...copy });
        if (isOwner || copy.object?.isEmpty === false) this.#needsWitness = false;
        this.#count(slot);
      } catch (error) {
        if (error instanceof DenamoError) learnFromRefusal(cluster, error);
        slot.failure = error;
        if (!isOwner) slot.hasStandIn = false;
        this.#askNext(reading);
      }
      this.#judge(reading);
    });
  }

  #count(slot: Slot): void {
    if (slot.isAnswered) return;
    slot.isAnswered = true;
    this.#quorum.succeed();
  }

  #judge(reading: Reading): void {
    if (this.#isDone) return;
    if (this.#quorum.isReached) {
      if (this.#needsWitness) return this.#seekWitness(reading);
      this.#end();
      this.#done.resolve(this.#answers);
    } else if (this.#open.size === 0 && this.#owners.length === 0) {
      // Whoever could be asked has been asked.
      this.#fail(NO_ANSWER);
    }
  }

  /** Enough have answered, none of them owns the key and none holds anything: who else could know? */
  #seekWitness(reading: Reading): void {
    const isHopeful = ({ node, peer }: Reachable) =>
      !this.#cluster.rpc.isAvoided(peer) && !this.#cluster.isDown(node);
    const asked = reachable(this.#cluster, this.#slots.map(({ owner }) => owner));
    const isOwnerOpen = asked.some((owner) => this.#open.has(owner.peer) && isHopeful(owner));
    if (isOwnerOpen) return;
    if (this.#owners.some(isHopeful)) return this.#askNext(reading);
    // Stand-ins that are asked already answer first.
    const isStandInOpen = [...this.#open].some((peer) => !asked.some((it) => it.peer === peer));
    if (isStandInOpen) return;
    while (this.#needsWitness && this.#hasNext && !this.#isDone) {
      const openCount = this.#open.size;
      this.#askNext(reading);
      if (this.#open.size > openCount) return;
    }
    if (!this.#isDone) this.#fail(NO_ANSWER);
  }

  #expire(): void {
    if (!this.#isDone) this.#fail(NO_ANSWER);
  }

  /** @param otherwise what is wrong with owners of which nothing worse is known, if anything is */
  #fail(otherwise: DenamoError | undefined): void {
    this.#end();
    const isUnseen = this.#quorum.isReached;
    for (const { failure, isAnswered, owner } of this.#slots) {
      const cause = failure ?? otherwise;
      const isMissing = isUnseen || !isAnswered;
      if (isMissing && cause !== undefined) this.#quorum.fail(owner, cause);
    }
    this.#done.reject(isUnseen ? this.#quorum.unseenError() : this.#quorum.error("no"));
  }

  #end(): void {
    this.#isDone = true;
    if (this.#deadline !== undefined) this.#deadlines.clear(this.#deadline);
    if (this.#impatience !== undefined) this.#deadlines.clear(this.#impatience);
  }
}

const NOT_CONNECTED = new DenamoError("timeout", "no", "is not connected");
const NO_ANSWER = new DenamoError("timeout", "no", "has not answered in time");
