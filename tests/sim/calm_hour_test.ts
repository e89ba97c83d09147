import assert from "node:assert/strict";
import { runCalmHour } from "./calm_hour.ts";

const FIVE_MINUTES = { seed: 1, nodes: 10, minutes: 5, lostPerMille: 30, driftPpm: 200 };

Deno.test("in five calm minutes no live node of ten is called down, though heartbeats are late and lost", async () => {
  const report = await runCalmHour(FIVE_MINUTES);
  assert.deepEqual(report.downs, []);
  assert.equal(report.selfDoubtCount, 0);
  assert.ok(report.publicationCount > 5 * 60 * 10 * 9, "all were connected");
  assert.ok(report.lostCount > 100, "publications were lost");
});

Deno.test("a death in such minutes is seen by all the others", async () => {
  const { downs } = await runCalmHour({ ...FIVE_MINUTES, nodes: 5, minutes: 2, dies: "n5" });
  assert.deepEqual(
    downs.map((line) => line.split(",")[0]).sort(),
    ["n1", "n2", "n3", "n4"].map((name) => `n5 is down (${name}`),
  );
  for (const line of downs) assert.ok(Number(/([\d.]+) s/.exec(line)![1]) < 65, line);
});
