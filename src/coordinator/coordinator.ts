// Where a request goes and what it means.
//
// Any node takes any request. An owner of the key coordinates it; another node forwards it to one (forwarding.ts).

import { showBytes } from "../base/bytes.ts";
import { type Context, isContextOf } from "../causality/context.ts";
import type { Dot, HybridTime } from "../causality/dot.ts";
import { timeAfter, type VersionVector } from "../causality/version_vector.ts";
import { DataObject } from "../crdt/data_object.ts";
import { onlyRemoves, type OperationResult } from "../crdt/typed_update.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { partitionOf } from "../ring/partition.ts";
import type { Namespaces, QuorumLevel } from "../replica/namespaces.ts";
import type { HandOff } from "../replica/hand_off.ts";
import { Pace } from "../replica/pace.ts";
import type { Change, Replica } from "../replica/replica.ts";
import { Arguments } from "../wire/arguments.ts";
import type { Deadlines } from "../wire/deadlines.ts";
import { ConflictError, DenamoError, OverloadedError, TimeoutError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { type IncomingRequest, METHODS } from "../wire/message_codec.ts";
import { type Cluster, layoutOf } from "../replica/cluster.ts";
import { atLeastOf, hasSeen } from "./at_least.ts";
import { CorruptRepairs } from "./corrupt_repairs.ts";
import { Forwarding, type Routed } from "./forwarding.ts";
import { type Found, Reads } from "./reads.ts";
import { checkRequest } from "./request_checks.ts";
import {
  type ClientAnswer,
  type ClientRequest,
  decodeClientRequest,
  type DeleteRequest,
  encodeClientAnswer,
  type ExpireRequest,
  type GetRequest,
  type PutRequest,
  type UpdateRequest,
} from "./requests.ts";
import { writeAnswer } from "./results.ts";
import { Updates } from "./updates.ts";
import { Writes } from "./writes.ts";

const NOTHING: Omit<ClientAnswer, "object"> = {
  siblings: 0,
  floor: 0,
  seen: () => undefined,
  isShown: false,
  existed: false,
  expiresAtMs: undefined,
  results: [],
};

export class Coordinator {
  readonly #cluster: Cluster;
  readonly #replica: Replica;
  readonly #namespaces: Namespaces;
  readonly #clock: Clock;
  readonly #pace: Pace;
  readonly #deadlines: Deadlines;
  readonly #writes: Writes;
  readonly #reads: Reads;
  readonly #corruptRepairs: CorruptRepairs;
  readonly #forwarding: Forwarding;
  #coordinated = 0;

  constructor(
    cluster: Cluster,
    replica: Replica,
    namespaces: Namespaces,
    handOff: HandOff,
    clock: Clock,
    deadlines: Deadlines,
    log: Log,
    pace: Pace = new Pace(clock),
  ) {
    this.#pace = pace;
    this.#cluster = cluster;
    this.#replica = replica;
    this.#namespaces = namespaces;
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#writes = new Writes(cluster, replica, handOff, deadlines);
    this.#reads = new Reads(cluster, replica, deadlines, log);
    this.#corruptRepairs = new CorruptRepairs(cluster, replica, namespaces, clock, log);
    const coordinate = (request: ClientRequest, routed: Routed) =>
      this.#coordinate(request, routed);
    this.#forwarding = new Forwarding(cluster, clock, deadlines, coordinate);
    cluster.rpc.serve(METHODS.coordinate, (request) => this.#serve(request));
  }

  /** Requests under way, and how many have been coordinated and forwarded since the start. */
  get counts(): { inFlight: number; coordinated: number; forwarded: number; repaired: number } {
    return {
      inFlight: this.#pace.inFlight,
      coordinated: this.#coordinated,
      forwarded: this.#forwarding.count,
      repaired: this.#reads.repairedCount + this.#corruptRepairs.repairedCount,
    };
  }

  /**
   * Carries out a client's request, here or at an owner.
   *
   * @throws {DenamoError}
   */
  async execute(request: ClientRequest, timeoutMs: number | undefined): Promise<ClientAnswer> {
    checkRequest(request);
    const isTimed = this.#begin();
    try {
      const { layout, placement } = layoutOf(this.#cluster);
      const namespace = this.#namespaces.of(request.key);
      const partition = partitionOf(request.key, layout.partitions);
      const routed = {
        partition,
        namespace,
        isStrict: request.strict ?? namespace.strict,
        timeoutMs: timeoutMs ?? namespace.timeoutMs,
      };
      const owners = placement.ownersFor(partition, namespace.n);
      const isFilled = this.#cluster.fillingProblem(partition, namespace.n) === undefined;
      if (!owners.includes(this.#cluster.self) || !isFilled && owners.length > 1) {
        return await this.#forwarding.forward(request, routed, owners);
      }
      const rest = this.#restOf(request, routed);
      try {
        return await this.#coordinate(request, routed);
      } catch (error) {
        // Our own copy can be neither read nor written, and nothing was done: others do it in our place.
        if (!isOfOwnCopy(error)) throw error;
        return await this.#forwarding.forward(request, rest(), owners, error);
      }
    } finally {
      this.#pace.ended(isTimed);
    }
  }

  /** Reads a key as a client would. @throws {DenamoError} */
  async read(
    key: Uint8Array,
    level: QuorumLevel | undefined,
    timeoutMs: number,
  ): Promise<DataObject> {
    const request: GetRequest = { op: "get", key, level, strict: undefined, atLeast: [] };
    const { object } = await this.execute(request, timeoutMs);
    return object ?? DataObject.empty;
  }

  /** Counts a request. @throws {OverloadedError} at once if too many are under way */
  #begin(): boolean {
    if (this.#pace.inFlight >= LIMITS.inFlightPerNodeCount) {
      throw new OverloadedError("The node's request queue", LIMITS.inFlightPerNodeCount);
    }
    return this.#pace.began();
  }

  /** Answers a request that another node has forwarded. */
  async #serve(incoming: IncomingRequest): Promise<readonly unknown[]> {
    const args = new Arguments(incoming.arguments, "forwarded request");
    const layoutId = args.text();
    const isStandIn = args.flag();
    const request = decodeClientRequest(args);
    const { layout, placement } = layoutOf(this.#cluster);
    const namespace = this.#namespaces.of(request.key);
    const partition = partitionOf(request.key, layout.partitions);
    const isOwner = placement.isOwner(this.#cluster.self, partition, namespace.n);
    if (layout.id !== layoutId || !isOwner && !isStandIn) {
      const message = `${this.#cluster.self} has layout ${layout.id} and does not own the key`;
      throw new DenamoError("wrong_layout", "no", message, { layoutId: layout.id });
    }
    const problem = isOwner ? this.#cluster.fillingProblem(partition, namespace.n) : undefined;
    if (problem !== undefined) throw problem;
    const timeoutMs = Math.min(incoming.timeoutMs, LIMITS.timeoutMsMax);
    const isStrict = request.strict ?? namespace.strict;
    const routed = { partition, namespace, isStrict, timeoutMs };
    const isTimed = this.#begin();
    try {
      return encodeClientAnswer(await this.#coordinate(request, routed));
    } finally {
      this.#pace.ended(isTimed);
    }
  }

  #coordinate(request: ClientRequest, routed: Routed): Promise<ClientAnswer> {
    this.#coordinated++;
    switch (request.op) {
      case "get":
        return this.#get(request, routed);
      case "put":
        return this.#put(request, routed);
      case "delete":
        return this.#delete(request, routed);
      case "expire":
        return this.#expire(request, routed);
      case "update":
        return this.#update(request, routed);
    }
  }

  async #get(request: GetRequest, routed: Routed): Promise<ClientAnswer> {
    const { key, level } = request;
    const { floor, object } = await this.#read(key, level, routed, atLeastOf(request));
    return { ...NOTHING, object, floor };
  }

  #read(
    key: Uint8Array,
    level: ClientRequest["level"],
    routed: Routed,
    atLeast?: VersionVector,
    mayBeUnseen = false,
  ): Promise<Found> {
    const r = level ?? routed.namespace.r;
    return this.#reads.read({ key, ...routed, r, atLeast, mayBeUnseen });
  }

  async #put(request: PutRequest, routed: Routed): Promise<ClientAnswer> {
    const { key, value, expiresAtMs, keepExpiry } = request;
    const isCut = request.context?.hash !== undefined;
    const rest = isCut ? this.#restOf(request, routed) : undefined;
    const seen = isCut ? await this.#seenIn(request, routed) : request.context?.vector;
    return await this.#write(request, rest?.() ?? routed, seen, (held, nextDot) => {
      const dot = nextDot(latestOf(held, seen));
      const before = keepExpiry ? held.live(this.#clock.now())[0] : undefined;
      // A value that is kept without an end goes on without one.
      const byDefault = before === undefined ? this.#endByDefault(routed) : undefined;
      const end = before?.expiresAtMs ?? expiresAtMs ?? byDefault;
      const object = held.write(dot, value, seen, end);
      const siblings = object.opaque.size;
      if (siblings > LIMITS.siblingCount && routed.namespace.conflicts !== "lww") {
        throw new ConflictError(showBytes(key), siblings - 1, LIMITS.siblingCount);
      }
      return object;
    });
  }

  /** Without a context a delete reads first: what is not there needs no tombstone. */
  async #delete(request: DeleteRequest, routed: Routed): Promise<ClientAnswer> {
    const rest = this.#restOf(request, routed);
    const seen = await this.#seenIn(request, routed);
    let found = DataObject.empty;
    if (seen === undefined) {
      const { object, writable } = await this.#read(request.key, undefined, routed);
      if (!object.isLive(this.#clock.now())) return NOTHING;
      found = writable;
    }
    let existed = seen === undefined;
    const answer = await this.#write(request, rest(), seen, (held, nextDot) => {
      // A copy that lacks what the client has seen cannot tell: the client has been shown it.
      existed ||= held.isLive(this.#clock.now()) || !this.#hasSeen(request, routed, held, seen!);
      const merged = held.merge(found);
      return merged.write(nextDot(latestOf(merged, seen)), null, seen, undefined);
    });
    return { ...answer, existed };
  }

  #hasSeen(
    { key }: DeleteRequest,
    { partition }: Routed,
    object: DataObject,
    seen: VersionVector,
  ): boolean {
    return hasSeen({ floor: this.#replica.floorOf(partition, key), object }, seen);
  }

  async #expire(request: ExpireRequest, routed: Routed): Promise<ClientAnswer> {
    const rest = this.#restOf(request, routed);
    const { object: found, writable } = await this.#read(request.key, undefined, routed);
    const [latest] = found.live(this.#clock.now());
    if (latest === undefined && found.liveValues(this.#clock.now()).length === 0) return NOTHING;
    const expiresAtMs = latest === undefined ? found.endOf(0) : latest.expiresAtMs;
    if (expiresAtMs === request.expiresAtMs) return { ...NOTHING, existed: true, expiresAtMs };
    const answer = await this.#write(request, rest(), undefined, (held, nextDot) => {
      const merged = held.merge(writable);
      return merged.expire(nextDot(merged.latestTime()), request.expiresAtMs);
    });
    return { ...answer, existed: true, expiresAtMs };
  }

  /**
   * Changes values that merge. It builds upon what a read would show, and not on its own copy alone: the client is
   * told what came of it, and what it may remove.
   */
  async #update(request: UpdateRequest, routed: Routed): Promise<ClientAnswer> {
    const { key, operations } = request;
    const rest = this.#restOf(request, routed);
    // What adds to a key that only stand-ins can be asked about is taken, as a put is: it is merged with the rest later.
    const mayBeUnseen = !operations.every(onlyRemoves) && request.context?.hash === undefined;
    const { object: found, writable } = await this.#read(
      key,
      undefined,
      routed,
      undefined,
      mayBeUnseen,
    );
    const seen = vectorOf(request, found);
    const updates = new Updates(key, operations, seen, this.#clock.now());
    const idle = updates.withoutEffect(found);
    if (idle !== undefined) return { ...NOTHING, results: idle };
    let results: readonly OperationResult[] = [];
    const answer = await this.#write(request, rest(), seen, (held, nextDot) => {
      const before = held.merge(writable);
      const updated = updates.carryOut(before, nextDot);
      results = updated.results;
      return this.#withEnd(before, updated.object, routed, nextDot);
    });
    return { ...answer, results };
  }

  /** What the client of a write has seen. A context that tells only a part of it is compared with what a read finds. */
  async #seenIn(
    request: PutRequest | DeleteRequest,
    routed: Routed,
  ): Promise<VersionVector | undefined> {
    const { context, key } = request;
    if (context?.hash === undefined) return context?.vector;
    return vectorOf(request, (await this.#read(key, undefined, routed)).object);
  }

  /**
   * What a request has of its time when it goes on later, as long as it has done nothing. That throws a TimeoutError
   * with the outcome `no` if nothing is left.
   */
  #restOf({ key }: ClientRequest, routed: Routed): () => Routed {
    const endsAtMs = this.#deadlines.nowMs + routed.timeoutMs;
    return () => {
      const timeoutMs = endsAtMs - this.#deadlines.nowMs;
      if (timeoutMs > 0) return { ...routed, timeoutMs };
      throw new TimeoutError(`The request for "${showBytes(key)}"`, "no", routed.timeoutMs);
    };
  }

  /** When a value ends that is written at this moment and says nothing of it; undefined if it does not. */
  #endByDefault({ namespace: { ttlMs } }: Routed): number | undefined {
    return ttlMs === undefined ? undefined : Math.floor(this.#clock.now()) + ttlMs;
  }

  /** Values that merge get their end when they come to be; what changes them later leaves it. */
  #withEnd(
    before: DataObject,
    after: DataObject,
    routed: Routed,
    nextDot: (above: HybridTime) => Dot,
  ): DataObject {
    const end = this.#endByDefault(routed);
    const nowMs = this.#clock.now();
    if (end === undefined || before.isLive(nowMs) || !after.isLive(nowMs)) return after;
    return after.expire(nextDot(after.timeBefore(undefined)), end);
  }

  async #write(
    request: PutRequest | DeleteRequest | ExpireRequest | UpdateRequest,
    routed: Routed,
    seen: VersionVector | undefined,
    change: Change,
  ): Promise<ClientAnswer> {
    const { key, level } = request;
    const w = level ?? routed.namespace.w;
    const written = await this.#writes.write({ key, ...routed, w, seen, change });
    const answer = writeAnswer(written, OWN_COUNTS[request.op]);
    return { ...answer, existed: false, expiresAtMs: undefined, results: [] };
  }
}

/** How many opaque values a write leaves itself; undefined where its client has not seen what it leaves. */
const OWN_COUNTS = { put: 1, delete: 0, expire: 0, update: undefined } as const;

/** Whether the own copy could not be read, or may not be written, and so nothing was done. */
function isOfOwnCopy(error: unknown): error is DenamoError {
  return error instanceof DenamoError && error.outcome === "no" &&
    (error.code === "corrupt" || error.code === "disk_failed");
}

/** A write's time must be above all that it joins and all that its client has seen, as far as there are such times. */
function latestOf(held: DataObject, seen: VersionVector | undefined): HybridTime {
  const latest = held.timeBefore(seen);
  return seen === undefined ? latest : Math.max(latest, timeAfter(seen));
}

/**
 * What a client has seen, by its context.
 *
 * @throws {DenamoError} `conflict` if the context tells only a part of that, and the key is not as it was then
 */
function vectorOf(
  { context, key }: { context: Context | undefined; key: Uint8Array },
  found: DataObject,
): VersionVector | undefined {
  if (context?.hash === undefined) return context?.vector;
  const vector = found.vector();
  if (isContextOf(context, vector)) return vector;
  const message =
    `Key "${showBytes(key)}" has changed since it was read, and so many have written ` +
    "it that a context cannot tell what is new: read it again and put with that context";
  throw new DenamoError("conflict", "no", message);
}
