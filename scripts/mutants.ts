// Tries the deliberate mistakes and tells what finds each of them: `deno run -A scripts/mutants.ts --help`.
//
// Each is made in a copy of the tree, and seeds run there from 1 on until one of them finds it. The exit code is 1
// if one is not found that should be, 130 if the run was ended before, else 0. The table goes to standard
// output, progress to standard error.

import { Command, CommanderError, InvalidArgumentError } from "commander";
import { listenForStop } from "../src/cli/stop_request.ts";
import { type Attempt, attempt } from "../tests/mutants/attempt.ts";
import { type Mutant, SEED_LIMIT } from "../tests/mutants/mutant.ts";
import { MUTANTS, WAITING } from "../tests/mutants/mutants.ts";
import { mutantsPage, rowsOf } from "./mutants_page.ts";

interface Wishes {
  readonly only: string;
  readonly survivors: boolean;
  readonly seeds: number;
  readonly jobs: number;
  readonly write: boolean;
}

const PAGE = new URL("../docs/mutants.md", import.meta.url);
const EXIT_CODE_INTERRUPTED = 130;

if (import.meta.main) Deno.exitCode = await main(Deno.args);

async function main(args: readonly string[]): Promise<number> {
  let wishes: Wishes;
  try {
    wishes = readWishes(args);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
  const wanted = MUTANTS.filter(({ name, survivesBecause }) => {
    return (survivesBecause === undefined) !== wishes.survivors && name.includes(wishes.only);
  });
  using stop = listenForStop({ withInput: false });
  const attempts = await tryAll(wanted, wishes, stop.signal);
  if (stop.signal.aborted) {
    console.log(`Ended by ${await stop.asked}.`);
    return EXIT_CODE_INTERRUPTED;
  }
  console.log(rowsOf(attempts));
  const missed = attempts.filter(({ found }) => found === undefined).length;
  console.log(`\n${wanted.length} tried, ${missed} not found`);
  if (wishes.write) await write(mutantsPage(attempts, MUTANTS, WAITING));
  return missed > 0 && !wishes.survivors ? 1 : 0;
}

/** Keeps the page in the form in which all pages are kept. */
async function write(page: string): Promise<void> {
  Deno.writeTextFileSync(PAGE, page);
  const args = ["fmt", "--quiet", PAGE.pathname];
  const { success } = await new Deno.Command(Deno.execPath(), { args }).output();
  if (!success) throw new Error("docs/mutants.md was written and cannot be formatted");
}

/** Tries them, some at a time, and returns what came of them in the order of the table. */
async function tryAll(
  wanted: readonly Mutant[],
  { jobs, seeds }: Wishes,
  signal: AbortSignal,
): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < wanted.length && !signal.aborted) {
      const place = next++;
      const result = await attempt(wanted[place]!, seeds, signal);
      attempts[place] = result;
      if (!signal.aborted) console.error(`${++done} of ${wanted.length}: ${lineOf(result)}`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return attempts;
}

function lineOf({ failure, found, mutant, others }: Attempt): string {
  const { name, finding } = mutant;
  if (found !== undefined) return `${name}: ${finding.oracle} in seed ${found.seed}`;
  const said = others.map(({ kind, seed }) => `\n  seed ${seed}: ${kind}`).join("");
  return `${name}: NOT FOUND by ${finding.oracle}${said}${failure ? `\n  ${failure}` : ""}`;
}

/** @throws {CommanderError} after it has said what is wrong */
function readWishes(args: readonly string[]): Wishes {
  const command = new Command("mutants")
    .description(
      "Makes deliberate mistakes, one at a time, and asks whether the simulator finds them",
    )
    .option("--only <text>", "those whose names contain it", "")
    .option(
      "--survivors",
      "those that nothing has found so far, instead of those that are found",
      false,
    )
    .option("--seeds <count>", "how many seeds each may survive", readCount, SEED_LIMIT)
    .option("--jobs <count>", "how many run at the same time", readCount, 2)
    .option("--write", "keep the table in docs/mutants.md", false)
    .exitOverride()
    .parse([...args], { from: "user" });
  const wishes = command.opts<Wishes>();
  if (wishes.write && (wishes.only !== "" || wishes.survivors)) {
    command.error(
      "error: --write keeps the whole table, and goes with neither --only nor --survivors",
    );
  }
  return wishes;
}

function readCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It is a whole number above 0.");
}
