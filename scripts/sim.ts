// Runs the simulator over many seeds: `deno run -A scripts/sim.ts --seeds 200`.
//
//   --seeds COUNT    how many seeds, default 100
//   --from SEED      the first of them, default 1
//   --seed SEED      only this one
//   --nodes 3,5      draw the number of nodes from these; 3-7 is a range
//   --trace          print everything that happens
//   --mutants        instead, in how many seeds each deliberate mistake is found
//
// The first seed that fails is shown with its options, its last events and its requests, and ends the run
// with the exit code 1. Every 25th seed is run twice and must do the same.

import { drawOptions, type FaultKind } from "../tests/sim/options.ts";
import { MUTANTS, seedThatCatches } from "../tests/sim/mutants.ts";
import { runSeed, type SeedResult } from "../tests/sim/run_seed.ts";

/** How often a seed is run a second time. */
const REPLAY_EVERY = 25;

/** How much of a failure is shown. */
const SHOWN_EVENTS = 50;
const SHOWN_VIOLATIONS = 10;

/** What may stand on the command line, with a value behind it and without. */
const VALUES = ["--seeds", "--from", "--seed", "--nodes"];
const FLAGS = ["--trace", "--mutants"];

interface Wishes {
  readonly first: number;
  readonly count: number;
  readonly nodes: readonly number[];
  readonly isTraced: boolean;
  readonly isOfMutants: boolean;
}

/** What all seeds of a run come to. */
class Totals {
  readonly #faults = new Map<FaultKind, number>();
  readonly #outcomes = { ok: 0, no: 0, unknown: 0 };
  #virtualMs = 0;
  #eventCount = 0;
  #seedCount = 0;

  add(result: SeedResult): void {
    this.#seedCount++;
    this.#virtualMs += result.virtualMs;
    this.#eventCount += result.eventCount;
    this.#outcomes.ok += result.outcomes.ok;
    this.#outcomes.no += result.outcomes.no;
    this.#outcomes.unknown += result.outcomes.unknown;
    for (const [kind, count] of result.faults) {
      this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count);
    }
  }

  show(elapsedMs: number): string {
    const { ok, no, unknown } = this.#outcomes;
    const minutes = this.#virtualMs / 60_000;
    const seconds = elapsedMs / 1_000;
    const faults = [...this.#faults].sort().map(([kind, count]) => `${kind} ${count}`);
    return [
      `${this.#seedCount} seeds, ${minutes.toFixed(1)} simulated minutes in ${
        seconds.toFixed(1)
      } s: ` +
      `${(minutes / seconds).toFixed(1)} minutes and ${
        Math.round(this.#eventCount / seconds)
      } events a second`,
      `requests: ${ok} ok, ${no} no, ${unknown} unknown`,
      `faults: ${faults.join(", ")}`,
    ].join("\n");
  }
}

if (import.meta.main) {
  const wishes = readWishes(Deno.args);
  Deno.exitCode = wishes.isOfMutants ? await tryMutants() : await runSeeds(wishes);
}

async function runSeeds({ first, count, nodes, isTraced }: Wishes): Promise<number> {
  const totals = new Totals();
  const beganAtMs = performance.now();
  let exitCode = 0;
  for (let seed = first; seed < first + count; seed++) {
    const options = drawOptions(seed, nodes);
    const print = isTraced ? (line: string) => console.log(line) : undefined;
    const result = await runSeed(options, {}, print);
    totals.add(result);
    const problems = [...result.violations];
    if (seed % REPLAY_EVERY === 0) {
      const again = await runSeed(options);
      if (again.traceHash !== result.traceHash) problems.push("A second run went another way");
    }
    if (count === 1) console.log(`seed ${seed}: trace ${result.traceHash}`);
    if (problems.length === 0) continue;
    showFailure(result, problems);
    exitCode = 1;
    break;
  }
  console.log(totals.show(performance.now() - beganAtMs));
  return exitCode;
}

function showFailure(result: SeedResult, problems: readonly string[]): void {
  const { seed } = result.options;
  console.log(`seed ${seed} has failed: ${JSON.stringify(result.options, undefined, 2)}`);
  console.log(`\nthe last ${SHOWN_EVENTS} events:`);
  for (const line of result.lastEvents(SHOWN_EVENTS)) console.log(line);
  console.log(`\n${problems.length} violations:`);
  for (const problem of problems.slice(0, SHOWN_VIOLATIONS)) console.log(`- ${problem}`);
  console.log(`\nagain: deno run -A scripts/sim.ts --seed ${seed} --trace\n`);
}

async function tryMutants(): Promise<number> {
  let exitCode = 0;
  for (const mutant of MUTANTS) {
    const seed = await seedThatCatches(mutant);
    const found = seed === undefined
      ? `not found within ${mutant.withinSeeds} seeds`
      : `found by seed ${seed}`;
    console.log(`${mutant.name}: ${found}`);
    if (seed === undefined) exitCode = 1;
  }
  return exitCode;
}

function readWishes(args: readonly string[]): Wishes {
  const values = new Map<string, string>();
  const flags = new Set<string>();
  for (let at = 0; at < args.length; at++) {
    const name = args[at]!;
    if (FLAGS.includes(name)) flags.add(name);
    else if (VALUES.includes(name) && args[at + 1] !== undefined) values.set(name, args[++at]!);
    else throw new TypeError(`"${name}" is none of ${[...VALUES, ...FLAGS].join(", ")}`);
  }
  const only = values.get("--seed");
  return {
    first: wholeNumber(only ?? values.get("--from") ?? "1"),
    count: only === undefined ? wholeNumber(values.get("--seeds") ?? "100") : 1,
    nodes: nodeCounts(values.get("--nodes")),
    isTraced: flags.has("--trace"),
    isOfMutants: flags.has("--mutants"),
  };
}

function nodeCounts(text: string | undefined): number[] {
  if (text === undefined) return [];
  const range = /^(\d+)-(\d+)$/.exec(text);
  if (range === null) return text.split(",").map(wholeNumber);
  const least = wholeNumber(range[1]!);
  return Array.from({ length: wholeNumber(range[2]!) - least + 1 }, (_, i) => least + i);
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new TypeError(`"${text}" is no whole number`);
}
