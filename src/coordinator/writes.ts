// The way of a write at the node that coordinates it.
//
//   client -> coordinator (an owner): read own copy, add the dot, merge
//                 |-> own disk ----------------.
//                 |-> owner 2: merge, disk, ack -+-> W acks -> ok
//                 '-> owner 3: merge, disk, ack '
//
// The merged object goes to the own disk and to the other owners at once. As soon as it has left, nobody
// can call it back: a write that misses its quorum after that is `unknown`, never `no`.
//
// Every owner is a slot, and a slot is acknowledged once. Where an owner cannot be reached, fails, or does not
// answer soon, the next fallback stands in for it (sloppy quorum): it keeps the object for the owner until it
// has handed it over. A strict request counts owners only.
//
// Source: DeCandia et al., "Dynamo" (2007), sections 4.5 and 4.6.

import type { HandOff } from "../replica/hand_off.ts";
import type { Change, CoordinatedWrite, Replica } from "../replica/replica.ts";
import type { Namespace, QuorumLevel } from "../replica/namespaces.ts";
import type { VersionVector } from "../causality/version_vector.ts";
import type { Deadlines } from "../wire/deadlines.ts";
import { DenamoError } from "../wire/errors.ts";
import { type Cluster, layoutOf } from "../replica/cluster.ts";
import { inTime, tooSlow } from "./in_time.ts";
import { answersNeeded, Quorum } from "./quorum.ts";
import { standInsFor } from "./stand_ins.ts";
import { WriteRound } from "./write_round.ts";

export interface WriteRequest {
  readonly key: Uint8Array;
  readonly partition: number;
  readonly namespace: Namespace;
  readonly w: QuorumLevel;
  readonly isStrict: boolean;
  readonly timeoutMs: number;
  /** The client's context, if it sent one. */
  readonly seen: VersionVector | undefined;
  readonly change: Change;
}

export class Writes {
  readonly #cluster: Cluster;
  readonly #replica: Replica;
  readonly #handOff: HandOff;
  readonly #deadlines: Deadlines;

  constructor(cluster: Cluster, replica: Replica, handOff: HandOff, deadlines: Deadlines) {
    this.#cluster = cluster;
    this.#replica = replica;
    this.#handOff = handOff;
    this.#deadlines = deadlines;
  }

  /**
   * Coordinates a write here, at an owner or at a node that stands in for one. Resolves once W slots have it on
   * a disk.
   *
   * @throws {OverloadedError} if too much is on its way to the owners
   * @throws {QuorumError} with the outcome `no` if nothing has left this node, else `unknown`
   * @throws {TimeoutError} with the outcome `no` if our own copy could not be read in time
   */
  async write(request: WriteRequest): Promise<CoordinatedWrite> {
    const { isStrict, key, namespace, partition } = request;
    const cluster = this.#cluster;
    const problem = cluster.clockProblem();
    if (problem !== undefined) throw new DenamoError("clock_skew", "no", problem);
    const { placement } = layoutOf(cluster);
    const owners = placement.ownersFor(partition, namespace.n);
    const needed = answersNeeded(request.w, owners.length, "w");
    const quorum = new Quorum("write", key, needed, owners.length);
    const findStandIns = () => isStrict ? [] : standInsFor(cluster, partition, owners);
    const round = new WriteRound(cluster, this.#deadlines, quorum, owners, findStandIns);
    if (!round.canReach(needed)) throw round.overload() ?? round.refusal();
    const isOwner = owners.includes(cluster.self);
    if (!isOwner) this.#handOff.checkRoom();

    const beganAtMs = this.#deadlines.nowMs;
    const pending = this.#coordinate(request);
    const written = pending instanceof Promise ? await pending : pending;
    const timeoutMs = Math.max(0, request.timeoutMs - (this.#deadlines.nowMs - beganAtMs));
    const { before, durable, object } = written;
    if (!isOwner) {
      this.#handOff.note(partition, key, object);
      // The round asks about our disk only when it is our turn to stand in.
      durable.catch(() => {});
    }
    try {
      await round.run({ partition, key, before, object, durable, timeoutMs });
    } finally {
      written.ended();
    }
    return written;
  }

  /** Carries out the change at this copy, or, if our disk takes too long to read it, never. */
  #coordinate(request: WriteRequest): CoordinatedWrite | Promise<CoordinatedWrite> {
    const { change, key, partition, seen, timeoutMs } = request;
    let state: "waits" | "is carried out" | "is given up" = "waits";
    const pending = this.#replica.coordinate(partition, key, seen, (held, nextDot) => {
      if (state === "is given up") throw tooSlow(key, timeoutMs);
      state = "is carried out";
      return change(held, nextDot);
    });
    if (!(pending instanceof Promise)) return pending;
    const giveUp = () => {
      if (state !== "waits") return false;
      state = "is given up";
      return true;
    };
    return inTime(pending, { deadlines: this.#deadlines, key, timeoutMs, giveUp });
  }
}
