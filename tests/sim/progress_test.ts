import assert from "node:assert/strict";
import fc from "fast-check";
import { standingLine } from "../../scripts/progress.ts";

const HALF = { done: 50, total: 100, failures: 1, virtualMs: 120_000, elapsedMs: 10_000 };

Deno.test("standingLine() shows seeds, failures, speed and the time left", () => {
  assert.equal(standingLine(HALF, 50), "50 of 100 seeds, 1 failed, 0.2 min/s, 10 s left");
});

Deno.test("standingLine() draws no bar where there is no terminal", () => {
  assert.equal(standingLine(HALF), standingLine(HALF, 50));
});

Deno.test("standingLine() draws a bar where there is room", () => {
  const bar = `[${"#".repeat(15)}${"-".repeat(15)}]`;
  const text = "50 of 100 seeds, 1 failed, 0.2 min/s, 10 s left";
  assert.equal(standingLine(HALF, 120), `${bar} ${text}`);
});

Deno.test("standingLine() knows no time left before the first seed is done", () => {
  const line = standingLine({ ...HALF, done: 0, virtualMs: 0, elapsedMs: 0 }, 60);
  assert.equal(line, "[----------------------] 0 of 100 seeds, 1 failed, 0.0 min/s");
});

Deno.test("standingLine() is never wider than the terminal", () => {
  const counts = fc.integer({ min: 0, max: 1e9 });
  const columns = fc.integer({ min: 0, max: 200 });
  fc.assert(fc.property(counts, counts, counts, columns, (done, rest, virtualMs, columns) => {
    const standing = { done, total: done + rest, failures: 0, virtualMs, elapsedMs: 5_000 };
    assert.ok(standingLine(standing, columns).length <= columns);
  }));
});
