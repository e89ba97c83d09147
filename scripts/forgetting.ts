// Lets three nodes live for long: `deno task forgetting --restarts 1000 --deletes 1000000`. The exit code is 1 if
// what their disks hold grows with their history: with deleted keys, or with runs of nodes.

import { Command } from "commander";
import { wholeNumber } from "../src/cli/client_command.ts";
import { growthOf, runLongLife, type Tenth } from "../tests/sim/forgetting.ts";

interface Options {
  readonly restarts: number;
  readonly deletes: number;
  readonly seed: number;
  readonly forgetAfter: number;
}

const command = new Command("forgetting")
  .description("Restarts whole nodes in virtual time while keys are written and deleted")
  .option("--restarts <count>", "how often a node is restarted", wholeNumber, 1_000)
  .option("--deletes <count>", "how many keys are written and deleted", wholeNumber, 1_000_000)
  .option("--seed <seed>", "for who is asked", wholeNumber, 1)
  .option("--forget-after <ms>", "how long tombstones are kept at the least", wholeNumber, 1_000);

const COLUMNS = ["tenth", "clock", "actors", "records n1 n2 n3", "bytes n1 n2 n3", "took"];
const WIDTHS = [5, 5, 6, 18, 26, 7];

function line(cells: readonly string[]): string {
  return cells.map((cell, i) => cell.padStart(WIDTHS[i]!)).join("  ");
}

function cellsOf({ actors, bytes, clockEntries, records, tenth }: Tenth): string[] {
  return [`${tenth}`, `${clockEntries}`, `${actors}`, records.join(" "), bytes.join(" ")];
}

if (import.meta.main) {
  const { forgetAfter: forgetAfterMs, ...rest } = command.parse(Deno.args, { from: "user" })
    .opts<Options>();
  const beganAtMs = performance.now();
  const took = () => `${((performance.now() - beganAtMs) / 1_000).toFixed(0)} s`;
  console.log(line(COLUMNS));
  const tenths = await runLongLife({ ...rest, forgetAfterMs }, (tenth) => {
    console.log(line([...cellsOf(tenth), took()]));
  });
  const growth = growthOf(tenths);
  for (const what of growth) console.log(`It grows: ${what}`);
  if (growth.length > 0) Deno.exitCode = 1;
  else console.log(`Nothing grows, after ${rest.restarts} restarts and ${rest.deletes} deletes`);
}
