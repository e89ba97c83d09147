// Runs chaos on real processes: `deno task chaos --minutes 10`, or `deno task chaos --help`.
//
// What was done goes to standard error while it happens, the figures to standard output, a picture to a file.
// The exit code is 1 if a promise was broken, else 0.

import { Command, CommanderError } from "commander";
import { wholeNumber } from "../src/cli/client_command.ts";
import { runDeaths } from "../tests/chaos/deaths.ts";
import { runChaos } from "../tests/chaos/chaos.ts";
import { blowsText, figuresText, reportPage } from "../tests/chaos/report.ts";

interface Wishes {
  readonly minutes: number;
  readonly deaths: number;
  readonly nodes: number;
  readonly every: number;
  readonly rate: number;
  readonly clients: number;
  readonly keys: number;
  readonly seed: number;
  readonly report: string;
  /** Flags for all nodes. */
  readonly flags?: readonly string[];
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);

async function main(args: readonly string[]): Promise<number> {
  const command = chaosCommand().exitOverride();
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
  const wishes = command.opts<Wishes>();
  const { deaths, every, minutes, report } = wishes;
  const tell = (line: string) => console.error(line);
  const { figures, problems, timeline } = deaths > 0
    ? await runDeaths({ ...wishes, tell })
    : await runChaos({ ...wishes, durationMs: minutes * 60_000, everyMs: every * 1_000, tell });
  console.log(`${blowsText(timeline.blows)}\n\n${figuresText(figures)}`);
  for (const problem of problems) console.log(`- ${problem}`);
  await Deno.writeTextFile(report, reportPage("Chaos", figures, timeline));
  console.log(`\nThe time line is in ${report}`);
  return problems.length === 0 ? 0 : 1;
}

function chaosCommand(): Command {
  return new Command("chaos")
    .description("A cluster of real processes under load, to which something is done all the time")
    .option("--minutes <minutes>", "how long", Number, 1)
    .option(
      "--deaths <count>",
      "instead, three nodes of which one dies so many times",
      wholeNumber,
      0,
    )
    .option("--nodes <count>", "how many nodes", wholeNumber, 5)
    .option("--every <seconds>", "from one blow to the next", Number, 10)
    .option("--rate <count>", "requests per second", wholeNumber, 600)
    .option("--clients <count>", "how many clients make them", wholeNumber, 40)
    .option("--keys <count>", "how many keys they change", wholeNumber, 300)
    .option("--seed <seed>", "what is done, and to whom", wholeNumber, 1)
    .option("--flags <flags...>", "flags for all nodes, as --forget-after-ms=60000")
    .option("--report <file>", "where the time line is drawn", "chaos.html");
}
