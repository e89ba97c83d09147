import assert from "node:assert/strict";
import { MUTANTS, seedThatCatches } from "./mutants.ts";
import { drawOptions } from "./options.ts";
import { REGRESSIONS } from "./regressions.ts";
import { runSeed } from "./run_seed.ts";

/** The seeds that every run of the tests tries; scripts/sim.ts tries as many as you like. */
const SEEDS = 25;

/** The mutants that are found in few seeds; scripts/sim.ts --mutants tries them all. */
const QUICK_SEEDS = 25;

Deno.test("a cluster in which things go wrong keeps its promises, seed by seed", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { violations } = await runSeed(drawOptions(seed));
    assert.deepEqual(violations, [], `deno run -A scripts/sim.ts --seed ${seed} --trace`);
  }
});

Deno.test("one seed gives one history, and another seed another", async () => {
  const hashes: string[] = [];
  for (const seed of [5, 5, 9]) hashes.push((await runSeed(drawOptions(seed))).traceHash);
  assert.equal(hashes[0], hashes[1]);
  assert.notEqual(hashes[0], hashes[2]);
});

for (const { seed, nodes, why } of REGRESSIONS) {
  Deno.test(`seed ${seed} stays mended: ${why}`, async () => {
    const { violations } = await runSeed(drawOptions(seed, nodes));
    assert.deepEqual(violations, []);
  });
}

for (const mutant of MUTANTS.filter(({ withinSeeds }) => withinSeeds <= QUICK_SEEDS)) {
  Deno.test(`a deliberate mistake is found: ${mutant.name}`, async () => {
    assert.notEqual(await seedThatCatches(mutant), undefined);
  });
}
