// What many seeds come to: how much was tried, and whether all that could happen did happen.

import type { FaultKind } from "./options.ts";
import type { SeedReport } from "./seed_report.ts";

export class Totals {
  readonly outcomes = { ok: 0, no: 0, unknown: 0 };
  readonly faults = new Map<FaultKind, number>();
  /** Reads by clients that knew a value of the key, and those that showed less than that. */
  readonly sessions = { reads: 0, wentBack: 0 };
  /** The seeds that failed, in the order in which they were added. */
  readonly failures: SeedReport[] = [];
  seedCount = 0;
  eventCount = 0;
  virtualMs = 0;
  /** What the seeds took, each by itself; seeds that run at the same time each count. */
  realMs = 0;
  /** The seed in which the clients did the least; undefined before the first. */
  idlest: { readonly seed: number; readonly perMinute: number } | undefined;

  add(report: SeedReport): void {
    const { faults, outcomes, virtualMs } = report;
    this.seedCount++;
    this.eventCount += report.eventCount;
    this.virtualMs += virtualMs;
    this.realMs += report.realMs;
    this.outcomes.ok += outcomes.ok;
    this.outcomes.no += outcomes.no;
    this.outcomes.unknown += outcomes.unknown;
    this.sessions.reads += report.sessions.reads;
    this.sessions.wentBack += report.sessions.wentBack;
    for (const [kind, count] of faults) this.faults.set(kind, (this.faults.get(kind) ?? 0) + count);
    if (report.violations.length > 0) this.failures.push(report);
    if (virtualMs === 0) return;
    const perMinute = operationsOf(outcomes) / minutes(virtualMs);
    if (this.idlest === undefined || perMinute < this.idlest.perMinute) {
      this.idlest = { seed: report.seed, perMinute };
    }
  }

  get operationCount(): number {
    return operationsOf(this.outcomes);
  }

  /** Requests of all clients together in one simulated minute, on average; 0 before the first seed. */
  get operationsPerMinute(): number {
    return this.virtualMs === 0 ? 0 : this.operationCount / minutes(this.virtualMs);
  }

  get faultCount(): number {
    return [...this.faults.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Which of these kinds of faults have not happened in any seed. */
  missing(kinds: readonly FaultKind[]): FaultKind[] {
    return kinds.filter((kind) => (this.faults.get(kind) ?? 0) === 0);
  }
}

function operationsOf({ ok, no, unknown }: SeedReport["outcomes"]): number {
  return ok + no + unknown;
}

function minutes(ms: number): number {
  return ms / 60_000;
}
