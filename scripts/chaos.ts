// Runs chaos on real processes: `deno task chaos --minutes 10`, or `deno task chaos --help`.
//
// The exit code is 1 if a promise was broken, else 0.

import { Command, CommanderError } from "commander";
import { wholeNumber } from "../src/cli/client_command.ts";
import { runChaos } from "../tests/chaos/chaos.ts";
import { blowsText, figuresText, reportPage } from "../tests/chaos/report.ts";

if (import.meta.main) Deno.exitCode = await main(Deno.args);

async function main(args: readonly string[]): Promise<number> {
  const command = chaosCommand().exitOverride();
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
  const { minutes, report, ...options } = command.opts();
  const { figures, problems, timeline } = await runChaos(
    {
      ...options,
      durationMs: minutes * 60_000,
      everyMs: options.every * 1_000,
      tell: (line) => console.error(line),
    } as Parameters<typeof runChaos>[0],
  );
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
    .option("--nodes <count>", "how many nodes", wholeNumber, 5)
    .option("--every <seconds>", "from one blow to the next", Number, 10)
    .option("--rate <count>", "requests per second", wholeNumber, 600)
    .option("--clients <count>", "how many clients make them", wholeNumber, 40)
    .option("--keys <count>", "how many keys they change", wholeNumber, 300)
    .option("--seed <seed>", "what is done, and to whom", wholeNumber, 1)
    .option("--report <file>", "where the time line is drawn", "chaos.html");
}
