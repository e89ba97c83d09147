// The way of a write at the node that coordinates it.
//
//   client -> coordinator (an owner): read own copy, add the dot, merge
//                 |-> own disk ----------------.
//                 |-> owner 2: merge, disk, ack -+-> W acks -> ok
//                 '-> owner 3: merge, disk, ack '
//
// The merged object goes to the own disk and to the other owners at once. As soon as it has left, nobody
// can call it back: a write that misses its quorum after that is `unknown`, never `no`.

import type { Change, CoordinatedWrite, Replica } from "../replica/replica.ts";
import type { Namespace, QuorumLevel } from "../replica/namespaces.ts";
import type { VersionVector } from "../causality/version_vector.ts";
import type { Deadlines } from "../wire/deadlines.ts";
import { DenamoError } from "../wire/errors.ts";
import { METHODS } from "../wire/message_codec.ts";
import { type Cluster, layoutOf, learnFromRefusal } from "./cluster.ts";
import { answersNeeded, Quorum } from "./quorum.ts";

export interface WriteRequest {
  readonly key: Uint8Array;
  readonly partition: number;
  readonly namespace: Namespace;
  readonly w: QuorumLevel;
  readonly timeoutMs: number;
  /** The client's context, if it sent one. */
  readonly seen: VersionVector | undefined;
  readonly change: Change;
}

export class Writes {
  readonly #cluster: Cluster;
  readonly #replica: Replica;
  readonly #deadlines: Deadlines;

  constructor(cluster: Cluster, replica: Replica, deadlines: Deadlines) {
    this.#cluster = cluster;
    this.#replica = replica;
    this.#deadlines = deadlines;
  }

  /**
   * Coordinates a write of a key that this node owns. Resolves once W owners have it on their disks.
   *
   * @throws {QuorumError} with the outcome `no` if nothing has left this node, else `unknown`
   */
  async write(request: WriteRequest): Promise<CoordinatedWrite> {
    const { key, partition, namespace } = request;
    const cluster = this.#cluster;
    const problem = cluster.clockProblem();
    if (problem !== undefined) throw new DenamoError("clock_skew", "no", problem);
    const { layout, placement } = layoutOf(cluster);
    const owners = placement.ownersFor(partition, namespace.n);
    const needed = answersNeeded(request.w, owners.length, "w");
    const quorum = new Quorum("write", key, needed, owners.length);
    const nodeOf = new Map<string, string>();
    for (const owner of owners) {
      if (owner === cluster.self) continue;
      const peer = cluster.peerOf(owner);
      if (peer === undefined || !cluster.rpc.isUp(peer)) quorum.fail(owner, NOT_CONNECTED);
      else nodeOf.set(peer, owner);
    }
    if (quorum.isLost) throw quorum.error("no");

    const pending = this.#replica.coordinate(partition, key, request.seen, request.change);
    const written = pending instanceof Promise ? await pending : pending;
    await new Promise<void>((resolve, reject) => {
      const deadline = this.#deadlines.set(request.timeoutMs, () => {
        quorum.fail(cluster.self, new DenamoError("timeout", "unknown", "Time is up"));
        reject(quorum.error("unknown"));
      });
      const count = (node: string, failure: unknown) => {
        if (failure === undefined) quorum.succeed();
        else quorum.fail(node, failure);
        if (quorum.isReached) {
          this.#deadlines.clear(deadline);
          resolve();
        } else if (quorum.isLost) {
          this.#deadlines.clear(deadline);
          reject(quorum.error("unknown"));
        }
      };
      written.durable.then(
        () => count(cluster.self, undefined),
        (error) => count(cluster.self, error),
      );
      if (nodeOf.size === 0) return;
      const message = [layout.id, partition, key, written.object.encoded()];
      cluster.rpc.ask(
        [...nodeOf.keys()],
        METHODS.store,
        message,
        request.timeoutMs,
        (peer, reply) => {
          if (!(reply instanceof DenamoError)) return count(nodeOf.get(peer)!, undefined);
          learnFromRefusal(cluster, reply);
          count(nodeOf.get(peer)!, reply);
        },
      );
    });
    return written;
  }
}

const NOT_CONNECTED = new DenamoError("timeout", "no", "is not connected");
