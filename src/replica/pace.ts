// The pace of background work: handing over, comparing and filling give way to requests.
//
// Requests and background work share a disk, a processor and a network, and nobody can tell in advance how much
// there is of them. So the requests themselves are the measure: one at a time is timed, and when they take clearly
// longer than they do in calm hours, or very many are under way, background work waits before its next page. It
// waits in short pauses, each followed by another look, and never longer than a bound: what is too slow
// for requests may be slow for hours, and copies must become equal nevertheless.
//
// What counts as calm is learned: quickly when requests are faster than expected, slowly when they are not.
//
// Source: the idea of feedback is that of DeCandia et al., "Dynamo" (2007), section 6.5.

import { type Clock, sleep } from "../ports/clock.ts";

/** Requests are slow if they take so many times as long as in calm hours, and so much longer, in milliseconds. */
const SLOW_TIMES = 3;
const SLOW_BY_MS = 5;

/** Of a new time, the share by which a mean moves. */
const RECENT_SHARE = 1 / 4;
const CALM_DOWN_SHARE = 1 / 8;
const CALM_UP_SHARE = 1 / 512;

/** After so much time without another a request's time says nothing of the present, in milliseconds. */
const STALE_AFTER_MS = 1_000;

/** With so many requests under way background work waits, however long they take. */
const BUSY_COUNT = 512;

/** Between two looks, in milliseconds. */
const PAUSE_MS = 50;

/** The longest that one page of background work waits, in milliseconds. */
const LONGEST_WAIT_MS = 500;

export class Pace {
  readonly #clock: Clock;
  #inFlight = 0;
  /** Of the request that is timed; undefined if none is. */
  #timedSinceMs: number | undefined;
  #recentMs = 0;
  #calmMs: number | undefined;
  #lastTimeAtMs = -Infinity;
  #waitedMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Requests under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** For how long background work has waited since the start, in milliseconds. */
  get waitedMs(): number {
    return this.#waitedMs;
  }

  /** A request begins; whoever calls hands the answer to {@linkcode Pace.ended}. */
  began(): boolean {
    this.#inFlight++;
    if (this.#timedSinceMs !== undefined) return false;
    this.#timedSinceMs = this.#clock.monotonic();
    return true;
  }

  /** A request has ended, however it did. */
  ended(isTimed: boolean): void {
    this.#inFlight--;
    if (!isTimed || this.#timedSinceMs === undefined) return;
    const nowMs = this.#clock.monotonic();
    this.#learn(nowMs - this.#timedSinceMs, nowMs);
    this.#timedSinceMs = undefined;
  }

  /** Whether background work should wait at this moment. */
  get mustGiveWay(): boolean {
    if (this.#inFlight >= BUSY_COUNT) return true;
    if (this.#calmMs === undefined) return false;
    const slowMs = SLOW_TIMES * this.#calmMs + SLOW_BY_MS;
    const nowMs = this.#clock.monotonic();
    // A request that has been waiting for long is slow before it has ended.
    if (this.#timedSinceMs !== undefined && nowMs - this.#timedSinceMs > slowMs) return true;
    return nowMs - this.#lastTimeAtMs < STALE_AFTER_MS && this.#recentMs > slowMs;
  }

  /** Resolves when the next page of background work may be done. */
  async giveWay(): Promise<void> {
    for (let leftMs = LONGEST_WAIT_MS; leftMs > 0 && this.mustGiveWay; leftMs -= PAUSE_MS) {
      await sleep(this.#clock, PAUSE_MS);
      this.#waitedMs += PAUSE_MS;
    }
  }

  #learn(tookMs: number, nowMs: number): void {
    const isStale = nowMs - this.#lastTimeAtMs >= STALE_AFTER_MS;
    this.#lastTimeAtMs = nowMs;
    this.#recentMs = isStale ? tookMs : this.#recentMs + (tookMs - this.#recentMs) * RECENT_SHARE;
    const calmMs = this.#calmMs ??= tookMs;
    const share = tookMs < calmMs ? CALM_DOWN_SHARE : CALM_UP_SHARE;
    this.#calmMs = calmMs + (tookMs - calmMs) * share;
  }
}
