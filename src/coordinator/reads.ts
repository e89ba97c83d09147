// The way of a read at the node that coordinates it.
//
// The own copy is read first, and then R − 1 other owners, the fastest first, are asked "is this what you
// hold?" with a hash of ours. Nearly always they say yes in a few bytes. Who holds something else sends
// it; everything is merged, the merged object is the answer, and those who lacked part of it are sent it
// afterwards (read repair). An owner that does not answer soon is not waited for: the next one is asked
// beside it.

import { showBytes } from "../base/bytes.ts";
import { DataObject } from "../crdt/data_object.ts";
import { decodeObject } from "../crdt/object_codec.ts";
import type { Log } from "../ports/log.ts";
import type { Namespace, QuorumLevel } from "../replica/namespaces.ts";
import type { Replica } from "../replica/replica.ts";
import { Arguments } from "../wire/arguments.ts";
import type { Deadline, Deadlines } from "../wire/deadlines.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { METHODS } from "../wire/message_codec.ts";
import { type Cluster, layoutOf, learnFromRefusal, type Reachable, reachable } from "./cluster.ts";
import { answersNeeded, Quorum } from "./quorum.ts";

/** How long an owner may take before the next one is asked as well. */
const NEXT_OWNER_AFTER_MS = 250;

/** Read repairs under way at once; further ones wait for the next read of their key. */
const MAX_REPAIRS = 256;

export interface ReadRequest {
  readonly key: Uint8Array;
  readonly partition: number;
  readonly namespace: Namespace;
  readonly r: QuorumLevel;
  readonly timeoutMs: number;
}

/** What one owner holds; `undefined` stands for "the same as the coordinator". */
interface Answer {
  readonly node: string;
  readonly object: DataObject | undefined;
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
   * Reads a key that this node owns from R owners.
   *
   * @throws {QuorumError} if fewer than R can answer
   */
  async read(request: ReadRequest): Promise<DataObject> {
    const { key, partition, namespace } = request;
    const owners = layoutOf(this.#cluster).placement.ownersFor(partition, namespace.n);
    const needed = answersNeeded(request.r, owners.length, "r");
    const quorum = new Quorum("read", key, needed, owners.length);
    let own: DataObject | undefined;
    try {
      const read = this.#replica.read(partition, key);
      own = read instanceof Promise ? await read : read;
      quorum.succeed();
    } catch (error) {
      if (!(error instanceof DenamoError)) throw error;
      quorum.fail(this.#cluster.self, error);
      return await this.#others(request, owners, quorum, own);
    }
    return quorum.isReached ? own : await this.#others(request, owners, quorum, own);
  }

  /** Asks other owners until the quorum is reached, and merges. */
  async #others(
    request: ReadRequest,
    owners: readonly string[],
    quorum: Quorum,
    own: DataObject | undefined,
  ): Promise<DataObject> {
    const answers = await this.#collect(request, owners, quorum, own);
    let merged = own ?? DataObject.empty;
    for (const { object } of answers) if (object !== undefined) merged = merged.merge(object);
    if (answers.every(({ object }) => object === undefined)) return merged;
    const stale = answers.filter(({ object }) => !isSame(object ?? own!, merged));
    this.#repair(
      request,
      merged,
      stale.map(({ node }) => node),
      own !== undefined && !isSame(own, merged),
    );
    return merged;
  }

  #collect(
    request: ReadRequest,
    owners: readonly string[],
    quorum: Quorum,
    own: DataObject | undefined,
  ): Promise<Answer[]> {
    const { key, partition, timeoutMs } = request;
    const cluster = this.#cluster;
    const { layout } = layoutOf(cluster);
    const candidates = reachable(cluster, owners);
    for (const owner of owners) {
      if (owner === cluster.self || candidates.some(({ node }) => node === owner)) continue;
      quorum.fail(owner, NOT_CONNECTED);
    }
    const digest = own === undefined ? null : digestBytes(own);
    const message = [layout.id, partition, key, digest];
    const answers: Answer[] = [];
    return new Promise((resolve, reject) => {
      let isEnded = false;
      let impatience: Deadline | undefined;
      const end = (action: () => void) => {
        isEnded = true;
        this.#deadlines.clear(deadline);
        if (impatience !== undefined) this.#deadlines.clear(impatience);
        action();
      };
      const askNext = () => {
        const next = candidates.shift();
        if (next === undefined) return;
        cluster.rpc.ask([next.peer], METHODS.read, message, timeoutMs, (_peer, reply) => {
          if (isEnded) return;
          this.#count(next, reply, quorum, answers);
          if (quorum.isReached) return end(() => resolve(answers));
          if (quorum.isLost) return end(() => reject(quorum.error("no")));
          if (reply instanceof DenamoError) askNext();
        });
      };
      const deadline = this.#deadlines.set(timeoutMs, () => end(() => reject(quorum.error("no"))));
      if (quorum.isLost) return end(() => reject(quorum.error("no")));
      const missing = quorum.missing;
      for (let i = 0; i < missing && !isEnded; i++) askNext();
      const grow = () => {
        if (isEnded || candidates.length === 0) return;
        askNext();
        if (!isEnded) impatience = this.#deadlines.set(NEXT_OWNER_AFTER_MS, grow);
      };
      if (!isEnded && candidates.length > 0) {
        impatience = this.#deadlines.set(NEXT_OWNER_AFTER_MS, grow);
      }
    });
  }

  #count(
    from: Reachable,
    reply: readonly unknown[] | DenamoError,
    quorum: Quorum,
    answers: Answer[],
  ): void {
    if (reply instanceof DenamoError) {
      learnFromRefusal(this.#cluster, reply);
      quorum.fail(from.node, reply);
      return;
    }
    try {
      const bytes = new Arguments(reply, "read answer").optional((part) =>
        part.ownBytes(LIMITS.object)
      );
      answers.push({
        node: from.node,
        object: bytes === undefined ? undefined : decodeObject(bytes),
      });
      quorum.succeed();
    } catch (error) {
      quorum.fail(from.node, error);
    }
  }

  /** Sends the merged object to who lacks part of it. Nobody waits for this. */
  #repair(
    request: ReadRequest,
    merged: DataObject,
    nodes: readonly string[],
    isOwnStale: boolean,
  ): void {
    const { key, partition, timeoutMs } = request;
    const failed = (error: unknown) =>
      this.#log.warn("Cannot repair a copy after a read", {
        key: showBytes(key),
        error: messageOf(error),
      });
    if (isOwnStale) {
      this.#repaired++;
      this.#replica.merge(partition, key, merged).catch(failed);
    }
    const peers = reachable(this.#cluster, nodes).map(({ peer }) => peer);
    if (peers.length === 0 || this.#repairing >= MAX_REPAIRS) return;
    this.#repairing += peers.length;
    const message = [layoutOf(this.#cluster).layout.id, partition, key, merged.encoded()];
    this.#cluster.rpc.ask(peers, METHODS.store, message, timeoutMs, (_peer, reply) => {
      this.#repairing--;
      if (reply instanceof DenamoError) failed(reply);
      else this.#repaired++;
    });
  }
}

/** The hash of an object as it travels in read requests. */
export function digestBytes(object: DataObject): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, object.digest());
  return bytes;
}

function isSame(a: DataObject, b: DataObject): boolean {
  return a === b || a.digest() === b.digest();
}

const NOT_CONNECTED = new DenamoError("timeout", "no", "is not connected");
