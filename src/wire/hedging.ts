// How long a request waits for one peer before another node is asked as well.
//
// Nineteen of twenty answers come within the p95 of that peer; who has not answered by then is asked beside
// another (Dean and Barroso, "The Tail at Scale", CACM 2013). A write waits twice as long: what a
// stand-in keeps must be handed over later. This costs a request in twenty, but only while the peers are
// as they were: when all are slow at once, each would be asked for by the next one, and slower still.
// So early hedges are paid from a budget of one per ten requests. Whoever finds it empty waits as
// long as anybody waits at most.
//
// Deadlines fire 20 to 40 ms after their time (see deadlines.ts), and so do hedges.

import type { PeerId } from "../ports/network.ts";
import { AnswerTimes } from "./answer_times.ts";
import { type Method, METHODS } from "./message_codec.ts";

/** Nobody is waited for longer than this, in milliseconds. */
export const MOST_PATIENCE_MS = 250;

/** Early hedges per request, and how many may be saved up. */
const HEDGES_PER_REQUEST = 0.1;
const MOST_SAVED = 10;

/** Requests of one kind, and what is known of their answers. */
export class Hedging {
  readonly #leastMs: number;
  readonly #factor: number;
  readonly #times = new Map<PeerId, AnswerTimes>();
  #saved = MOST_SAVED;
  #count = 0;

  /**
   * @param leastMs nobody is waited for less
   * @param factor how many p95s are waited for
   */
  constructor(leastMs: number, factor: number) {
    this.#leastMs = leastMs;
    this.#factor = factor;
  }

  /** How many requests went to a further node because somebody had not answered soon. */
  get count(): number {
    return this.#count;
  }

  /** Takes note of how long a peer took to answer. */
  learn(peer: PeerId, ms: number): void {
    let times = this.#times.get(peer);
    if (times === undefined) this.#times.set(peer, times = new AnswerTimes());
    times.learn(ms);
  }

  /** Forgets a peer: over another connection it may be faster or slower. */
  forget(peer: PeerId): void {
    this.#times.delete(peer);
  }

  /** A request begins, which earns its share of an early hedge. */
  begin(): void {
    this.#saved = Math.min(MOST_SAVED, this.#saved + HEDGES_PER_REQUEST);
  }

  /** How long to wait for the slowest of these peers, in milliseconds. */
  patienceMs(peers: Iterable<PeerId>): number {
    let patienceMs = this.#leastMs;
    for (const peer of peers) {
      const p95Ms = this.#times.get(peer)?.p95Ms;
      if (p95Ms === undefined) return MOST_PATIENCE_MS;
      patienceMs = Math.max(patienceMs, p95Ms * this.#factor);
    }
    return Math.min(patienceMs, MOST_PATIENCE_MS);
  }

  /** Whether a further node may be asked after waiting so long; if so it is paid for and counted. */
  take(waitedMs: number): boolean {
    if (waitedMs < MOST_PATIENCE_MS) {
      if (this.#saved < 1) return false;
      this.#saved--;
    }
    this.#count++;
    return true;
  }
}

/** The hedging of a node's requests, by their method. */
export class HedgedMethods {
  readonly reads = new Hedging(10, 1);
  readonly writes = new Hedging(50, 2);

  learn(peer: PeerId, method: Method, ms: number): void {
    if (method === METHODS.read) this.reads.learn(peer, ms);
    else if (method === METHODS.store) this.writes.learn(peer, ms);
  }

  forget(peer: PeerId): void {
    this.reads.forget(peer);
    this.writes.forget(peer);
  }
}
