// One mutant from its copy of the tree to what was found.

import { messageOf } from "../../src/wire/errors.ts";
import { type Mutant, SEED_LIMIT } from "./mutant.ts";
import { MutatedTree } from "./mutated_tree.ts";
import type { TrialResult, TrialTask } from "./trial.ts";

export interface Attempt extends TrialResult {
  readonly mutant: Mutant;
  /** Why there was no trial to its end; undefined if there was. */
  readonly failure: string | undefined;
}

/** How long a trial may take in all, in milliseconds: far more than any needs that ends. */
const TRIAL_LIMIT_MS = 1_200_000;

/** How much of what a trial said is shown when it failed, in characters. */
const SHOWN_LENGTH = 2_000;

/** Makes the mistake, runs seeds from 1 on until one finds it, and takes it back. */
export async function attempt(
  mutant: Mutant,
  seeds = SEED_LIMIT,
  signal?: AbortSignal,
): Promise<Attempt> {
  const failed = (failure: string) => ({ mutant, failure, found: undefined, others: [] });
  let made: MutatedTree;
  try {
    made = new MutatedTree(mutant.edits);
  } catch (error) {
    return failed(messageOf(error));
  }
  using tree = made;
  const { oracle, violation } = mutant.finding;
  const task: TrialTask = {
    violation: violation.source,
    lastSeed: seeds,
    with: mutant.with ?? {},
    isRepeated: oracle === "I16",
  };
  const limit = AbortSignal.timeout(TRIAL_LIMIT_MS);
  const { code, stderr, stdout } = await tree.run(
    "tests/mutants/trial.ts",
    [JSON.stringify(task)],
    signal === undefined ? limit : AbortSignal.any([signal, limit]),
  );
  const result = code === 0 ? resultIn(stdout) : undefined;
  if (result !== undefined) return { mutant, failure: undefined, ...result };
  return failed(`The trial ended with code ${code}: ${stderr.slice(0, SHOWN_LENGTH)}`);
}

/** What a trial has said last, if that was its result. */
function resultIn(stdout: string): TrialResult | undefined {
  const line = stdout.trimEnd().split("\n").at(-1);
  return line?.startsWith("{") ? JSON.parse(line) : undefined;
}
