// A short run of what `deno task chaos` does for as long as one likes.

import assert from "node:assert/strict";
import { runChaos } from "../chaos/chaos.ts";

Deno.test("under load a node dies and another is cut off, and nothing acknowledged is lost", async () => {
  const told: string[] = [];
  const { problems, timeline } = await runChaos({
    nodes: 5,
    durationMs: 25_000,
    everyMs: 10_000,
    rate: 150,
    clients: 10,
    keys: 50,
    seed: 4,
    kinds: ["kill", "cut"],
    tell: (line) => told.push(line),
  });
  assert.deepEqual(problems, [], told.join("\n"));
  assert.equal(timeline.blows.length, 2, "two things were done");
  const { okCount } = timeline.figures(0, Infinity);
  assert.ok(okCount > 500, `${okCount} requests were served`);
});
