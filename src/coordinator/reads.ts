// The way of a read at the node that coordinates it.
//
// The own copy is read first, and then R − 1 other owners, the fastest first, are asked "is this what you
// hold?" with a hash of ours. Nearly always they say yes in a few bytes. Who holds something else sends
// it; everything is merged, the merged object is the answer, and those who lacked part of it are sent it
// afterwards (read repair). An owner that does not answer soon is not waited for: the next one is asked
// beside it. If too few owners can be asked, those that stand in for them answer with what they keep, unless the
// request is strict.
//
// Those that stand in know nothing of what was stored before they did, and so their finding nothing is not an answer:
// "there is nothing" takes an owner. A change that adds to whatever there is may do without.
//
// What is shown leaves out all that any of those asked has seen replaced. What is written on account of a read, be it a
// repair or a change that builds upon it, leaves out only what this node has reason to believe replaced (see
// copy.ts): one wrong answer may mislead a reader, but not a disk.

import { showBytes } from "../base/bytes.ts";
import type { VersionVector } from "../causality/version_vector.ts";
import { DataObject } from "../crdt/data_object.ts";
import type { Log } from "../ports/log.ts";
import { type Copy, digestBytes, mergeCopies, withBelievedFloors } from "../replica/copy.ts";
import type { Namespace, QuorumLevel } from "../replica/namespaces.ts";
import type { Replica } from "../replica/replica.ts";
import type { Deadlines } from "../wire/deadlines.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";
import { type Cluster, layoutOf, reachable } from "../replica/cluster.ts";
import { CatchUp } from "./catch_up.ts";
import { type Answer, ReadRound } from "./read_round.ts";
import { sendObject } from "./send_object.ts";
import { type StandIn, standInsFor } from "./stand_ins.ts";
import { inTime } from "./in_time.ts";
import { answersNeeded, Quorum } from "./quorum.ts";

/** Read repairs under way at once; further ones wait for the next read of their key. */
const MAX_REPAIRS = 256;

export interface ReadRequest {
  readonly key: Uint8Array;
  readonly partition: number;
  readonly namespace: Namespace;
  readonly r: QuorumLevel;
  readonly isStrict: boolean;
  readonly timeoutMs: number;
  /** Whether nothing will do for an answer when no owner has given it. */
  readonly mayBeUnseen?: boolean;
  /** What the client has seen: the answer must have seen it too. */
  readonly atLeast?: VersionVector | undefined;
}

/** What was read. */
export interface Found extends Copy {
  /** What may be written of it. */
  readonly writable: DataObject;
}

export class Reads {
  readonly #cluster: Cluster;
  readonly #replica: Replica;
  readonly #deadlines: Deadlines;
  readonly #log: Log;
  #repairing = 0;
  #repaired = 0;

  constructor(cluster: Cluster, replica: Replica, deadlines: Deadlines, log: Log) {
    this.#cluster = cluster;
    this.#replica = replica;
    this.#deadlines = deadlines;
    this.#log = log;
  }

  /** How many copies have been repaired after reads. */
  get repairedCount(): number {
    return this.#repaired;
  }

  /**
   * Reads a key from R owners, or from nodes that stand in for some of them; and from more if these have not
   * seen what the client has.
   *
   * @throws {QuorumError} if fewer than R can answer, or none of those that have answered owns the key and none of
   *   them holds anything of it
   * @throws {DenamoError} `stale` if what the client has seen is not found in time
   */
  async read(request: ReadRequest): Promise<Found> {
    const { atLeast, namespace, partition } = request;
    const owners = layoutOf(this.#cluster).placement.ownersFor(partition, namespace.n);
    // Nobody can have seen anything of a key that there is nothing of.
    if (atLeast === undefined || atLeast.size === 0) return await this.#readQuorum(request, owners);
    const late = { ...request, owners, atLeast };
    const catchUp = new CatchUp(this.#cluster, this.#replica, this.#deadlines, late);
    try {
      const found = await this.#readQuorum({ ...request, mayBeUnseen: true }, owners);
      const { answers, copy } = await catchUp.run(found);
      if (copy === found) return found;
      const before = { object: found.writable, floor: 0 };
      const writable = this.#writable(request, owners, [before, ...answers.map(copyOf)]);
      this.#repairAfter(request, owners, answers, writable, found.writable);
      return { ...copy, writable };
    } finally {
      catchUp.stop();
    }
  }

  async #readQuorum(request: ReadRequest, owners: readonly string[]): Promise<Found> {
    const { key, namespace, partition } = request;
    const needed = answersNeeded(request.r, owners.length, "r");
    const quorum = new Quorum("read", key, needed, owners.length);
    const isOwner = owners.includes(this.#cluster.self);
    const problem = isOwner ? this.#cluster.fillingProblem(partition, namespace.n) : undefined;
    if (problem !== undefined) quorum.fail(this.#cluster.self, problem);
    const counts = isOwner && problem === undefined;
    const beganAtMs = this.#deadlines.nowMs;
    let own: Copy | undefined;
    try {
      const read = this.#replica.read(partition, key);
      const object = read instanceof Promise
        ? await this.#ownInTime(read, request, owners, needed)
        : read;
      own = { object, floor: isOwner ? this.#replica.floorOf(partition, key) : 0 };
      if (counts) quorum.succeed();
    } catch (error) {
      if (!(error instanceof DenamoError)) throw error;
      if (counts) quorum.fail(this.#cluster.self, error);
    }
    if (own !== undefined && quorum.isReached) return { ...own, writable: own.object };
    const timeoutMs = Math.max(0, request.timeoutMs - (this.#deadlines.nowMs - beganAtMs));
    const isSeen = counts && own !== undefined;
    return await this.#others({ ...request, timeoutMs }, owners, quorum, own, isSeen);
  }

  /** Our copy; if others can do without it, they are left half of the time. */
  #ownInTime(
    read: Promise<DataObject>,
    { key, timeoutMs }: ReadRequest,
    owners: readonly string[],
    needed: number,
  ): Promise<DataObject> {
    const isDispensable = reachable(this.#cluster, owners).length >= needed;
    const deadlines = this.#deadlines;
    return inTime(read, {
      deadlines,
      key,
      timeoutMs: isDispensable ? timeoutMs / 2 : timeoutMs,
    });
  }

  /** Asks others until the quorum is reached, and merges. @param isSeen whether our own copy is an owner's */
  async #others(
    request: ReadRequest,
    owners: readonly string[],
    quorum: Quorum,
    own: Copy | undefined,
    isSeen: boolean,
  ): Promise<Found> {
    const { isStrict, key, mayBeUnseen = false, partition, timeoutMs } = request;
    // A copy of our own that cannot be read stands in for nobody.
    const mayAnswer = ({ peer }: StandIn) => peer !== undefined || own !== undefined;
    const findStandIns = () =>
      isStrict ? [] : standInsFor(this.#cluster, partition, owners).filter(mayAnswer);
    const round = new ReadRound(this.#cluster, this.#deadlines, quorum, owners, findStandIns);
    const digest = own === undefined ? undefined : digestBytes(own.object);
    const needsWitness = !isSeen && !mayBeUnseen && own?.object.isEmpty !== false;
    const answers = await round.run({ partition, key, digest, timeoutMs, needsWitness });
    const copies = answers.map(({ floor, object }) => ({ object: object ?? own!.object, floor }));
    const all = own === undefined ? copies : [own, ...copies];
    const merged = mergeCopies(all);
    const writable = this.#writable(request, owners, all, merged);
    if (answers.some(({ object }) => object !== undefined)) {
      this.#repairAfter(request, owners, answers, writable, own?.object);
    }
    return { ...merged, writable };
  }

  /** What may be written of what several copies hold together. @param merged what they show, if that is known */
  #writable(
    { key, partition }: ReadRequest,
    owners: readonly string[],
    copies: readonly Copy[],
    merged?: Copy,
  ): DataObject {
    const isOwner = owners.includes(this.#cluster.self);
    const fence = isOwner ? this.#replica.fenceOf(partition, key) : 0;
    const believed = withBelievedFloors(copies, owners.length - (isOwner ? 1 : 0), fence);
    return merged !== undefined && believed === copies
      ? merged.object
      : mergeCopies(believed).object;
  }

  /**
   * Repairs those of the owners that were asked which lack part of what was found.
   *
   * @param own what this node has contributed, undefined if it could not be read
   */
  #repairAfter(
    request: ReadRequest,
    owners: readonly string[],
    answers: readonly Answer[],
    merged: DataObject,
    own: DataObject | undefined,
  ): void {
    // A stand-in keeps what it was given, not what there is.
    const stale = new Map<string, DataObject>();
    for (const { isOwner, node, object = own! } of answers) {
      if (isOwner && !isSame(object, merged)) stale.set(node, object);
    }
    const isOwner = owners.includes(this.#cluster.self);
    const isOwnStale = isOwner && own !== undefined && !isSame(own, merged);
    this.#repair(request, merged, stale, isOwnStale);
  }

  /**
   * Sends what they lack to those who lack part of the merged object. Nobody waits for this.
   *
   * @param stale what each of them has
   */
  #repair(
    request: ReadRequest,
    merged: DataObject,
    stale: ReadonlyMap<string, DataObject>,
    isOwnStale: boolean,
  ): void {
    const { key, partition, timeoutMs } = request;
    const failed = (error: unknown) =>
      this.#log.warn("Cannot repair a copy after a read", {
        key: showBytes(key),
        error: messageOf(error),
      });
    if (isOwnStale && this.#replica.writeProblem() === undefined) {
      this.#repaired++;
      this.#replica.merge(partition, key, merged).catch(failed);
    }
    const willing = [...stale.keys()].filter((node) => this.#cluster.takesWrites(node));
    for (const { node, peer } of reachable(this.#cluster, willing)) {
      if (this.#repairing >= MAX_REPAIRS) return;
      this.#repairing++;
      const before = stale.get(node)!;
      const sent = { partition, key, before, object: merged, timeoutMs };
      sendObject(this.#cluster, [peer], sent, [], (_peer, error) => {
        this.#repairing--;
        if (error === undefined) this.#repaired++;
        else failed(error);
      });
    }
  }
}

function copyOf({ floor, object }: Answer): Copy {
  return { object: object ?? DataObject.empty, floor };
}

function isSame(a: DataObject, b: DataObject): boolean {
  return a === b || a.digest() === b.digest();
}
