// One of three nodes dies under load, again and again: what do the others' clients notice?

import { waitFor } from "../cluster/wait_for.ts";
import { becomeEqual, judge } from "./ending.ts";
import { Load } from "./load.ts";
import type { Figure } from "./report.ts";
import { Timeline } from "./timeline.ts";
import { type Victim, Victims } from "./victims.ts";

export interface DeathsOptions {
  readonly deaths: number;
  /** Requests per second. */
  readonly rate: number;
  readonly clients: number;
  readonly keys: number;
  readonly seed: number;
  readonly tell: (line: string) => void;
}

/** What one death was like. */
interface Death {
  readonly node: string;
  readonly calmP99Ms: number;
  readonly p99Ms: number;
  /** Seconds of the ten after it in which no write succeeded. */
  readonly barrenSeconds: number;
  /** How long until every other node knew. */
  readonly knownAfterMs: number;
  readonly failedCount: number;
}

const CALM_MS = 15_000;
const WINDOW_MS = 10_000;
const DEAD_MS = 20_000;

export async function runDeaths(options: DeathsOptions) {
  const { clients, deaths, keys, rate, seed, tell } = options;
  await using victims = await Victims.start({ nodes: 3 });
  const timeline = new Timeline();
  const nodes = victims.nodes.map(({ name, ports }) => ({ name, resp: ports.resp }));
  const load = new Load({ nodes, clients, rate, keys, seed, timeline });
  load.start();
  // What is compiled and connected in the first seconds is not what calm looks like.
  await pass(CALM_MS);
  const seen: Death[] = [];
  for (let i = 0; i < deaths; i++) {
    const victim = victims.nodes[(seed + i) % victims.nodes.length]!;
    const death = await die(victims, victim, load, timeline);
    seen.push(death);
    tell(
      `${victim.name} died: calm p99 ${death.calmP99Ms.toFixed(1)} ms, p99 of ten seconds ` +
        `${death.p99Ms.toFixed(1)} ms, ${death.barrenSeconds} seconds without a write, ` +
        `known after ${(death.knownAfterMs / 1_000).toFixed(1)} s, ${death.failedCount} failed`,
    );
  }
  await load.stop();
  await becomeEqual(victims);
  const problems = await judge(load.book, victims);
  const ratios = seen.map(({ calmP99Ms, p99Ms }) => p99Ms / calmP99Ms);
  const figures: Figure[] = [
    ["nodes", `3, N=3 R=W=2, ${rate} requests each second`],
    ["deaths", `${deaths}`],
    ["p99 of the ten seconds, by calm p99", ratios.map((ratio) => ratio.toFixed(1)).join(", ")],
    ["their median", median(ratios).toFixed(1)],
    ["seconds without a successful write", seen.map((it) => it.barrenSeconds).join(", ")],
    [
      "known everywhere after",
      seen.map((it) => `${(it.knownAfterMs / 1_000).toFixed(1)} s`).join(", "),
    ],
    ["requests that failed twice", seen.map((it) => it.failedCount).join(", ")],
    ["keys that were judged", `${[...load.book.keys].length}`],
    ["lost or come back", `${problems.length}`],
  ];
  return { figures, problems, timeline };
}

async function die(
  victims: Victims,
  victim: Victim,
  load: Load,
  timeline: Timeline,
): Promise<Death> {
  await pass(CALM_MS);
  const atMs = load.nowMs;
  const calmP99Ms = timeline.figures(atMs - WINDOW_MS, atMs).p99Ms;
  const blow = { what: "kill", node: victim.name, atMs, untilMs: Infinity };
  timeline.blows.push(blow);
  await victims.kill(victim);
  const known = Promise.all(
    victims.nodes.filter((node) => node !== victim).map((other) =>
      waitFor(`${other.name} to know`, async () => {
        return (await victims.members(other))?.get(victim.name) === "down";
      })
    ),
  ).then(() => load.nowMs - atMs);
  await pass(DEAD_MS);
  const knownAfterMs = await known;
  const { failedCount, p99Ms } = timeline.figures(atMs, atMs + WINDOW_MS);
  let barrenSeconds = 0;
  for (let from = atMs; from < atMs + WINDOW_MS; from += 1_000) {
    if (timeline.figures(from, from + 1_000).okWrites === 0) barrenSeconds++;
  }
  victims.run(victim);
  blow.untilMs = load.nowMs;
  await victims.whenWhole();
  return { node: victim.name, calmP99Ms, p99Ms, barrenSeconds, knownAfterMs, failedCount };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
