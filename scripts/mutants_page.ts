// The page of deliberate mistakes, docs/mutants.md, as a text made of data.

import type { Attempt } from "../tests/mutants/attempt.ts";
import { type Mutant, SEED_LIMIT, type WaitingMutant } from "../tests/mutants/mutant.ts";
import { violationKind } from "../tests/sim/violation_kind.ts";

const INTRODUCTION = `# Deliberate mistakes

A simulator that finds nothing may be looking at a store without mistakes, or may be blind. So mistakes that stores
of this kind have made are made here on purpose, one at a time, each as an edit of one or a few lines in a
copy of the tree, and the simulator must find each of them, by the oracle that is meant for it, within
${SEED_LIMIT} seeds. The edits are in \`tests/mutants/\`; nothing of them is in the code that runs.

This page is written by

    deno run -A scripts/mutants.ts --write

which takes some minutes. Seeds are counted from 1, and the number is that of the first seed that finds the mistake:
it changes whenever the simulated worlds do, and says how rare the circumstances are. The last column is what
the oracle said, with a \`*\` for each name and number. Every run of the tests tries those marked •, and
checks that all edits still fit. Those marked ◦ are tried in worlds in which the circumstances that it
takes are more frequent than in a plain run: few kinds of faults, or more keys.

The oracles: I1 no acknowledged write lost and nothing resurrected, I2 no dot issued twice, I3 an acknowledged
write is on its disks, I4 owners are the same when all is healed and nothing is left of what was deleted, I5
siblings are concurrent, I6 no session goes back, I7 a read sees what was acknowledged before it, I8 counters show
what was added, I9 registers, extremes, HyperLogLogs and documents are what was put in, I10 sets, flags and maps
have what was put in and not taken out, I13 who is gone is called down and nobody else, I14 everything ends and
nothing is left over, I15 a crash loses nothing that was durable, I16 a seed runs the same way twice, I17 what is
sent is what is understood, I18 a context is good at all nodes, I19 nothing
that arrives can destroy, I20 a value ends when it was told to.
`;

/** The whole page. */
export function mutantsPage(
  attempts: readonly Attempt[],
  mutants: readonly Mutant[],
  waiting: readonly WaitingMutant[],
): string {
  const sections = [
    INTRODUCTION,
    "## Found\n",
    rowsOf(attempts),
    "\n## Why these\n",
    ...mutants.map(({ name, why }) => `- **${name}.** ${why}.`),
    "\n## Not found\n",
    "These can be made, and nothing notices. `--survivors` tries them again.\n",
    ...mutants.filter(({ survivesBecause }) => survivesBecause !== undefined)
      .map(({ name, survivesBecause }) => `- **${name}:** ${survivesBecause}.`),
    "\n## Waiting\n",
    "These cannot be made, or cannot be noticed, until something else is there.\n",
    ...waiting.map(({ name, waitsFor, why }) => `- **${name}** waits for ${waitsFor}. ${why}.`),
  ];
  return `${sections.join("\n")}\n`;
}

/** What came of each, as the rows of a table. */
export function rowsOf(attempts: readonly Attempt[]): string {
  const rows = attempts.map(({ found, mutant }) => {
    const { finding, isQuick, name } = mutant;
    const [seed, said] = found === undefined
      ? ["not found", ""]
      : [String(found.seed), violationKind(found.violation)];
    const mark = isQuick === true ? " •" : mutant.with === undefined ? "" : " ◦";
    return row([name + mark, finding.oracle, seed, said]);
  });
  return [row(["mistake", "oracle", "seeds", "violation"]), "|---|---|--:|---|", ...rows].join(
    "\n",
  );
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
