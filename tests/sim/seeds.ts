// The seeds that every run of the tests tries, split over files so that they run at the same time.
// `deno task sim` tries as many as you like.

import assert from "node:assert/strict";
import { commandOf, optionsOf } from "./recipe.ts";
import { REPEATED_EVERY, reportSeed } from "./seed_report.ts";

/** How many seeds there are in all. */
const SEED_COUNT = 200;

/** How many one test tries. */
const PER_TEST = 20;

/** Registers the tests of one of several parts, from 1 on. */
export function testSeeds(part: number, parts: number): void {
  for (let first = 1, test = 0; first <= SEED_COUNT; first += PER_TEST, test++) {
    if (test % parts !== part - 1) continue;
    const last = Math.min(first + PER_TEST - 1, SEED_COUNT);
    const name = `seeds ${first} to ${last}`;
    Deno.test(`a cluster in which things go wrong keeps its promises: ${name}`, async () => {
      for (let seed = first; seed <= last; seed++) {
        const isRepeated = seed % REPEATED_EVERY === 0;
        const task = { options: optionsOf({ seed }), isRepeated, isTold: false };
        const { violations } = await reportSeed(task);
        assert.deepEqual(violations, [], `See ${commandOf({ seed })} --trace`);
      }
    });
  }
}
