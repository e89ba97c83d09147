import assert from "node:assert/strict";
import { growthOf, LASTING_COUNT, runLongLife } from "./forgetting.ts";

/** As long a life as a test may take. */
const SHORT = { seed: 1, restarts: 20, deletes: 2_000 };

Deno.test("through twenty restarts and two thousand deletes nothing grows, and nothing is left of the deleted", async () => {
  const tenths = await runLongLife({ ...SHORT, forgetAfterMs: 1_000 });
  assert.equal(tenths.length, 10);
  assert.deepEqual(growthOf(tenths), []);
  const { records } = tenths.at(-1)!;
  assert.deepEqual(records, records.map(() => LASTING_COUNT), "those that live are left");
});

Deno.test("a life in which nothing may be forgotten is found to grow", async () => {
  const tenths = await runLongLife({ ...SHORT, deletes: 200, forgetAfterMs: 1e9 });
  const grown = growthOf(tenths).map((what) => what.split(":")[0]);
  assert.deepEqual(grown, ["entries in the largest clock", "actors", "records", "bytes"]);
});
