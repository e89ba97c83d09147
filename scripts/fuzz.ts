// Fuzzes decoders, and a cluster of real processes over every way in: `deno task fuzz`, or `deno task fuzz --help`.
//
// How far it has come goes to standard error, the figures to standard output. The exit code is 1 if anything was
// found, else 0.

import { Command, CommanderError, InvalidArgumentError } from "commander";
import { wholeNumber } from "../src/cli/client_command.ts";
import type { AttackKind } from "../tests/fuzz/attack_worker.ts";
import { type AttackResult, runFuzz } from "../tests/fuzz/fuzz.ts";
import { countsText } from "../tests/fuzz/tally.ts";

interface Wishes {
  readonly minutes: number;
  readonly inputs: number;
  readonly seed: string;
  readonly only: readonly AttackKind[];
  readonly fromBatch: number;
}

const KINDS: readonly AttackKind[] = ["decoders", "rpc", "resp", "http"];

if (import.meta.main) Deno.exitCode = await main(Deno.args);

async function main(args: readonly string[]): Promise<number> {
  const command = fuzzCommand().exitOverride();
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
  const { fromBatch, inputs, minutes, only, seed } = command.opts<Wishes>();
  const { attacks, findings } = await runFuzz({
    seed,
    forMs: minutes * 60_000,
    inputCount: inputs,
    kinds: KINDS.filter((kind) => only.includes(kind)),
    firstBatch: fromBatch,
    tell: (line) => console.error(line),
  });
  for (const attack of attacks) console.log(`${attackText(attack)}\n`);
  const kinds = only.join(",");
  for (const finding of findings) console.log(`- ${finding}`);
  if (findings.length === 0) {
    const isCluster = attacks.some(({ kind }) => kind !== "decoders");
    if (isCluster) {
      console.log("0 crashes, 0 keys lost, 0 nodes that do not come back, all copies equal");
    }
    console.log("Nothing was found");
    return 0;
  }
  console.log(`\nAgain: deno task fuzz --only ${kinds} --seed ${seed} --minutes ${minutes}`);
  console.log("Begin with the batch that is named: --from-batch NUMBER");
  return 1;
}

function fuzzCommand(): Command {
  return new Command("fuzz")
    .description("Sends whatever a seed draws to every decoder and every way into a cluster")
    .option("--minutes <minutes>", "how long at the most, beside starting and judging", Number, 3)
    .option(
      "--inputs <count>",
      "messages and RESP commands, each; of HTTP requests three tenths",
      wholeNumber,
      1_000_000,
    )
    .option("--seed <seed>", "what is drawn", "1")
    .option("--only <kinds>", `of ${KINDS.join(", ")}`, readKinds, KINDS)
    .option("--from-batch <number>", "the first batch of each attacker", wholeNumber, 0);
}

function readKinds(text: string): AttackKind[] {
  const kinds = text.split(",");
  const unknown = kinds.find((kind) => !KINDS.includes(kind as AttackKind));
  if (unknown !== undefined) throw new InvalidArgumentError(`There is no "${unknown}".`);
  return kinds as AttackKind[];
}

function attackText({ kind, served, tally, tookMs }: AttackResult): string {
  const lines = [
    `${kind}: ${tally.sentCount} inputs in ${(tookMs / 1_000).toFixed(0)} s`,
    `  sent: ${countsText(tally.sent)}`,
    `  answered: ${countsText(tally.answers)}`,
  ];
  if (served !== undefined) {
    const { askedCount, okCount, share, slowestMs } = served;
    lines.push(
      `  honest requests meanwhile: ${okCount} of ${askedCount} served, ` +
        `${(100 * share).toFixed(2)} %, the slowest in ${Math.round(slowestMs)} ms`,
    );
  }
  return lines.join("\n");
}
