// Reports for tests, made by hand.

import { reportOfNoEnd, type SeedReport } from "./seed_report.ts";

/** A report of a seed that kept its promises, but for what is given. */
export function madeReport(seed: number, fields: Partial<SeedReport> = {}): SeedReport {
  return {
    ...reportOfNoEnd(seed, "replaced"),
    violations: [],
    traceHash: `hash ${seed}`,
    ...fields,
  };
}
