import assert from "node:assert/strict";
import { waitFor } from "../cluster/wait_for.ts";
import { Machines } from "./machines.ts";
import { stepsOf } from "./steps.ts";

const SEED = "seed.denamo.test";

Deno.test("a name to join is looked up again and again, whatever it meant first", async (t) => {
  const step = stepsOf(t);
  await using machines = await Machines.make(3);
  const start = { join: [SEED] };

  await step("it means each node itself at first, and then one of them", async () => {
    for (const k of [1, 2, 3]) await machines.network.setHosts(`m${k}`, { [SEED]: k });
    await machines.startAll({ 1: start, 2: start, 3: start });
    for (const k of [1, 2, 3]) await machines.network.setHosts(`m${k}`, { [SEED]: 1 });
    await machines.layout();
  });

  await step("it means a dead address, and then another node", async () => {
    await machines.stop(1, 2, 3);
    for (const k of [1, 2, 3]) await machines.network.setHosts(`m${k}`, { [SEED]: 99 });
    // Each at another address: only the name leads to the others.
    await machines.startAll({
      1: { ...start, host: 11 },
      2: { ...start, host: 12 },
      3: { ...start, host: 13 },
    });
    for (const k of [1, 2, 3]) assert.deepEqual(await machines.seenBy(k), []);
    for (const k of [1, 2, 3]) await machines.network.setHosts(`m${k}`, { [SEED]: 12 });
    await machines.ready();
    for (const k of [1, 2, 3]) {
      await waitFor(
        `n${k} to see both others`,
        async () => (await machines.seenBy(k)).length === 2,
      );
    }
  });
});
