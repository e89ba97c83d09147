// What the simulator says: its totals, a failure, and the smaller world that was found. All are texts made
// of data, and for one command line the same but for what is measured in real time.

import { counted, duration, facts } from "../src/cli/output.ts";
import { unrest } from "../tests/sim/calm_world.ts";
import type { FaultKind, SimOptions } from "../tests/sim/options.ts";
import { commandOf, type Recipe, regressionOf } from "../tests/sim/recipe.ts";
import type { SeedReport } from "../tests/sim/seed_report.ts";
import type { Shrunk } from "../tests/sim/shrink.ts";
import type { Totals } from "../tests/sim/totals.ts";
import { violationKind } from "../tests/sim/violation_kind.ts";

/** How many violations of one seed are shown, and how many seeds of one kind of failure. */
const SHOWN_VIOLATIONS = 10;
const SHOWN_SEEDS = 20;

/**
 * What a run came to.
 *
 * @param kinds the kinds of faults that could happen
 */
export function totalsText(
  totals: Totals,
  { elapsedMs, jobs, kinds }: { elapsedMs: number; jobs: number; kinds: readonly FaultKind[] },
): string {
  const { failures, faults, faultCount, idlest, outcomes, realMs, seedCount, virtualMs } = totals;
  const simulatedMinutes = virtualMs / 60_000;
  const perSecond = (ms: number) => (ms === 0 ? 0 : simulatedMinutes / (ms / 1_000)).toFixed(2);
  const missing = totals.missing(kinds);
  const byCount = [...faults].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return facts([
    [
      "seeds",
      `${number(seedCount)}, ${failures.length} failed, in ${duration(elapsedMs)} on ` +
      counted(jobs, "thread"),
    ],
    [
      "simulated",
      `${(virtualMs / 3_600_000).toFixed(2)} hours: ${perSecond(elapsedMs)} minutes ` +
      `per second, ${perSecond(realMs)} on each core`,
    ],
    [
      "operations",
      `${number(totals.operationCount)}: ${number(outcomes.ok)} ok, ` +
      `${number(outcomes.no)} no, ${number(outcomes.unknown)} unknown`,
    ],
    [
      "",
      `${totals.operationsPerMinute.toFixed(0)} per simulated minute` +
      (idlest === undefined
        ? ""
        : `, at least ${idlest.perMinute.toFixed(0)} (seed ${idlest.seed})`),
    ],
    ["sessions", sessionsText(totals)],
    ["events", number(totals.eventCount)],
    [
      "faults",
      `${number(faultCount)}${faultCount === 0 ? "" : ": "}` +
      byCount.map(([kind, count]) => `${kind} ${number(count)}`).join(", "),
    ],
    ["never", missing.length === 0 ? "every kind of fault has happened" : missing.join(", ")],
    ...failuresByKind(failures),
  ]);
}

/** How often clients saw less than before: not promised unless R + W > N, and so no failure. */
function sessionsText({ sessions: { reads, wentBack } }: Totals): string {
  const share = reads === 0 ? 0 : 100 * wentBack / reads;
  return `${number(wentBack)} of ${number(reads)} reads went back (${share.toFixed(2)} %)`;
}

/** A seed that has failed, and how it is run again. */
export function failureText(options: SimOptions, report: SeedReport, recipe: Recipe): string {
  const count = counted(report.violations.length, "violation");
  return [
    `Seed ${report.seed} has failed with ${count}. What is not calm about its world:\n\n` +
    indented(facts(unrest(options))),
    eventsText(report),
    violationsText(report),
    `Run it again:\n\n  ${commandOf(recipe)} --trace\n`,
  ].join("\n");
}

/** The smaller world, and how it is run again and kept. */
export function shrunkText(
  { options, tries, isSmallest }: Shrunk,
  report: SeedReport,
  recipe: Recipe,
): string {
  const { faults, outcomes, violations } = report;
  const worlds = counted(tries, "world");
  const end = isSmallest ? "no step makes it smaller" : "there was no time for more";
  const faultCount = [...faults.values()].reduce((sum, count) => sum + count, 0);
  const kinds = [...faults].map(([kind, count]) => `${kind} ${count}`).join(", ");
  const { ok, no, unknown } = outcomes;
  const left = facts([
    ...unrest(options),
    ["operations", `${ok + no + unknown}: ${ok} ok, ${no} no, ${unknown} unknown`],
    ["faults", `${faultCount}${kinds === "" ? "" : `: ${kinds}`}`],
  ]);
  return [
    `A smaller world that fails in the same way, after ${worlds} (${end}):\n\n${indented(left)}`,
    eventsText(report),
    violationsText(report),
    `Run it again:\n\n  ${commandOf(recipe)} --trace\n`,
    `Keep it in tests/sim/regressions.ts:\n\n  ${
      regressionOf(recipe, violationKind(violations[0] ?? ""))
    }\n`,
  ].join("\n");
}

function eventsText({ lastEvents, namedEvents }: SeedReport): string {
  const last = `The last events before the first violation:\n\n${lines(lastEvents)}`;
  if (namedEvents.length === 0) return last;
  return `${last}\nWhat happened to the requests and values that it names:\n\n${
    lines(namedEvents)
  }`;
}

function violationsText({ violations }: SeedReport): string {
  const shown = violations.slice(0, SHOWN_VIOLATIONS).map((it) => `- ${it}`);
  const more = violations.length - shown.length;
  if (more > 0) shown.push(`and ${more} more`);
  return `Violations:\n\n${lines(shown)}`;
}

/** Which promises were broken, in how many seeds. */
function failuresByKind(failures: readonly SeedReport[]): [string, string][] {
  const seedsOf = new Map<string, number[]>();
  for (const { seed, violations } of failures) {
    const kind = violationKind(violations[0]!);
    seedsOf.set(kind, [...seedsOf.get(kind) ?? [], seed]);
  }
  return [...seedsOf].map(([kind, seeds], index) => {
    const shown = seeds.slice(0, SHOWN_SEEDS).join(", ");
    const rest = seeds.length > SHOWN_SEEDS ? ", …" : "";
    return [index === 0 ? "failures" : "", `${kind}: seeds ${shown}${rest}`];
  });
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${indented(text)}\n`).join("");
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

function number(value: number): string {
  return value.toLocaleString("en");
}
