// The phi accrual failure detector: how surprising is it that no heartbeat has come for so long?
//
// A fixed timeout is wrong on every network but one. Instead each member's heartbeats teach us their
// rhythm, and phi says how unlikely the present silence is under it: phi = 1 is a silence that one
// heartbeat in ten would show by chance, phi = 8 one in a hundred million. Whoever uses phi picks the
// level at which to act, and different acts may have different levels.
//
// The rhythm is a normal distribution fitted to the last arrivals. Two floors keep a machine of good
// manners from being condemned for its first hiccup: the mean is at least the interval that the sender
// has promised, and the deviation at least 0.57 of it (and 200 ms). With heartbeats each second phi is 3
// after 2.8 s of silence and 8 after 4.2 s, so a pause of 2.5 s, whose silence is 3.5 s, is
// suspicious but not fatal. A gap counts for three intervals at most: an outage says nothing about the
// rhythm, and no history can then delay the level 8 beyond eleven seconds.
//
// Source: Hayashibara, Défago, Yared, Katayama: "The phi accrual failure detector", SRDS 2004, section 4.

import { assert } from "../base/assert.ts";

/** Learns the rhythm of one member's heartbeats. Times are milliseconds of one clock, never going back. */
export class PhiAccrual {
  readonly #intervalMs: number;
  readonly #leastDeviationMs: number;
  /** The last gaps between arrivals in milliseconds: a ring, of which `#count` are in use. */
  readonly #gaps = new Float64Array(WINDOW);
  #count = BOOTSTRAP;
  #next = BOOTSTRAP;
  #meanMs: number;
  #deviationMs: number;
  #lastArrivalMs: number;

  /**
   * Begins with the first arrival, and with the belief that the sender keeps its promise.
   *
   * @param intervalMs the longest pause that the sender has promised between two heartbeats
   */
  constructor(intervalMs: number, firstArrivalMs: number) {
    assert(intervalMs > 0, "the interval of heartbeats is above zero");
    this.#intervalMs = intervalMs;
    this.#leastDeviationMs = Math.max(intervalMs * DEVIATION_SHARE, LEAST_DEVIATION_MS);
    this.#gaps.fill(intervalMs, 0, BOOTSTRAP);
    this.#meanMs = intervalMs;
    this.#deviationMs = this.#leastDeviationMs;
    this.#lastArrivalMs = firstArrivalMs;
  }

  /** Takes note of a heartbeat. */
  arrived(atMs: number): void {
    const gapMs = Math.max(0, atMs - this.#lastArrivalMs);
    this.#lastArrivalMs = Math.max(atMs, this.#lastArrivalMs);
    this.#gaps[this.#next] = Math.min(gapMs, this.#intervalMs * LONGEST_GAP);
    this.#next = (this.#next + 1) % WINDOW;
    this.#count = Math.min(this.#count + 1, WINDOW);
    this.#fit();
  }

  /** How surprising the silence until `atMs` is: from 0 up, always finite. */
  phi(atMs: number): number {
    const silenceMs = Math.max(0, atMs - this.#lastArrivalMs);
    return phiOf(silenceMs, this.#meanMs, this.#deviationMs);
  }

  /** Summed anew each time, in two passes: sums that are carried along would drift. */
  #fit(): void {
    const gaps = this.#gaps;
    const count = this.#count;
    let sum = 0;
    for (let i = 0; i < count; i++) sum += gaps[i]!;
    const mean = sum / count;
    let squares = 0;
    for (let i = 0; i < count; i++) squares += (gaps[i]! - mean) ** 2;
    this.#meanMs = Math.max(mean, this.#intervalMs);
    this.#deviationMs = Math.max(Math.sqrt(squares / count), this.#leastDeviationMs);
  }
}

/**
 * The negative decimal logarithm of the chance that a heartbeat comes later than `silenceMs`, where gaps
 * are distributed normally. Computed as a logarithm throughout, so it stays exact and finite where
 * the chance itself is too small for a number.
 */
export function phiOf(silenceMs: number, meanMs: number, deviationMs: number): number {
  const x = (silenceMs - meanMs) / deviationMs;
  const logOfChance = x < 0 ? Math.log1p(-Math.exp(logOfUpperTail(-x))) : logOfUpperTail(x);
  return -logOfChance / Math.LN10;
}

const WINDOW = 100;
const BOOTSTRAP = 10;
const DEVIATION_SHARE = 0.57;
const LEAST_DEVIATION_MS = 200;
const LONGEST_GAP = 3;

const LOG_OF_ROOT_OF_TWO_PI = Math.log(2 * Math.PI) / 2;

/**
 * The natural logarithm of the standard normal distribution's upper tail, for x ≥ 0: near zero by the
 * series of Abramowitz and Stegun 26.2.11, further out by Laplace's continued fraction, 26.2.14.
 */
function logOfUpperTail(x: number): number {
  const logOfDensity = -x * x / 2 - LOG_OF_ROOT_OF_TWO_PI;
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let n = 3; term > sum * 1e-17; n += 2) {
      term *= x * x / n;
      sum += term;
    }
    return Math.log(0.5 - Math.exp(logOfDensity) * sum);
  }
  let fraction = x;
  for (let k = 80; k >= 1; k--) fraction = x + k / fraction;
  return logOfDensity - Math.log(fraction);
}
