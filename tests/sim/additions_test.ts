import assert from "node:assert/strict";
import { drawOptions, HOSTILE_KINDS } from "./options.ts";
import { runSeed } from "./run_seed.ts";

/** As many as are needed so that what happens in most of them is seen. */
const SEEDS = [1, 2, 3];

Deno.test("simulated clients try again in time and too late, and the ids of hot counters are folded", async () => {
  let [folded, late] = [0, 0];
  // While a node has no disk nothing is forgotten, and with hostile peers there are fewer additions.
  const off = Object.fromEntries([...HOSTILE_KINDS, "pulledDisk"].map((kind) => [kind, 0]));
  for (const seed of SEEDS) {
    const drawn = drawOptions(seed);
    const { additions, violations } = await runSeed({
      ...drawn,
      faults: { ...drawn.faults, ...off },
      mergingClientCount: 4,
      mergingPauseMs: 400,
      durationMs: 30_000,
      forgetAfterMs: 500,
    });
    assert.deepEqual(violations, []);
    assert.ok(additions.repeated > 0);
    late += additions.late;
    folded += additions.counted - additions.kept;
  }
  assert.ok(folded > 100, `${folded} folded`);
  assert.ok(late > 20, `${late} refused as too late`);
});
