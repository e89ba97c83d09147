// What is said of one seed after it was run: whether it failed, and what it adds to the totals.
//
// A report is plain data, so it may come from another thread; the world that it tells of is gone.

import type { FaultKind, SimOptions } from "./options.ts";
import { runSeed, type SeedResult } from "./run_seed.ts";
import { Story } from "./story.ts";

/** What shall be run. */
export interface SeedTask {
  readonly options: SimOptions;
  /** Whether it is run a second time, which must go the same way. */
  readonly isRepeated: boolean;
  /** Whether a failure is told: then it is run once more to hear what happened. */
  readonly isTold: boolean;
}

export interface SeedReport {
  readonly seed: number;
  /** Empty if every promise was kept. */
  readonly violations: readonly string[];
  readonly traceHash: string;
  readonly virtualMs: number;
  /** How long the first run took. */
  readonly realMs: number;
  readonly eventCount: number;
  readonly outcomes: SeedResult["outcomes"];
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly sessions: SeedResult["sessions"];
  /** The last events before the first violation; empty unless a failure is told. */
  readonly lastEvents: readonly string[];
  /** What happened to the requests and values that the first violation names; empty unless told. */
  readonly namedEvents: readonly string[];
}

/** How often a seed is run a second time. */
export const REPEATED_EVERY = 25;

/** The violation of a seed that goes two ways. */
export const OTHER_WAY = "A second run went another way";

/** Runs a seed and reports. */
export async function reportSeed(task: SeedTask): Promise<SeedReport> {
  const { options, isRepeated, isTold } = task;
  const beganAtMs = performance.now();
  const result = await traceSeed(options);
  const realMs = performance.now() - beganAtMs;
  const violations = [...result.violations];
  if (isRepeated && (await traceSeed(options)).traceHash !== result.traceHash) {
    violations.push(OTHER_WAY);
  }
  const story = new Story(violations[0]);
  if (isTold && violations.length > 0) await traceSeed(options, (line) => story.add(line));
  return {
    seed: options.seed,
    violations,
    traceHash: result.traceHash,
    virtualMs: result.virtualMs,
    realMs,
    eventCount: result.eventCount,
    outcomes: result.outcomes,
    faults: result.faults,
    sessions: result.sessions,
    lastEvents: story.lastEvents(),
    namedEvents: story.namedEvents(),
  };
}

/** Runs a seed, and hands on each line of its trace while it happens. */
export function traceSeed(
  options: SimOptions,
  print?: (line: string) => void,
): Promise<SeedResult> {
  return runSeed(options, print);
}

/** The report of a seed that took its thread down, or had to be ended by force. */
export function reportOfNoEnd(seed: number, violation: string): SeedReport {
  return {
    seed,
    violations: [violation],
    traceHash: "",
    virtualMs: 0,
    realMs: 0,
    eventCount: 0,
    outcomes: { ok: 0, no: 0, unknown: 0 },
    sessions: { reads: 0, wentBack: 0 },
    faults: new Map(),
    lastEvents: [],
    namedEvents: [],
  };
}
