// Commands with more elements than one request takes: several requests, one after the other.
//
// What fits one request stays one write, all or nothing. More is written in steps: a reader in between sees some of
// them, and a failure after the first leaves what the steps before have done.

import { DenamoError } from "../../wire/errors.ts";
import { LIMITS } from "../../wire/limits.ts";

/** What one step takes: some room is left of a request for what its encoding adds. */
const STEP_BYTES = LIMITS.value - 64 * 1024;
/** What the encoding adds to an element, at most. */
const OVERHEAD_BYTES = 24;

/**
 * The items in runs that one request takes each. An item that is too large by itself makes a run of its own, and is
 * refused where requests are checked.
 */
export function stepsOf<T>(items: readonly T[], sizeOf: (item: T) => number): readonly T[][] {
  const steps: T[][] = [];
  let step: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = sizeOf(item) + OVERHEAD_BYTES;
    if (step.length > 0 && (step.length === LIMITS.operationCount || bytes + size > STEP_BYTES)) {
      steps.push(step);
      step = [];
      bytes = 0;
    }
    step.push(item);
    bytes += size;
  }
  if (step.length > 0) steps.push(step);
  return steps;
}

/**
 * Writes one step after the other; resolves with the sum of what `write` returns.
 *
 * @throws {DenamoError} whose outcome is `unknown` if a step before the one that failed was written
 */
export async function writeSteps<T>(
  steps: readonly T[][],
  write: (step: readonly T[]) => Promise<number>,
): Promise<number> {
  let sum = 0;
  for (const [i, step] of steps.entries()) {
    try {
      sum += await write(step);
    } catch (error) {
      if (i === 0 || !(error instanceof DenamoError)) throw error;
      const message = `Step ${i + 1} of ${steps.length} failed: ${error.message}`;
      throw new DenamoError(error.code, "unknown", message, error.details);
    }
  }
  return sum;
}
