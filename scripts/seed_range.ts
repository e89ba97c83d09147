// Many seeds at the same time, and yet as if they had run one after another.
//
// Which of several threads is done first is chance. So reports are handed on in the order of their seeds, and
// a run that ends at a failure ends at the same one however many threads there are.

import type { SeedReport } from "../tests/sim/seed_report.ts";

export interface SeedRange {
  readonly first: number;
  readonly count: number;
  /** Whether to run the seeds after one that has failed. */
  readonly keepsGoing: boolean;
}

/** Runs a seed; undefined once nobody wants to know any more. */
export type SeedRunner = (seed: number) => Promise<SeedReport | undefined>;

/**
 * Runs a range of seeds, one at a time on each runner. Unless it keeps going, the last report handed on is the
 * first failure. Reports that had to wait for one that never came are handed on at the end.
 *
 * @param take is given the reports in the order of their seeds
 */
export async function runRange(
  { first, count, keepsGoing }: SeedRange,
  runners: readonly SeedRunner[],
  take: (report: SeedReport) => void,
): Promise<void> {
  const early = new Map<number, SeedReport>();
  let end = first + count;
  let nextToRun = first;
  let nextToTake = first;
  await Promise.all(runners.map(async (run) => {
    while (nextToRun < end) {
      const seed = nextToRun++;
      const report = await run(seed);
      if (report === undefined) return;
      early.set(seed, report);
      if (!keepsGoing && report.violations.length > 0) end = Math.min(end, seed + 1);
      for (let next; nextToTake < end && (next = early.get(nextToTake)) !== undefined;) {
        early.delete(nextToTake++);
        take(next);
      }
    }
  }));
  for (const [seed, report] of [...early].sort(([a], [b]) => a - b)) if (seed < end) take(report);
}
