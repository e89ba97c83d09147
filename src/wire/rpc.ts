// Requests and answers over the network port: ids, deadlines, limits.
//
// A request may go to several peers at once under one id and one encoding, since a write does. Whatever
// happens, each peer's handler is called exactly once: with an answer, a failure, or our own failure when
// the deadline passes or the connection breaks. After such a break nobody knows whether the peer acted, so
// the outcome is `unknown`; if the request never left, it is `no`. A request is carried out at most once.
//
// Who may ask what stands in standing.ts and is looked at before any argument is. A message that makes no sense
// fails by itself: a request is answered with `malformed`, an answer ends its own request, and the connection
// goes on (nonsense.ts).

import { MalformedError } from "../base/malformed.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Lane, Network, PeerId } from "../ports/network.ts";
import { Breaker, LOOK_MS } from "./breaker.ts";
import type { Deadline, Deadlines } from "./deadlines.ts";
import { DenamoError, OverloadedError, TimeoutError } from "./errors.ts";
import { HedgedMethods } from "./hedging.ts";
import { Latency } from "./latency.ts";
import { LIMITS } from "./limits.ts";
import {
  decodeMessage,
  encodeRequest,
  type IncomingMessage,
  type IncomingRequest,
  type Method,
  METHODS,
} from "./message_codec.ts";
import { Nonsense, type NonsenseCount } from "./nonsense.ts";
import { type RequestHandler, Serving, tooLargeToSend } from "./serving.ts";
import { methodName, type Standing } from "./standing.ts";

/** What became of a request at one peer. */
export type Reply = readonly unknown[] | DenamoError;

/** Called once per peer. */
export type ReplyHandler = (peer: PeerId, reply: Reply) => void;

interface OpenRequest {
  readonly method: Method;
  readonly waiting: Set<PeerId>;
  readonly handler: ReplyHandler;
  /** Of every few reads and stores of requests only: undefined if this one is not measured. */
  readonly sentAtMs: number | undefined;
  readonly deadline: Deadline;
}

/** How fast a peer has answered lately, how many requests it has open, and which it has sent. */
interface PeerLoad {
  open: number;
  readonly latency: Latency;
  /** When it has sent something last, a sweep of the deadlines more or less. */
  heardAtMs: number;
  readonly breaker: Breaker;
  /** The last request that came from it over each lane. */
  readonly lastRequestIds: Record<Lane, number>;
}

/** Asking for the time is not free: one request of so many tells how fast a peer is. */
const MEASURE_EVERY = 4;

/** Whoever has sent nothing for longer is silent. */
const SILENT_MS = 100;

/** How long the breaker's question to a silent peer stays open. */
const QUESTION_MS = 400;

export class Rpc {
  readonly #network: Network;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #serving: Serving;
  readonly #open = new Map<number, OpenRequest>();
  readonly #peers = new Map<PeerId, PeerLoad>();
  readonly #nonsense: Nonsense;
  /** What is known of how long peers take, for asking others beside them. */
  readonly hedging = new HedgedMethods();
  #lastId = 0;
  #sentBytes = 0;
  #measurable = 0;
  #looking: Deadline | undefined;
  #isStopped = false;

  /** @param standingOf what an admitted peer is at present; asked for every request */
  constructor(
    network: Network,
    clock: Clock,
    deadlines: Deadlines,
    log: Log,
    standingOf: (peer: PeerId) => Standing,
  ) {
    this.#network = network;
    this.#clock = clock;
    this.#deadlines = deadlines;
    const nonsense = new Nonsense(log);
    this.#nonsense = nonsense;
    this.#serving = new Serving({
      log,
      standingOf,
      connectionTo: (peer) => this.#peers.get(peer),
      send: (to, lane, bytes) => void this.#send(to, lane, bytes),
      madeSense: (from) => nonsense.madeSense(from),
      madeNoSense: (...what) => this.#note(...what),
    });
    this.serve(METHODS.probe, () => []);
  }

  /** Requests that wait for an answer. */
  get openCount(): number {
    return this.#open.size;
  }

  serve(method: Method, handler: RequestHandler): void {
    this.#serving.serve(method, handler);
  }

  peerUp(peer: PeerId): void {
    const lastRequestIds = { request: 0, bulk: 0 };
    const heardAtMs = this.#deadlines.nowMs;
    const breaker = new Breaker();
    this.#peers.set(peer, { open: 0, latency: new Latency(), heardAtMs, breaker, lastRequestIds });
  }

  /** Ends every request that waits for this peer. */
  peerDown(peer: PeerId, reason: string): void {
    this.#peers.delete(peer);
    this.#nonsense.forget(peer);
    this.hedging.forget(peer);
    for (const [id, request] of [...this.#open]) {
      if (!request.waiting.has(peer)) continue;
      const error = new DenamoError("timeout", "unknown", `Connection lost: ${reason}`);
      this.#settle(id, request, peer, error);
    }
  }

  isUp(peer: PeerId): boolean {
    return this.#peers.has(peer);
  }

  /** Whether a peer is up and may be sent one more request. */
  hasRoom(peer: PeerId): boolean {
    return (this.#peers.get(peer)?.open ?? Infinity) < LIMITS.inFlightPerPeerCount;
  }

  /** Whether others should be asked before this peer, which has not answered for some hundred milliseconds. */
  isAvoided(peer: PeerId): boolean {
    return this.#peers.get(peer)?.breaker.isOpen === true;
  }

  /** Whether a peer has sent nothing for a tenth of a second, be it that it hangs or that nobody asked. */
  isSilent(peer: PeerId): boolean {
    const heardAtMs = this.#peers.get(peer)?.heardAtMs ?? -Infinity;
    return this.#deadlines.nowMs - heardAtMs > SILENT_MS;
  }

  /** How many peers are avoided at present. */
  get avoidedCount(): number {
    let count = 0;
    for (const { breaker } of this.#peers.values()) if (breaker.isOpen) count++;
    return count;
  }

  /** What made no sense, by sender and kind, since the start. */
  get nonsense(): readonly NonsenseCount[] {
    return this.#nonsense.counts();
  }

  /** How many requests were refused since the start because their sender may not make them. */
  get refusedCount(): number {
    return this.#serving.refusedCount;
  }

  /** What has been handed to the network, in bytes. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** How fast a peer has answered lately, for choosing whom to ask; Infinity if not up. See latency.ts. */
  latencyMs(peer: PeerId): number {
    return this.#peers.get(peer)?.latency.at(this.#deadlines.nowMs) ?? Infinity;
  }

  /**
   * Asks several peers the same. The handler is called once for each of them, never before this returns
   * for an answer, at once for a peer that cannot be asked.
   */
  ask(
    peers: readonly PeerId[],
    method: Method,
    args: readonly unknown[],
    timeoutMs: number,
    handler: ReplyHandler,
    lane: Lane = "request",
  ): void {
    const id = ++this.#lastId;
    const bytes = encodeRequest(id, method, timeoutMs, args);
    const tooLarge = tooLargeToSend(bytes);
    const waiting = new Set<PeerId>();
    const refused: [PeerId, DenamoError][] = [];
    for (const peer of peers) {
      const load = this.#peers.get(peer);
      if (tooLarge !== undefined) {
        refused.push([peer, tooLarge]);
      } else if (load === undefined) {
        refused.push([peer, new DenamoError("timeout", "no", "not connected")]);
      } else if (load.open >= LIMITS.inFlightPerPeerCount) {
        refused.push([peer, new OverloadedError("The request queue", LIMITS.inFlightPerPeerCount)]);
      } else if (!this.#send(peer, lane, bytes)) {
        refused.push([peer, new DenamoError("overloaded", "no", "its send queue is full")]);
      } else {
        load.open++;
        waiting.add(peer);
      }
    }
    if (waiting.size > 0) {
      const isMeasured = isOfRequest(method, lane) && ++this.#measurable % MEASURE_EVERY === 0;
      const sentAtMs = isMeasured ? this.#clock.monotonic() : undefined;
      const deadline = this.#deadlines.set(timeoutMs, () => this.#expire(id, timeoutMs));
      this.#open.set(id, { method, waiting, handler, sentAtMs, deadline });
      this.#looking ??= this.#deadlines.set(LOOK_MS, this.#look);
    }
    for (const [peer, error] of refused) handler(peer, error);
  }

  /** Asks one peer. @throws {DenamoError} what the peer, the deadline or the connection says */
  call(
    peer: PeerId,
    method: Method,
    args: readonly unknown[],
    timeoutMs: number,
    lane: Lane = "request",
  ): Promise<readonly unknown[]> {
    return new Promise((resolve, reject) => {
      this.ask([peer], method, args, timeoutMs, (_peer, reply) => {
        if (reply instanceof DenamoError) reject(reply);
        else resolve(reply);
      }, lane);
    });
  }

  /** As {@linkcode Rpc.call}, with the answer read by `read`. @throws {DenamoError} `malformed` if that cannot be */
  async query<T>(
    peer: PeerId,
    method: Method,
    args: readonly unknown[],
    timeoutMs: number,
    read: (answer: readonly unknown[]) => T,
    lane?: Lane,
  ): Promise<T> {
    const answer = await this.call(peer, method, args, timeoutMs, lane);
    return this.readAnswer(peer, method, answer, read);
  }

  /**
   * Reads what a peer has answered.
   *
   * @throws {DenamoError} `malformed` if the answer makes no sense: then nobody knows what the peer has done
   */
  readAnswer<T>(
    peer: PeerId,
    method: Method,
    answer: readonly unknown[],
    read: (answer: readonly unknown[]) => T,
  ): T {
    try {
      const value = read(answer);
      this.#nonsense.madeSense(peer);
      return value;
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      const kind = `${methodName(method)} answer`;
      this.#note(peer, kind, error.message);
      throw new DenamoError("malformed", "unknown", `The ${kind} makes no sense: ${error.message}`);
    }
  }

  /** Takes a message from the network. */
  receive(from: PeerId, lane: Lane, bytes: Uint8Array): void {
    let message: IncomingMessage;
    try {
      message = decodeMessage(bytes);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.#note(from, "message", error.message);
      return;
    }
    const load = this.#peers.get(from);
    if (load !== undefined) load.heardAtMs = this.#deadlines.nowMs;
    if (message.kind !== "failure") load?.breaker.spoke();
    if (message.kind === "request") {
      if (this.#isNext(message, from, lane)) this.#serving.answer(message, from, lane);
      return;
    }
    const request = this.#open.get(message.id);
    if (request === undefined || !request.waiting.has(from)) return;
    // Of other answers whoever reads them says whether they make sense.
    if (message.kind === "failure" || message.result.length === 0) this.#nonsense.madeSense(from);
    const reply = message.kind === "answer" ? message.result : message.error;
    if (message.kind === "failure") this.#weigh(from, message.error);
    if (request.sentAtMs !== undefined) {
      this.#learnLatency(from, request.method, this.#clock.monotonic() - request.sentAtMs);
    }
    this.#settle(message.id, request, from, reply);
  }

  /** Ends every open request: the node stops. */
  stop(): void {
    this.#isStopped = true;
    if (this.#looking !== undefined) this.#deadlines.clear(this.#looking);
    for (const [id, request] of [...this.#open]) {
      for (const peer of [...request.waiting]) {
        const error = new DenamoError("stopped", "unknown", "This node is stopping");
        this.#settle(id, request, peer, error);
      }
    }
  }

  /** Ids rise on the way from a peer: one that does not is repeated, and must not be carried out twice. */
  #isNext({ id }: IncomingRequest, from: PeerId, lane: Lane): boolean {
    const ids = this.#peers.get(from)?.lastRequestIds;
    if (ids === undefined || id <= ids[lane]) return false;
    ids[lane] = id;
    return true;
  }

  #send(to: PeerId, lane: Lane, bytes: Uint8Array): boolean {
    const isSent = this.#network.send(to, lane, bytes);
    if (isSent) this.#sentBytes += bytes.length;
    return isSent;
  }

  #note(from: PeerId, kind: string, problem: string, isCarried = false): void {
    const nowMs = this.#clock.monotonic();
    if (!this.#nonsense.note(from, kind, problem, nowMs, isCarried)) return;
    this.#nonsense.forget(from);
    this.#network.reset(from, `It sends nothing but nonsense, such as: ${problem}`);
  }

  #expire(id: number, timeoutMs: number): void {
    const request = this.#open.get(id);
    if (request === undefined) return;
    for (const peer of [...request.waiting]) {
      if (request.sentAtMs !== undefined) this.#learnLatency(peer, request.method, timeoutMs);
      this.#settle(id, request, peer, new TimeoutError("The request", "unknown", timeoutMs));
    }
  }

  #settle(id: number, request: OpenRequest, peer: PeerId, reply: Reply): void {
    request.waiting.delete(peer);
    const load = this.#peers.get(peer);
    if (load !== undefined) load.open--;
    if (request.waiting.size === 0) {
      this.#open.delete(id);
      this.#deadlines.clear(request.deadline);
    }
    request.handler(peer, reply);
  }

  #learnLatency(peer: PeerId, method: Method, latencyMs: number): void {
    const load = this.#peers.get(peer);
    if (load === undefined) return;
    load.latency.learn(latencyMs, this.#deadlines.nowMs);
    this.hedging.learn(peer, method, latencyMs);
  }

  /** A refusal shows that a peer lives, and some that it can serve nobody at present. */
  #weigh(peer: PeerId, { code }: DenamoError): void {
    const breaker = this.#peers.get(peer)?.breaker;
    if (code === "overloaded" || code === "disk_failed") breaker?.refused();
    else breaker?.spoke();
  }

  /** Looks at every peer for as long as anybody owes us an answer. */
  readonly #look = (): void => {
    this.#looking = undefined;
    if (this.#isStopped) return;
    let isAnyOwing = false;
    for (const [peer, load] of this.#peers) {
      const owes = load.open > 0;
      if (load.breaker.look(owes) === "ask") {
        this.ask([peer], METHODS.probe, [], QUESTION_MS, () => {});
      }
      isAnyOwing ||= owes || load.breaker.isOpen;
    }
    if (isAnyOwing) this.#looking ??= this.#deadlines.set(LOOK_MS, this.#look);
  };
}

/** Whether this is a read or store for a request of a client: how long anything else takes says nothing of these. */
function isOfRequest(method: Method, lane: Lane): boolean {
  if (lane !== "request") return false;
  return method === METHODS.read || method === METHODS.store || method === METHODS.storeDelta;
}
