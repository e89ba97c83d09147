// Chaos: a cluster of real processes under load, to which something is done every few seconds.

import { type BlowKind, BLOWS, Blows } from "./blows.ts";
import { becomeEqual, judge } from "./ending.ts";
import { Load } from "./load.ts";
import type { Figure } from "./report.ts";
import { Timeline } from "./timeline.ts";
import { Victims } from "./victims.ts";

export interface ChaosOptions {
  readonly nodes: number;
  readonly durationMs: number;
  /** From the beginning of one blow to that of the next, in milliseconds. */
  readonly everyMs: number;
  /** Requests per second. */
  readonly rate: number;
  readonly clients: number;
  readonly keys: number;
  readonly seed: number;
  readonly kinds?: readonly BlowKind[];
  /** Flags for all nodes. */
  readonly flags?: readonly string[];
  readonly tell: (line: string) => void;
}

export interface ChaosResult {
  readonly figures: readonly Figure[];
  /** Empty if every promise was kept. */
  readonly problems: readonly string[];
  readonly timeline: Timeline;
}

/** How long the load runs before the first blow. */
const CALM_MS = 5_000;

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { clients, durationMs, everyMs, flags = [], keys, kinds = BLOWS, nodes, rate, seed, tell } =
    options;
  await using victims = await Victims.start({ nodes, flags });
  const timeline = new Timeline();
  const load = new Load({
    nodes: victims.nodes.map(({ name, ports }) => ({ name, resp: ports.resp })),
    clients,
    rate,
    keys,
    seed,
    timeline,
  });
  load.start();
  await pass(CALM_MS);
  const blows = new Blows(victims, seed, kinds, () => load.nowMs);
  for (let dueMs = CALM_MS; dueMs + everyMs <= durationMs; dueMs += everyMs) {
    await pass(dueMs - load.nowMs);
    const { atMs, node, untilMs, what } = await blows.strike();
    const { okCount, failedCount } = timeline.figures(atMs, untilMs);
    tell(
      `${(atMs / 1_000).toFixed(0)} s: ${what} ${node} for ` +
        `${((untilMs - atMs) / 1_000).toFixed(1)} s, ${okCount} served, ${failedCount} failed`,
    );
  }
  await pass(durationMs - load.nowMs);
  await load.stop();
  timeline.blows.push(...blows.done);
  const endedAtMs = load.nowMs;
  await becomeEqual(victims);
  const equalAtMs = load.nowMs;
  const problems = await judge(load.book, victims);
  const all = timeline.figures(0, Infinity);
  const { ok, no, unknown } = load.book.outcomes();
  const lastBlowMs = Math.max(0, ...blows.done.map(({ untilMs }) => untilMs));
  const figures: Figure[] = [
    ["nodes", `${nodes}, N=3 R=W=2, seed ${seed}`],
    ["time", `${(endedAtMs / 1_000).toFixed(0)} s`],
    [
      "requests served",
      `${all.okCount}, ${(all.okCount / endedAtMs * 1_000).toFixed(0)} each second`,
    ],
    ["requests that failed twice", `${all.failedCount}`],
    ["writes that succeeded", `${(timeline.writeSuccess() * 100).toFixed(3)} %`],
    ["write attempts", `${ok} ok, ${no} no, ${unknown} unknown`],
    ["p50, p99", `${all.p50Ms.toFixed(1)} ms, ${all.p99Ms.toFixed(1)} ms`],
    ["blows", countsOf(blows.done.map(({ what }) => what)) || "none"],
    ["equal after the last blow", `${((equalAtMs - lastBlowMs) / 1_000).toFixed(1)} s`],
    ["equal after the load", `${((equalAtMs - endedAtMs) / 1_000).toFixed(1)} s`],
    ["keys that were judged", `${[...load.book.keys].length}`],
    ["lost or come back", `${problems.length}`],
  ];
  return { figures, problems, timeline };
}

function countsOf(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${word} ${count}`).join(", ");
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
