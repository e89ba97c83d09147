import assert from "node:assert/strict";
import { drawOptions } from "./options.ts";
import { commandOf, optionsOf } from "./recipe.ts";
import { REGRESSIONS } from "./regressions.ts";
import { runSeed } from "./run_seed.ts";
import { reportSeed } from "./seed_report.ts";

Deno.test("one seed gives one history, and another seed another", async () => {
  const hashes: string[] = [];
  for (const seed of [5, 5, 9]) hashes.push((await runSeed(drawOptions(seed))).traceHash);
  assert.equal(hashes[0], hashes[1]);
  assert.notEqual(hashes[0], hashes[2]);
});

for (const regression of REGRESSIONS) {
  const { seed, why } = regression;
  Deno.test(`seed ${seed} stays mended: ${why}`, async () => {
    const task = { options: optionsOf(regression), isRepeated: false, isTold: false };
    const { violations } = await reportSeed(task);
    assert.deepEqual(violations, [], `See ${commandOf(regression)} --trace`);
  });
}
