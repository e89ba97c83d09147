// Runs a calm hour: `deno task calm-hour --nodes 50 --minutes 60`. The exit code is 1 if a live node was called down.

import { Command } from "commander";
import { wholeNumber } from "../src/cli/client_command.ts";
import { runCalmHour } from "../tests/sim/calm_hour.ts";

interface Options {
  readonly nodes: number;
  readonly minutes: number;
  readonly seed: number;
  readonly lost: number;
  readonly drift: number;
}

const command = new Command("calm-hour")
  .description("Runs whole nodes in virtual time to which nothing bad happens")
  .option("--nodes <count>", "how many nodes", wholeNumber, 50)
  .option("--minutes <count>", "for how long", wholeNumber, 60)
  .option("--seed <seed>", "for delays, losses and clocks", wholeNumber, 1)
  .option("--lost <per mille>", "publications lost on each way", wholeNumber, 30)
  .option("--drift <ppm>", "by how much clocks run fast or slow", wholeNumber, 200);

if (import.meta.main) {
  const { drift: driftPpm, lost: lostPerMille, ...rest } = command.parse(Deno.args, {
    from: "user",
  }).opts<Options>();
  const beganAtMs = performance.now();
  const report = await runCalmHour({ ...rest, lostPerMille, driftPpm }, (minute) => {
    const ranS = ((performance.now() - beganAtMs) / 1_000).toFixed(0);
    if (minute % 5 === 0) console.error(`${minute} of ${rest.minutes} min, after ${ranS} s`);
  });
  console.log(JSON.stringify(report, undefined, 2));
  if (report.downs.length > 0) Deno.exitCode = 1;
}
