// A request that this node cannot coordinate goes to an owner of its key.
//
// It goes to the owner that answers fastest. A read may be tried at another owner, also beside one that takes long; a
// write only if the first certainly did nothing with it, since a write made twice would be two writes, or if all
// that it does has ids, by which it counts once. So a write goes to an owner that has just shown that it lives. If no
// owner can be asked, the first fallback coordinates that can, the same for all who ask, unless the request is strict.

import { showBytes } from "../base/bytes.ts";
import { operationIdOf } from "../crdt/typed_update.ts";
import type { Clock } from "../ports/clock.ts";
import type { PeerId } from "../ports/network.ts";
import { type Cluster, layoutOf, learnFromRefusal, reachable } from "../replica/cluster.ts";
import type { Namespace } from "../replica/namespaces.ts";
import type { Deadlines } from "../wire/deadlines.ts";
import { DenamoError, type ErrorCode, QuorumError, TimeoutError } from "../wire/errors.ts";
import { METHODS } from "../wire/message_codec.ts";
import { checkNotStale } from "./at_least.ts";
import { firstAnswer } from "./first_answer.ts";
import {
  type ClientAnswer,
  type ClientRequest,
  decodeClientAnswer,
  encodeClientRequest,
} from "./requests.ts";
import { livingFirst } from "./sign_of_life.ts";
import { type StandIn, standInsFor } from "./stand_ins.ts";

/** A request with all that its key decides. */
export interface Routed {
  readonly partition: number;
  readonly namespace: Namespace;
  readonly isStrict: boolean;
  readonly timeoutMs: number;
}

/** Coordinates a request at this node. */
export type Coordinate = (request: ClientRequest, routed: Routed) => Promise<ClientAnswer>;

/** How long an owner may take for a read that was forwarded to it before another is asked as well. */
const NEXT_OWNER_AFTER_MS = 250;

export class Forwarding {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #coordinate: Coordinate;
  /** How many requests have been forwarded since the start. */
  count = 0;

  /** @param coordinate for when this node is the one that stands in */
  constructor(cluster: Cluster, clock: Clock, deadlines: Deadlines, coordinate: Coordinate) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#coordinate = coordinate;
  }

  /**
   * Lets an owner coordinate, or, if none can be asked, the first node that stands in.
   *
   * @param own why this node, which owns the key, cannot
   */
  async forward(
    request: ClientRequest,
    routed: Routed,
    owners: readonly string[],
    own?: DenamoError,
  ): Promise<ClientAnswer> {
    const { isStrict, partition, timeoutMs } = routed;
    this.count++;
    const endsAtMs = this.#clock.monotonic() + timeoutMs;
    const refusals = own === undefined ? [] : [own];
    const causes = own === undefined ? [] : [`${this.#cluster.self}: ${own.message}`];
    /** What the request ends with if nobody answers, since somebody may have done it. */
    let doubt: DenamoError | undefined;
    const turnTo = async ({ node, peer }: StandIn, isStandIn: boolean) => {
      const leftMs = endsAtMs - this.#clock.monotonic();
      if (leftMs <= 0) return undefined;
      try {
        return peer === undefined
          ? await this.#coordinate(request, { ...routed, timeoutMs: leftMs })
          : await this.#ask(peer, request, isStandIn, leftMs);
      } catch (error) {
        if (!(error instanceof DenamoError)) throw error;
        if (request.op !== "get" && error.outcome === "unknown") doubt ??= error;
        const mayRetry = isRepeatable(request) || error.outcome === "no";
        if (!mayRetry || !isOfThatNode(error)) throw doubt ?? error;
        refusals.push(error);
        causes.push(`${node}: ${error.message}`);
        return undefined;
      }
    };
    // A read may be made twice, so nobody need wait for an owner that hangs. A write must go to one that does not.
    const isRead = request.op === "get";
    const pauseMs = isRead ? NEXT_OWNER_AFTER_MS : undefined;
    const answerOf = (nodes: readonly StandIn[], areStandIns: boolean) =>
      firstAnswer(nodes, this.#deadlines, pauseMs, (node) => turnTo(node, areStandIns));
    const able = reachable(this.#cluster, owners);
    const takers = isRead
      ? able
      : await livingFirst(this.#cluster, able, this.#deadlines, timeoutMs);
    const answer = await answerOf(takers, false);
    if (answer !== undefined) return answer;
    // An owner that could not gather a quorum has tried those that stand in. And to who stands in for the only owner
    // a record that is damaged there would look absent.
    const isFinal = ({ code }: DenamoError) =>
      code === "quorum" || code === "corrupt" && owners.length === 1;
    if (!isStrict && !refusals.some(isFinal)) {
      const answer = await answerOf(standInsFor(this.#cluster, partition, owners), true);
      if (answer !== undefined) return answer;
    }
    if (doubt !== undefined) throw doubt;
    const stale = refusals.find(({ code }) => code === "stale");
    if (stale !== undefined) throw stale;
    if (endsAtMs <= this.#clock.monotonic()) {
      throw new TimeoutError(`The request for "${showBytes(request.key)}"`, "no", timeoutMs);
    }
    // Nobody else could be asked.
    if (own !== undefined && refusals.length === 1) throw own;
    throw new QuorumError(`an owner of "${showBytes(request.key)}"`, "no", {
      needed: 1,
      got: 0,
      asked: owners.length,
      causes: causes.length > 0 ? causes : owners.map((owner) => `${owner} is not connected`),
    });
  }

  async #ask(
    peer: PeerId,
    request: ClientRequest,
    isStandIn: boolean,
    timeoutMs: number,
  ): Promise<ClientAnswer> {
    const cluster = this.#cluster;
    const message = [layoutOf(cluster).layout.id, isStandIn, ...encodeClientRequest(request)];
    try {
      const answer = await cluster.rpc.query(
        peer,
        METHODS.coordinate,
        message,
        timeoutMs,
        decodeClientAnswer,
      );
      checkNotStale(request, answer);
      return answer;
    } catch (error) {
      if (error instanceof DenamoError) learnFromRefusal(cluster, error);
      throw error;
    }
  }
}

/** Codes of errors that are the same at every owner. */
const OF_THE_REQUEST: readonly ErrorCode[] = [
  "bad_context",
  "bad_request",
  "conflict",
  "not_a_number",
  "too_large",
  "too_late",
  "unsupported",
  "wrong_type",
];

/** Whether a request may be carried out twice, since that comes to the same as once. */
function isRepeatable(request: ClientRequest): boolean {
  if (request.op === "get") return true;
  return request.op === "update" && request.operations.every((it) => operationIdOf(it));
}

/** Whether another owner may do better. */
function isOfThatNode(error: DenamoError): boolean {
  return !OF_THE_REQUEST.includes(error.code);
}
