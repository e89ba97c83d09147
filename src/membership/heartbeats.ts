// The heartbeats of one node: sends its own, takes in the others', and judges them as time passes.
//
// It knows no network. What it sends goes through `publish`; what arrives is handed to `receive`, and
// greetings go through `greeting` and `admit`: a greeting is a heartbeat too, so two nodes know each
// other from their first moment. Everybody speaks for himself: the network vouches for who has published
// something or greets us, and what bears another's peer id is refused before it is looked at. The pauses between heartbeats vary by a tenth below the interval,
// lest a cluster that was started at once breathe in step; they never exceed what was promised.

import { assert } from "../base/assert.ts";
import { MalformedError } from "../base/malformed.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { PeerId, Refusal } from "../ports/network.ts";
import { type Random, randomBelow } from "../ports/random.ts";
import type { ClockWatch } from "./clock_watch.ts";
import { decodeHeartbeat, encodeHeartbeat, type Heartbeat, HEARTBEAT_LIMITS } from "./heartbeat.ts";
import { incarnationStep, LONGEST_STEP } from "./incarnation_step.ts";
import { ListeningTime } from "./listening_time.ts";
import { type Member, MEMBER_LIMIT, type MemberTable, type RecordOutcome } from "./member_table.ts";
import type { Prober } from "./probes.ts";

/** What a node says of itself, without what {@linkcode Heartbeats} adds on its own. */
export type SelfDescription = Omit<
  Heartbeat,
  "node" | "peerId" | "incarnation" | "sequence" | "timeMs" | "intervalMs"
>;

export interface HeartbeatsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly table: MemberTable;
  readonly clockWatch: ClockWatch;
  /** Our own pause between heartbeats in milliseconds, a whole number. */
  readonly intervalMs?: number | undefined;
  /** Tells what we are at this moment. Of many addresses the first ones are sent. */
  readonly describe: () => SelfDescription;
  /** Sends to all. */
  readonly publish: (heartbeat: Uint8Array) => void;
  /** Called with every heartbeat that told something. */
  readonly onHeartbeat?: ((heartbeat: Heartbeat) => void) | undefined;
}

export const DEFAULT_HEARTBEAT_MS = 1_000;

/** Runs from {@linkcode Heartbeats.start} to {@linkcode Heartbeats.stop}, once. */
export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  readonly #intervalMs: number;
  readonly #listening: ListeningTime;
  /** Who has spoken since the last judgement. */
  readonly #spoken = new Set<PeerId>();
  /** Of peers that have not been told yet: the incarnation of another run of theirs that we remember. */
  readonly #otherSelves = new Map<PeerId, number>();
  #sequence = 0;
  #phase: "idle" | "running" | "stopped" = "idle";
  #publishing: Timer | undefined;
  #judging: Timer | undefined;
  #malformed = 0;
  #warnedAtMs = -Infinity;
  #prober: Prober | undefined;
  #isDoubtful = false;
  #isClockWrong = false;

  constructor(options: HeartbeatsOptions) {
    this.#options = options;
    this.#intervalMs = options.intervalMs ?? DEFAULT_HEARTBEAT_MS;
    const { intervalMsMax } = HEARTBEAT_LIMITS;
    if (!Number.isInteger(this.#intervalMs) || this.#intervalMs < 1) {
      throw new RangeError(
        `Heartbeat interval must be a whole number above 0: ${this.#intervalMs}`,
      );
    }
    if (this.#intervalMs > intervalMsMax) {
      throw new RangeError(`Heartbeat interval is ${this.#intervalMs} ms, limit ${intervalMsMax}`);
    }
    this.#listening = new ListeningTime(options.clock, this.#judgingMs * TICKS_OF_PATIENCE);
  }

  /** Sends the first heartbeat at once and goes on until stopped. */
  start(): void {
    assert(this.#phase === "idle", "heartbeats are started once");
    this.#phase = "running";
    this.#listening.tick();
    this.#judgeLater();
    this.#publish();
  }

  /** Ends it: no timer is left, and nothing is sent any more. */
  stop(): void {
    this.#phase = "stopped";
    this.#publishing?.cancel();
    this.#judging?.cancel();
  }

  /** Sends a heartbeat out of turn, when something has changed that the others should know at once. */
  publishNow(): void {
    if (this.#phase !== "running") return;
    this.#publishing?.cancel();
    this.#publish();
  }

  /** Our first words to a peer: a heartbeat of this moment. */
  greeting(): Uint8Array {
    return encodeHeartbeat(this.#next());
  }

  /** Reads the greeting of a peer, which must be its own; a refusal if it is none. Changes nothing. */
  read(peerId: PeerId, greeting: Uint8Array): Heartbeat | Refusal {
    const heartbeat = this.#decode(peerId, greeting);
    return heartbeat instanceof MalformedError ? malformed(heartbeat.message) : heartbeat;
  }

  /** Judges a peer by its greeting: undefined admits it, a refusal is told to it. */
  admit(heartbeat: Heartbeat): Refusal | undefined {
    const { incarnation, node, peerId } = heartbeat;
    const { table } = this.#options;
    const refusal = table.judge(node, peerId, incarnation);
    const remembered = table.incarnationOf(node);
    if (refusal === undefined && remembered !== undefined && node !== table.node) {
      const later = table.laterSelfOf(node, peerId, incarnation, true);
      if (remembered !== incarnation || later !== undefined) this.#remember(peerId, remembered);
    }
    this.#take(heartbeat, true);
    return refusal;
  }

  /**
   * Peers of whose nodes we remember another run, with its incarnation, until they have been told. If that is
   * later than the peer's own, the peer must go above it to be heard.
   */
  get otherSelves(): ReadonlyMap<PeerId, number> {
    return this.#otherSelves;
  }

  /** A peer has learnt of the other run that we remember. */
  hasLearnt(peerId: PeerId, incarnation: number): void {
    if (this.#otherSelves.get(peerId) === incarnation) this.#otherSelves.delete(peerId);
  }

  /**
   * Somebody remembers an incarnation of our node: from now on we speak as a later one.
   *
   * @returns our incarnation from now on
   */
  refute(incarnation: number): number {
    const { random, table } = this.#options;
    if (incarnation >= table.incarnation) {
      table.refute(incarnation, incarnationStep(random));
      this.publishNow();
    }
    return table.incarnation;
  }

  /** Whether a peer bears the name of a node that counts where something is decided. */
  isOfMember(peerId: PeerId): boolean {
    const { table } = this.#options;
    const node = table.nodeOf(peerId);
    return node !== undefined && table.counts(node);
  }

  /** The highest incarnation that a run can have which begins now, by our clock and a step. */
  get furthestStart(): number {
    return this.#options.clock.now() + LONGEST_STEP;
  }

  /** What was published or greeted with so far and is no heartbeat of its sender. */
  get malformedCount(): number {
    return this.#malformed;
  }

  /** Takes in what a peer has published. What is no heartbeat of its own is counted and reported in the log. */
  receive(from: PeerId, bytes: Uint8Array): RecordOutcome | "malformed" {
    const heartbeat = this.#decode(from, bytes);
    return heartbeat instanceof MalformedError ? "malformed" : this.#take(heartbeat, false);
  }

  /** A peer has told us something directly. Cheap enough for every message: it counts at the next judgement. */
  spoke(peerId: PeerId): void {
    this.#spoken.add(peerId);
  }

  /** Asks members that seem dead in this way, from now on. Until then nobody is ever called down. */
  probeWith(prober: Prober): void {
    this.#prober = prober;
  }

  /** Why this node doubts its own ears rather than the others, if it does. */
  get selfDoubt(): string | undefined {
    return this.#options.table.selfDoubt;
  }

  /** All other nodes as they are at this moment, by name. */
  members(): Member[] {
    return this.#options.table.members(this.#listening.now());
  }

  /** For how long a node has been down, in milliseconds; 0 if it is not. */
  downForMs(node: string): number {
    return this.#options.table.downForMs(node, this.#listening.now());
  }

  get #judgingMs(): number {
    return this.#intervalMs / JUDGEMENTS_PER_INTERVAL;
  }

  #publish(): void {
    this.#options.publish(encodeHeartbeat(this.#next()));
    const delayMs = this.#intervalMs * (1 - randomBelow(this.#options.random, 1000) / 10_000);
    this.#publishing = this.#options.clock.after(delayMs, () => this.#publish());
  }

  #judgeLater(): void {
    this.#judging = this.#options.clock.after(this.#judgingMs, () => {
      this.#judge(this.#listening.tick());
      if (this.#phase !== "running") return;
      this.#probe();
      this.#judgeLater();
    });
  }

  #judge(atMs: number): void {
    const { table, clockWatch } = this.#options;
    for (const peerId of this.#spoken) table.spoke(peerId, atMs);
    this.#spoken.clear();
    for (const node of table.evaluate(atMs)) clockWatch.forget(node);
    clockWatch.keepOnly((node) => table.counts(node));
    this.#tellDoubt();
    this.#tellClock();
  }

  #probe(): void {
    const { table } = this.#options;
    const prober = this.#prober;
    if (prober === undefined) return;
    for (const target of table.beginProbes(this.#listening.now())) {
      if (!table.counts(target.node) && !table.isConnected(target.node)) {
        // Nobody else is bothered for the sake of a node that nobody needs.
        table.probed(target, { kind: "nobody", witnesses: [] }, this.#listening.now());
        continue;
      }
      prober.probe(target, (outcome) => {
        if (this.#phase !== "running") return;
        const atMs = this.#listening.now();
        table.probed(target, outcome, atMs);
        this.#judge(atMs);
      });
    }
  }

  #tellDoubt(): void {
    const { log } = this.#options;
    const reason = this.selfDoubt;
    if (this.#isDoubtful === (reason !== undefined)) return;
    this.#isDoubtful = reason !== undefined;
    if (reason === undefined) log.info("This node trusts its ears again");
    else log.warn("Most members are silent at once", { reason });
  }

  #tellClock(): void {
    const { clockWatch, log } = this.#options;
    const reason = clockWatch.mayCoordinate();
    if (this.#isClockWrong === (reason !== undefined)) return;
    this.#isClockWrong = reason !== undefined;
    if (reason === undefined) {
      log.info("The clock of this node agrees with those of its peers again");
    } else log.error("The clock of this node is wrong: it coordinates no writes", { reason });
  }

  #next(): Heartbeat {
    const { table, clock, describe } = this.#options;
    this.#sequence++;
    const description = describe();
    return {
      ...description,
      addresses: description.addresses.slice(0, HEARTBEAT_LIMITS.addressCount),
      node: table.node,
      peerId: table.peerId,
      incarnation: table.incarnation,
      sequence: this.#sequence,
      timeMs: Math.min(Math.max(0, Math.floor(clock.now())), HEARTBEAT_LIMITS.timeMsMax),
      intervalMs: this.#intervalMs,
    };
  }

  #take(heartbeat: Heartbeat, isDirect: boolean): RecordOutcome {
    const { table, clockWatch, onHeartbeat } = this.#options;
    const { node, peerId, incarnation, timeMs } = heartbeat;
    const incarnationBefore = table.incarnationOf(node);
    const outcome = table.record(heartbeat, this.#listening.now(), isDirect);
    if (outcome === "old") {
      const later = table.laterSelfOf(node, peerId, incarnation, isDirect);
      if (later !== undefined) this.#remember(peerId, later);
    }
    if (outcome !== "recorded") return outcome;
    // Another run of the process may be on another machine, or after a correction of its clock.
    if (incarnation !== incarnationBefore) clockWatch.forget(node);
    // What was published may have been held back by whoever passed it on, but not past a later greeting.
    const isFresh = isDirect || table.isConnected(node);
    const isLive = table.stateOf(node) !== "down";
    if (isFresh && isLive && table.counts(node)) clockWatch.observe(node, timeMs);
    onHeartbeat?.(heartbeat);
    return outcome;
  }

  #remember(peerId: PeerId, incarnation: number): void {
    if (this.#otherSelves.size >= MEMBER_LIMIT) this.#otherSelves.clear();
    this.#otherSelves.set(peerId, incarnation);
  }

  #decode(from: PeerId, bytes: Uint8Array): Heartbeat | MalformedError {
    try {
      const heartbeat = decodeHeartbeat(bytes);
      if (heartbeat.peerId === from) return heartbeat;
      throw new MalformedError("heartbeat", `peer ${from} names peer ${heartbeat.peerId} in it`);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.#reportMalformed(from, error);
      return error;
    }
  }

  /** Whoever sends nonsense does so often: the operator is told once in a while, with the number. */
  #reportMalformed(from: PeerId, error: MalformedError): void {
    const { clock, log } = this.#options;
    this.#malformed++;
    if (clock.monotonic() - this.#warnedAtMs < WARNING_PAUSE_MS) return;
    this.#warnedAtMs = clock.monotonic();
    log.warn("Something that is not a heartbeat of its sender was published or greeted with", {
      from,
      problem: error.message,
      soFar: this.#malformed,
    });
  }
}

const JUDGEMENTS_PER_INTERVAL = 4;
/** By so many judgements' time at most does silence grow between two of them. */
const TICKS_OF_PATIENCE = 2;
const WARNING_PAUSE_MS = 60_000;

function malformed(message: string): Refusal {
  return { code: "malformed", message, details: {} };
}
