// Who is alive is known, and nobody else is called dead (I13).
//
// A node is gone while its process has ended or stands still, or while none of its ways lets anything pass, and for
// only as long as nothing of it has arrived anywhere. A node is in company while heartbeats of so many others have
// arrived at it within two intervals that with it they are more than half of all.
//
// Completeness: who has been gone for GONE_MS is down to every node that has run and been in company for as long.
// Accuracy: nobody is down to a node to which it has just said something. Once all is healed and was found whole,
// nobody is down to anybody, or suspect for longer than a refutation takes, and nobody doubts itself.
// Incarnations: a run on the disk of the run before it begins with a higher one. Two runs of a node are never
// heard under one, and no node remembers a lower one than before. Agreement: once all is healed, all nodes
// know the same others, each under the peer id and the incarnation that it has. Thrift: in no ten seconds
// does a run publish more than MOST_HEARTBEATS.
//
// Strangers are peers that are none of the machines. What is thought of them is nobody's business while they are
// there, whatever name they bear; when they have been gone for GONE_MS they are down, or forgotten.
//
// Why 15 seconds: a gap between heartbeats counts for three intervals at most, so that of gaps with the mean m the
// deviation is at most √(m(3 − m)), and phi is 3 within 6.4 intervals, whatever was heard before. A probe begins
// within another one and takes 1.3 s, and judgement is given every quarter. That makes nine seconds. The rest is
// for a moment of doubt of the onlooker, for clocks that go wrong and for the looks, which are a second apart.

import type { MemberState } from "../../../src/membership/evidence.ts";
import { DEFAULT_HEARTBEAT_MS } from "../../../src/membership/heartbeats.ts";
import type { PeerId } from "../../../src/ports/network.ts";
import { Spans } from "../spans.ts";

/** What one node says of another one. */
export interface Opinion {
  readonly node: string;
  readonly peerId: PeerId | undefined;
  readonly state: MemberState;
  readonly stateForMs: number;
  readonly incarnation: number;
  /** Of a stranger only: for how long it has been gone for good, in milliseconds; 0 while it may be there. */
  readonly strangerGoneMs?: number | undefined;
}

/** When something of a peer has arrived last, in virtual milliseconds. */
export interface Heard {
  heartbeatAtMs: number;
  wordAtMs: number;
}

/** One machine at one moment. */
export interface Sight {
  readonly name: string;
  readonly peerId: PeerId;
  readonly state: "running" | "starting" | "paused" | "ended";
  /** Is another one after each start and each pause. */
  readonly life: string;
  /** Whether none of its ways to the others lets anything pass, and how often any of them was cut so far. */
  readonly isMute: boolean;
  readonly cutCount: number;
  /** What has arrived at it. */
  readonly heard: ReadonlyMap<PeerId, Heard>;
  /** What it says of itself and of the others, if it is running. */
  readonly says:
    | { readonly incarnation: number; readonly isInDoubt: boolean; readonly others: Opinion[] }
    | undefined;
}

/** A heartbeat that was published. */
export interface Published {
  readonly node: string;
  readonly run: number;
  /** Which of its disks the run is on. */
  readonly disk: number;
  readonly incarnation: number;
}

export const GONE_MS = 15_000;

/** By so much a word may be older than a judgement that knows of it, and still be fresh to it. */
const JUDGED_MS = 600;
const FRESH_MS = 1_500;

/** From one heartbeat to the next, with its way and a judgement. */
const REFUTED_MS = 3_000;

/** Twelve at pauses of nine tenths of an interval, and four out of turn. */
export const MOST_HEARTBEATS = 16;
const COUNTED_MS = 10_000;

/** One world's membership, as it is judged from look to look. */
export class MembershipOracle {
  readonly #spans = new Spans();
  readonly #told = new Set<string>();
  readonly #lastRun = new Map<string, Published>();
  readonly #runsHeard = new Map<string, number>();
  readonly #published = new Map<string, { readonly run: number; readonly timesMs: number[] }>();
  readonly #remembered = new Map<string, number>();
  readonly #mostHeartbeats: number;

  /** @param outOfTurn how many more heartbeats than MOST_HEARTBEATS strangers may make a run publish */
  constructor(outOfTurn = 0) {
    this.#mostHeartbeats = MOST_HEARTBEATS + outOfTurn;
  }

  /** A node publishes a heartbeat. Returns what is wrong with that. */
  published(sent: Published, nowMs: number): string[] {
    return [...this.#orderProblems(sent), ...this.#thriftProblems(sent, nowMs)];
  }

  /** A heartbeat arrives somewhere. Returns what is wrong with that. */
  arrived({ incarnation, node, run }: Published): string[] {
    const name = `${node} ${incarnation}`;
    const first = this.#runsHeard.get(name);
    if (first === undefined) this.#runsHeard.set(name, run);
    if (first === undefined || first === run) return [];
    return this.#once(
      `${name} ${run}`,
      `Runs ${first} and ${run} of ${node} are heard under one incarnation, ${incarnation}`,
    );
  }

  /** All machines at this moment. To be called once a second. Returns what is wrong. */
  look(sights: readonly Sight[], isHealed: boolean, nowMs: number): string[] {
    const goneForMs = new Map(
      sights.map((sight) => [sight, this.#goneForMs(sight, sights, nowMs)]),
    );
    return sights.flatMap((sight) => {
      const { life, name, says, state } = sight;
      const isRunning = state === "running" && says !== undefined;
      const livedMs = this.#spans.lastedMs(`${name} runs`, isRunning ? life : undefined, nowMs);
      const inCompany = isRunning && isInCompany(sight, sights.length, nowMs);
      const companyMs = this.#spans.lastedMs(`${name} hears`, inCompany ? life : undefined, nowMs);
      if (!isRunning) return [];
      const opinions = new Map(says.others.map((opinion) => [opinion.node, opinion]));
      const others = sights.filter((other) => other !== sight);
      return others.flatMap((other) => {
        const opinion = opinions.get(other.name);
        return [
          ...this.#accuracyProblems(sight, opinion, livedMs, nowMs),
          ...this.#memoryProblems(sight, opinion),
          ...companyMs >= GONE_MS
            ? this.#deathProblems(sight, other, opinion, goneForMs.get(other)!)
            : [],
          ...isHealed ? this.#healedProblems(sight, other, opinion, nowMs) : [],
        ];
      }).concat(isHealed ? this.#strangerProblems(sight, sights) : []);
    });
  }

  #goneForMs(sight: Sight, sights: readonly Sight[], nowMs: number): number {
    const { cutCount, isMute, life, name, peerId, state } = sight;
    const still = state === "ended" || state === "paused" ? `${state} ${life}` : undefined;
    const mute = isMute ? `mute ${cutCount}` : undefined;
    const goneMs = Math.max(
      this.#spans.lastedMs(`${name} is still`, still, nowMs),
      this.#spans.lastedMs(`${name} is mute`, mute, nowMs),
    );
    const lastMs = sights.map(({ heard }) => latest(heard.get(peerId)));
    return Math.min(goneMs, nowMs - Math.max(...lastMs));
  }

  #deathProblems(
    { name }: Sight,
    other: Sight,
    opinion: Opinion | undefined,
    goneForMs: number,
  ): string[] {
    if (goneForMs < GONE_MS || (opinion?.state ?? "down") === "down") return [];
    if (opinion!.strangerGoneMs !== undefined) return [];
    return this.#once(
      `${name} ${other.name} gone ${other.life}`,
      `${name} does not call ${other.name} down, which has been gone for ${
        goneForMs.toFixed(0)
      } ms: ` +
        `it is ${opinion!.state}`,
    );
  }

  #accuracyProblems(
    { heard, life, name }: Sight,
    opinion: Opinion | undefined,
    livedMs: number,
    nowMs: number,
  ): string[] {
    if (opinion?.state !== "down" || opinion.peerId === undefined) return [];
    if (opinion.strangerGoneMs !== undefined) return [];
    const saidMs = nowMs - (heard.get(opinion.peerId)?.wordAtMs ?? -Infinity);
    if (saidMs < JUDGED_MS || saidMs > FRESH_MS || saidMs > livedMs) return [];
    return this.#once(
      `${name} ${opinion.node} down ${life}`,
      `${name} calls ${opinion.node} down, which has spoken to it ${saidMs.toFixed(0)} ms ago`,
    );
  }

  #memoryProblems({ life, name }: Sight, opinion: Opinion | undefined): string[] {
    if (opinion === undefined || opinion.strangerGoneMs !== undefined) return [];
    // It knows nothing of that node, or has dropped it; what it learns next must not be older than what it knew.
    if (opinion.peerId === undefined) return [];
    const { incarnation, node } = opinion;
    const key = `${name} ${life} ${node}`;
    const before = this.#remembered.get(key) ?? 0;
    this.#remembered.set(key, incarnation);
    if (incarnation >= before) return [];
    return this.#once(
      `${key} falls`,
      `${name} knows ${node} under incarnation ${incarnation}, and knew it under ${before}`,
    );
  }

  #healedProblems(
    { name, says }: Sight,
    other: Sight,
    opinion: Opinion | undefined,
    nowMs: number,
  ): string[] {
    const problems: string[] = [];
    const tell = (what: string) =>
      problems.push(
        ...this.#once(`${name} ${other.name} ${what}`, `All is healed, and ${name} ${what}`),
      );
    if (says!.isInDoubt) tell("doubts itself");
    if (opinion === undefined) tell(`does not know ${other.name}`);
    else if (opinion.state === "down") tell(`calls ${other.name} down`);
    else if (opinion.state === "suspect" && opinion.stateForMs > REFUTED_MS) {
      tell(`suspects ${other.name}`);
    }
    if (opinion === undefined || other.says === undefined) return problems;
    if (opinion.peerId !== other.peerId) {
      tell(`knows ${other.name} as peer ${opinion.peerId}, which is ${other.peerId}`);
    }
    const { incarnation } = other.says;
    const isBehind = opinion.incarnation !== incarnation;
    const key = `${name} knows ${other.name}`;
    if (this.#spans.lastedMs(key, isBehind ? "otherwise" : undefined, nowMs) > REFUTED_MS) {
      tell(`knows ${other.name} under incarnation ${opinion.incarnation}, which is ${incarnation}`);
    }
    return problems;
  }

  #strangerProblems({ name, says }: Sight, sights: readonly Sight[]): string[] {
    const strangers = says!.others.filter(({ node, state, strangerGoneMs = Infinity }) => {
      const isGone = strangerGoneMs === Infinity || strangerGoneMs > GONE_MS && state !== "down";
      return isGone && sights.every((it) => it.name !== node);
    });
    return strangers.flatMap(({ node }) => {
      return this.#once(
        `${name} ${node}`,
        `All is healed, and ${name} knows ${node}, which is nobody`,
      );
    });
  }

  /** A run on the disk of the run before it, as far as anything was published in that. */
  #orderProblems(sent: Published): string[] {
    const before = this.#lastRun.get(sent.node);
    if (before?.run === sent.run) return [];
    this.#lastRun.set(sent.node, sent);
    if (before === undefined || before.disk !== sent.disk) return [];
    if (sent.incarnation > before.incarnation) return [];
    return [
      `Run ${sent.run} of ${sent.node} begins with incarnation ${sent.incarnation}, ` +
      `and run ${before.run} before it with ${before.incarnation}`,
    ];
  }

  #thriftProblems({ node, run }: Published, nowMs: number): string[] {
    let sent = this.#published.get(node);
    if (sent?.run !== run) this.#published.set(node, sent = { run, timesMs: [] });
    const { timesMs } = sent;
    timesMs.push(nowMs);
    while (timesMs[0]! < nowMs - COUNTED_MS) timesMs.shift();
    if (timesMs.length <= this.#mostHeartbeats) return [];
    const what = `${node} has published ${timesMs.length} heartbeats within ${COUNTED_MS} ms`;
    return this.#once(`${node} ${run} publishes`, what);
  }

  #once(key: string, problem: string): string[] {
    if (this.#told.has(key)) return [];
    this.#told.add(key);
    return [problem];
  }
}

function isInCompany({ heard }: Sight, machineCount: number, nowMs: number): boolean {
  let company = 1;
  for (const { heartbeatAtMs } of heard.values()) {
    if (nowMs - heartbeatAtMs <= 2 * DEFAULT_HEARTBEAT_MS) company++;
  }
  return 2 * company > machineCount;
}

function latest(heard: Heard | undefined): number {
  return heard === undefined ? -Infinity : Math.max(heard.heartbeatAtMs, heard.wordAtMs);
}
