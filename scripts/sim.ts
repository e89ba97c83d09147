// Runs the simulator over many seeds: `deno task sim --seeds 1000`, or `deno task sim --help`.
//
// Seeds run on as many threads as there are cores. The lowest seed that fails is told, then a smaller world is
// sought that fails in the same way. The exit code is 1 if a seed has failed, 130 if the run was ended
// before, else 0. Totals and failures go to standard output, progress to standard error.
//
// The flags of the task suit many short worlds of much code: little is collected, by the thread that made it, and code
// is compiled at its first call and kept.

import { CommanderError } from "commander";
import { duration } from "../src/cli/output.ts";
import { listenForStop, type StopRequest } from "../src/cli/stop_request.ts";
import { messageOf } from "../src/wire/errors.ts";
import { FAULT_KINDS, type SimOptions } from "../tests/sim/options.ts";
import { optionsOf, recipeOf } from "../tests/sim/recipe.ts";
import {
  OTHER_WAY,
  REPEATED_EVERY,
  reportOfNoEnd,
  type SeedReport,
  type SeedTask,
  traceSeed,
} from "../tests/sim/seed_report.ts";
import { shrink } from "../tests/sim/shrink.ts";
import { storyLine } from "../tests/sim/story.ts";
import { Totals } from "../tests/sim/totals.ts";
import { violationKind } from "../tests/sim/violation_kind.ts";
import { Progress, type ProgressScreen, standingLine } from "./progress.ts";
import { runRange } from "./seed_range.ts";
import { SeedThread } from "./seed_thread.ts";
import { failureText, shrunkText, totalsText } from "./sim_text.ts";
import { readWishes, simCommand, type Wishes } from "./sim_wishes.ts";

/** How long a seed may keep a thread busy: far more than any needs. */
const SEED_LIMIT_MS = 300_000;

/** How long a smaller world is sought. */
const SHRINK_MS = 60_000;
const SHRINK_TRIES = 2_000;
const SHRINK_SEEDS = 4;

const EXIT_CODE_INTERRUPTED = 130;

type Thread = SeedThread<SeedTask, SeedReport>;

/** A run as it goes on. */
interface Run {
  readonly wishes: Wishes;
  readonly threads: readonly Thread[];
  readonly stop: StopRequest;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);

async function main(args: readonly string[]): Promise<number> {
  let wishes: Wishes;
  try {
    wishes = readWishes(args, navigator.hardwareConcurrency, simCommand().exitOverride());
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
  if (wishes.trace !== "nothing") return await tell(wishes);
  const jobs = Math.min(wishes.jobs, wishes.count);
  using stack = new DisposableStack();
  const stop = stack.use(listenForStop({ withInput: false }));
  const threads = Array.from({ length: jobs }, () => {
    const module = new URL("./seed_worker.ts", import.meta.url);
    return stack.use(new SeedThread<SeedTask, SeedReport>(module, SEED_LIMIT_MS));
  });
  return await runSeeds({ wishes, threads, stop });
}

async function runSeeds(run: Run): Promise<number> {
  const { wishes, threads, stop } = run;
  const totals = new Totals();
  const elapsedMs = stopwatch();
  const judged = { done: 0, failures: 0, virtualMs: 0 };
  const progress = new Progress(standardError(), (columns) => {
    return standingLine({ ...judged, total: wishes.count, elapsedMs: elapsedMs() }, columns);
  });
  const runners = threads.map((thread) => async (seed: number) => {
    const options = worldOf(wishes, seed);
    const isRepeated = seed % REPEATED_EVERY === 0;
    const task = { options, isRepeated, isTold: false };
    const report = await reportOf(thread, task, stop.signal);
    if (report === undefined) return undefined;
    judged.done++;
    judged.virtualMs += report.virtualMs;
    if (report.violations.length > 0) judged.failures++;
    return { ...report, seed };
  });
  try {
    await runRange(wishes, runners, (report) => totals.add(report));
  } finally {
    progress.stop();
  }
  const ranMs = elapsedMs();
  const [failure] = totals.failures;
  if (failure !== undefined) await showFailure(run, failure);
  if (stop.signal.aborted) console.log(`Ended by ${await stop.asked}.\n`);
  const kinds = wishes.only ?? FAULT_KINDS;
  console.log(totalsText(totals, { elapsedMs: ranMs, jobs: threads.length, kinds }).trimEnd());
  if (failure !== undefined) return 1;
  return stop.signal.aborted ? EXIT_CODE_INTERRUPTED : 0;
}

/** Tells of a failure, and of a smaller world that fails like it. */
async function showFailure(run: Run, failure: SeedReport): Promise<void> {
  const { wishes, threads, stop } = run;
  const thread = threads[0]!;
  const { seed } = failure;
  const options = worldOf(wishes, seed);
  const isRepeated = failure.violations.includes(OTHER_WAY);
  // A seed that did not end has no story, and would keep us waiting again.
  const hasEnded = failure.traceHash !== "";
  const task = { options, isRepeated, isTold: true };
  const told = hasEnded ? await reportOf(thread, task, stop.signal) : undefined;
  const report = { ...told ?? failure, seed };
  console.log(failureText(options, report, recipeOf(options, seed, wishes.nodes)));
  if (!wishes.shrinks || stop.signal.aborted) return;
  const elapsedMs = stopwatch();
  const kind = violationKind(failure.violations[0]!);
  // What is under way when the time is over is ended as well.
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(SHRINK_MS)]);
  let tries = 0;
  const progress = new Progress(standardError(), (columns) => {
    const leftMs = Math.max(0, SHRINK_MS - elapsedMs());
    return `Looking for a smaller world: ${tries} tried, ${duration(leftMs)} left`
      .slice(0, columns);
  });
  const fails = async (options: SimOptions) => {
    tries++;
    const report = await reportOf(thread, { options, isRepeated, isTold: false }, signal);
    return report?.violations.some((violation) => violationKind(violation) === kind) === true;
  };
  const shrunk = await shrink(options, fails, {
    tries: SHRINK_TRIES,
    seedsPerStep: SHRINK_SEEDS,
    isSpent: () => signal.aborted,
  }).finally(() => progress.stop());
  if (shrunk.options === options) {
    return console.log(`No smaller world was found that fails as well (${shrunk.tries} tried)\n`);
  }
  const smaller = { ...task, options: shrunk.options };
  const smallReport = await reportOf(thread, smaller, stop.signal);
  if (smallReport === undefined) return;
  console.log(shrunkText(shrunk, smallReport, recipeOf(shrunk.options, seed, wishes.nodes)));
}

/** Tells what happens in one seed while it happens. */
async function tell({ trace, ...wishes }: Wishes): Promise<number> {
  const options = worldOf(wishes, wishes.first);
  const result = await traceSeed(options, (line) => {
    const shown = trace === "all" ? line : storyLine(line);
    if (shown !== undefined) console.log(shown);
  });
  console.log(`\nSeed ${wishes.first}, trace ${result.traceHash}`);
  for (const violation of result.violations) console.log(`- ${violation}`);
  return result.violations.length === 0 ? 0 : 1;
}

/** Runs a seed on a thread; that the thread fails is the seed's failure. */
async function reportOf(
  thread: Thread,
  task: SeedTask,
  signal: AbortSignal,
): Promise<SeedReport | undefined> {
  try {
    return await thread.run(task, signal);
  } catch (error) {
    return reportOfNoEnd(task.options.seed, messageOf(error));
  }
}

function worldOf({ nodes, isCalm, overrides }: Omit<Wishes, "trace">, seed: number): SimOptions {
  return optionsOf({ seed, nodes, isCalm, with: overrides });
}

function stopwatch(): () => number {
  const beganAtMs = performance.now();
  return () => performance.now() - beganAtMs;
}

function standardError(): ProgressScreen {
  const encoder = new TextEncoder();
  return {
    isTerminal: Deno.stderr.isTerminal(),
    // Some terminals do not know their width.
    columns: () => Deno.consoleSize().columns || 80,
    write: (text) => void Deno.stderr.writeSync(encoder.encode(text)),
  };
}
