// One write on its way to the owners' disks, and to those of their stand-ins.
//
// A stand-in is asked when an owner takes far longer than it mostly does (see wire/hedging.ts), and at once beside an
// owner whose circuit breaker is open. Nobody is asked to stand in for an owner that has been away for so long that
// nothing more is kept for it (see replica/hint_window.ts): the write has to do without that owner.

import type { DataObject } from "../crdt/data_object.ts";
import type { PeerId } from "../ports/network.ts";
import { type Cluster, learnFromRefusal } from "../replica/cluster.ts";
import { isTooLongAway } from "../replica/hint_window.ts";
import type { Deadline, Deadlines } from "../wire/deadlines.ts";
import { DenamoError, OverloadedError, type QuorumError } from "../wire/errors.ts";
import { MOST_PATIENCE_MS } from "../wire/hedging.ts";
import { LIMITS } from "../wire/limits.ts";
import type { Quorum } from "./quorum.ts";
import { sendObject } from "./send_object.ts";
import type { StandIn } from "./stand_ins.ts";

/** What is written. */
export interface Writing {
  readonly partition: number;
  readonly key: Uint8Array;
  /** What this node held before, upon which the write builds. */
  readonly before: DataObject;
  readonly object: DataObject;
  /** Resolves when this node's disk has it. */
  readonly durable: Promise<void>;
  readonly timeoutMs: number;
}

/** One owner's place in the quorum. */
interface Slot {
  readonly owner: string;
  isAcknowledged: boolean;
  /** How many have been asked on its behalf and have neither acknowledged nor failed. */
  waitingCount: number;
  failure: unknown;
  /** Why nobody stands in for the owner, if that is known. */
  absence: DenamoError | undefined;
}

export class WriteRound {
  readonly #cluster: Cluster;
  readonly #deadlines: Deadlines;
  readonly #quorum: Quorum;
  readonly #slots: readonly Slot[];
  readonly #findStandIns: () => readonly StandIn[];
  /** Those that stand in for nobody yet; looked for when the first is needed. */
  #standIns: StandIn[] | undefined;
  readonly #done = Promise.withResolvers<void>();
  #deadline: Deadline | undefined;
  #impatience: Deadline | undefined;
  #isDone = false;

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
    this.#slots = owners.map((owner) => ({
      owner,
      isAcknowledged: false,
      waitingCount: 0,
      failure: undefined,
      absence: undefined,
    }));
  }

  /** Whether so many slots have somebody to ask. */
  canReach(needed: number): boolean {
    const others = this.#slots.filter(({ owner }) => !this.#hasRoom(owner));
    const owners = this.#slots.length - others.length;
    if (owners >= needed) return true;
    const open = others.filter(({ owner }) => this.#cluster.hintProblem(owner) === undefined);
    return owners + open.length >= needed && owners + this.#spare.length >= needed;
  }

  /** Whether it is too many requests under way that keep the write from beginning, if it cannot. */
  overload(): OverloadedError | undefined {
    const isFull = this.#slots.some(({ owner }) => this.#canAsk(owner) && !this.#hasRoom(owner));
    if (!isFull) return undefined;
    return new OverloadedError("The queue of requests to an owner", LIMITS.inFlightPerPeerCount);
  }

  /** Why the write cannot begin. */
  refusal(): QuorumError {
    for (const { owner } of this.#slots) {
      if (this.#canAsk(owner)) continue;
      this.#quorum.fail(owner, this.#cluster.hintProblem(owner) ?? NOT_CONNECTED);
    }
    return this.#quorum.error("no");
  }

  /**
   * Sends the write. Resolves when the quorum is reached.
   *
   * @throws {QuorumError} with the outcome `unknown` once it cannot be reached any more, or time is up
   */
  run(writing: Writing): Promise<void> {
    const { timeoutMs } = writing;
    this.#deadline = this.#deadlines.set(timeoutMs, () => this.#expire());
    const direct: Slot[] = [];
    for (const slot of this.#slots) {
      if (slot.owner === this.#cluster.self) this.#awaitOwnDisk(slot, writing);
      else if (this.#canAsk(slot.owner)) direct.push(slot);
      else this.#askStandIn(slot, writing, NOT_CONNECTED);
    }
    this.#askOwners(direct, writing);
    const { rpc } = this.#cluster;
    const peers = direct.map(({ owner }) => this.#cluster.peerOf(owner)!);
    direct.forEach((slot, i) => rpc.isAvoided(peers[i]!) && this.#askNext(slot, writing));
    rpc.hedging.writes.begin();
    this.#standInAfter(rpc.hedging.writes.patienceMs(peers), 0, writing);
    return this.#done.promise;
  }

  /** Lets others stand in after so long, or, if too many have lately, after the longest time. */
  #standInAfter(patienceMs: number, waitedMs: number, writing: Writing): void {
    if (this.#isDone) return;
    this.#impatience = this.#deadlines.set(patienceMs - waitedMs, () => {
      const late = this.#slots.filter(({ isAcknowledged }) => !isAcknowledged);
      if (this.#spare.length === 0) return;
      if (this.#cluster.rpc.hedging.writes.take(patienceMs)) {
        for (const slot of late) this.#askNext(slot, writing);
      } else this.#standInAfter(MOST_PATIENCE_MS, patienceMs, writing);
    });
  }

  #canAsk(owner: string): boolean {
    if (owner === this.#cluster.self) return true;
    const peer = this.#cluster.peerOf(owner);
    return peer !== undefined && this.#cluster.rpc.isUp(peer);
  }

  #hasRoom(owner: string): boolean {
    if (owner === this.#cluster.self) return true;
    const peer = this.#cluster.peerOf(owner);
    return peer !== undefined && this.#cluster.rpc.hasRoom(peer);
  }

  get #spare(): StandIn[] {
    return this.#standIns ??= [...this.#findStandIns()];
  }

  #askOwners(slots: readonly Slot[], writing: Writing): void {
    const bySlot = new Map<PeerId, Slot>();
    for (const slot of slots) bySlot.set(this.#cluster.peerOf(slot.owner)!, slot);
    if (bySlot.size > 0) this.#ask(bySlot, [], writing);
  }

  /** Lets the next fallback stand in, or counts the slot as failed if none would. */
  #askStandIn(slot: Slot, writing: Writing, cause: unknown): void {
    slot.failure ??= cause;
    // A fallback that only has lost sight of the owner itself speaks for no other.
    if (isTooLongAway(cause) && this.#cluster.isDown(slot.owner)) slot.absence = cause;
    if (this.#askNext(slot, writing) || slot.waitingCount > 0 || slot.isAcknowledged) return;
    this.#quorum.fail(slot.owner, slot.absence ?? slot.failure);
    this.#judge();
  }

  #askNext(slot: Slot, writing: Writing): boolean {
    slot.absence ??= this.#cluster.hintProblem(slot.owner);
    const next = slot.absence === undefined ? this.#spare.shift() : undefined;
    if (next === undefined) return false;
    if (next.peer === undefined) this.#awaitOwnDisk(slot, writing);
    else this.#ask(new Map([[next.peer, slot]]), [slot.owner], writing);
    return true;
  }

  #awaitOwnDisk(slot: Slot, writing: Writing): void {
    slot.waitingCount++;
    writing.durable.then(
      () => this.#acknowledge(slot),
      (error) => this.#fail(slot, error, writing),
    );
  }

  /** @param standsInFor the owner for whom these peers stand in, if they do */
  #ask(
    slots: ReadonlyMap<PeerId, Slot>,
    standsInFor: readonly string[],
    writing: Writing,
  ): void {
    for (const slot of slots.values()) slot.waitingCount++;
    const cluster = this.#cluster;
    sendObject(cluster, [...slots.keys()], writing, standsInFor, (peer, error) => {
      const slot = slots.get(peer)!;
      if (error === undefined) return this.#acknowledge(slot);
      learnFromRefusal(cluster, error);
      this.#fail(slot, error, writing);
    });
  }

  #acknowledge(slot: Slot): void {
    if (slot.isAcknowledged) return;
    slot.isAcknowledged = true;
    this.#quorum.succeed();
    this.#judge();
  }

  #fail(slot: Slot, cause: unknown, writing: Writing): void {
    slot.waitingCount--;
    if (slot.isAcknowledged) return;
    this.#askStandIn(slot, writing, cause);
  }

  #judge(): void {
    if (this.#isDone || !(this.#quorum.isReached || this.#quorum.isLost)) return;
    this.#end();
    if (this.#quorum.isReached) this.#done.resolve();
    else this.#done.reject(this.#quorum.error("unknown"));
  }

  #expire(): void {
    if (this.#isDone) return;
    this.#end();
    for (const { isAcknowledged, owner, waitingCount } of this.#slots) {
      if (!isAcknowledged && waitingCount > 0) this.#quorum.fail(owner, NO_ANSWER);
    }
    this.#done.reject(this.#quorum.error("unknown"));
  }

  #end(): void {
    this.#isDone = true;
    if (this.#deadline !== undefined) this.#deadlines.clear(this.#deadline);
    if (this.#impatience !== undefined) this.#deadlines.clear(this.#impatience);
  }
}

const NOT_CONNECTED = new DenamoError("timeout", "no", "is not connected");
const NO_ANSWER = new DenamoError("timeout", "unknown", "has not answered in time");
