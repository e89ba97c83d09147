// Tries one mutant: runs seeds in the tree that this file lies in until one of them finds what it should.
//
// It is a program of its own, since a mistake may do anything, up to taking the whole process down or never
// ending. What it is to look for comes as JSON on the command line, what came of it goes as JSON to
// standard output.

import type { Overrides } from "../sim/overrides.ts";
import { optionsOf } from "../sim/recipe.ts";
import { reportSeed } from "../sim/seed_report.ts";
import { violationKind } from "../sim/violation_kind.ts";

export interface TrialTask {
  /** The source of a regular expression that a violation must match. */
  readonly violation: string;
  /** Seeds are counted from 1. */
  readonly lastSeed: number;
  /** What is not as it is drawn. */
  readonly with: Overrides;
  /** Whether each seed is run twice, which must go the same way. */
  readonly isRepeated: boolean;
}

export interface TrialResult {
  /** The seed that found it, and what was said; undefined if none did. */
  readonly found: { readonly seed: number; readonly violation: string } | undefined;
  /** What else was found before, each kind with its first seed. */
  readonly others: readonly { readonly seed: number; readonly kind: string }[];
}

export async function tryTask(task: TrialTask): Promise<TrialResult> {
  const expected = new RegExp(task.violation);
  const others = new Map<string, number>();
  for (let seed = 1; seed <= task.lastSeed; seed++) {
    const options = optionsOf({ seed, with: task.with });
    const { isRepeated } = task;
    const { violations } = await reportSeed({ options, isRepeated, isTold: false });
    const violation = violations.find((violation) => expected.test(violation));
    for (const other of violations.filter((it) => !expected.test(it))) {
      const kind = violationKind(other);
      if (!others.has(kind)) others.set(kind, seed);
    }
    if (violation !== undefined) return resultOf({ seed, violation }, others);
  }
  return resultOf(undefined, others);
}

function resultOf(found: TrialResult["found"], others: ReadonlyMap<string, number>): TrialResult {
  return { found, others: [...others].map(([kind, seed]) => ({ seed, kind })) };
}

if (import.meta.main) {
  const [task] = Deno.args;
  if (!task?.startsWith("{")) {
    console.error("The task of a trial is JSON; see scripts/mutants.ts");
    Deno.exit(2);
  }
  console.log(JSON.stringify(await tryTask(JSON.parse(task))));
}
