// Commands with many keys: one request per key, so many at once, and one outcome for all.
//
// Such a command is not atomic: each key is a request of its own. After a failure no further request
// begins, those under way are waited for, and the error says how many keys it is about.

import { DenamoError } from "../../wire/errors.ts";
import { RESP_LIMITS } from "./resp_limits.ts";

/**
 * Does `work` for each item and returns the results in the order of the items.
 *
 * @param effect whether `work` writes: then a failure after another key's success is `unknown`
 * @throws {DenamoError} with the code of the first failure
 */
export async function forEachKey<Item, Result>(
  items: readonly Item[],
  effect: "reads" | "writes",
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  if (items.length === 1) return [await work(items[0]!)];
  const results = new Array<Result>(items.length);
  const failures: unknown[] = [];
  let begun = 0;

  async function goOn(): Promise<void> {
    while (begun < items.length && failures.length === 0) {
      const index = begun++;
      try {
        results[index] = await work(items[index]!);
      } catch (error) {
        failures.push(error);
      }
    }
  }

  const lanes = Math.min(items.length, RESP_LIMITS.concurrentKeysCount);
  await Promise.all(Array.from({ length: lanes }, goOn));
  if (failures.length > 0) throw failureOfMany(failures, begun, items.length, effect);
  return results;
}

function failureOfMany(
  failures: readonly unknown[],
  begun: number,
  total: number,
  effect: "reads" | "writes",
): unknown {
  const [first] = failures;
  // Anything else is a mistake in Denamo and is shown as it is.
  if (!(first instanceof DenamoError)) return first;
  const hasEffect = effect === "writes" && (begun > failures.length ||
    failures.some((failure) => !(failure instanceof DenamoError) || failure.outcome === "unknown"));
  const untried = total > begun ? `, ${total - begun} were not tried` : "";
  const numbers = { failed: failures.length, total, untried: total - begun };
  return new DenamoError(
    first.code,
    hasEffect ? "unknown" : first.outcome,
    `${failures.length} of ${total} keys failed${untried}, the first: ${first.message}`,
    { ...first.details, ...numbers },
  );
}
