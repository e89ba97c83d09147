// What runs on a thread of scripts/exhaustive.ts: each message is the name of a scenario, each answer a report.

import { DelayBounded } from "../tests/exhaustive/delay_bounded.ts";
import { EveryOrder } from "../tests/exhaustive/every_order.ts";
import { explore } from "../tests/exhaustive/explore.ts";
import type { Verdict } from "../tests/exhaustive/judge.ts";
import { DELAYS, scenarioCalled } from "../tests/exhaustive/scenarios.ts";

export interface ExhaustiveReport {
  readonly name: string;
  readonly orderCount: number;
  readonly givenUpCount: number;
  readonly resultCount: number;
  readonly brokenCount: number;
  /** The first order that broke a promise. */
  readonly first: Verdict | undefined;
}

/** What a worker has and a window has not. */
declare const self: {
  onmessage: ((event: MessageEvent<string>) => Promise<void>) | null;
  postMessage(message: unknown): void;
};

self.onmessage = async ({ data }) => self.postMessage(await reportOf(data));

async function reportOf(name: string): Promise<ExhaustiveReport> {
  const scenario = scenarioCalled(name);
  const explorer = scenario.nodeCount === 2 ? new EveryOrder() : new DelayBounded(DELAYS);
  const { brokenCount, firstBroken: first, givenUpCount, orderCount, results } = await explore(
    scenario,
    explorer,
  );
  return { name, orderCount, givenUpCount, resultCount: results.size, brokenCount, first };
}
