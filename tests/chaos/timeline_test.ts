import assert from "node:assert/strict";
import { reportPage } from "./report.ts";
import { percentile, Timeline } from "./timeline.ts";

function madeTimeline(): Timeline {
  const timeline = new Timeline();
  for (let i = 0; i < 100; i++) {
    const startedAtMs = i * 20;
    const kind = i % 2 === 0 ? "read" : "write";
    timeline.served.push({
      kind,
      startedAtMs,
      endedAtMs: startedAtMs + 1 + i / 10,
      isOk: i !== 51,
    });
  }
  return timeline;
}

Deno.test("a time line counts what was served in a window, and how long it took", () => {
  const timeline = madeTimeline();
  const all = timeline.figures(0, Infinity);
  assert.equal(all.okCount, 99);
  assert.equal(all.failedCount, 1);
  assert.equal(all.okWrites, 49);
  assert.ok(Math.abs(all.p50Ms - 5.9) < 0.2 && Math.abs(all.p99Ms - 10.9) < 0.2, `${all.p99Ms}`);
  assert.equal(timeline.writeSuccess(), 0.98);
  assert.deepEqual(timeline.seconds().map(({ okCount }) => okCount), [50, 49]);
});

Deno.test("a percentile is a number that so many are not above", () => {
  assert.equal(percentile([1, 2, 3, 4], 0.5), 2);
  assert.equal(percentile([1, 2, 3, 4], 0.99), 4);
  assert.ok(Number.isNaN(percentile([], 0.5)));
});

Deno.test("a report stands by itself and shows every blow", () => {
  const timeline = madeTimeline();
  timeline.blows.push({ what: "kill", node: "n1", atMs: 500, untilMs: 900 });
  const page = reportPage("Chaos", [["lost", "0 & none"]], timeline);
  assert.match(page, /kill n1/);
  assert.match(page, /0 &#38; none/);
  assert.doesNotMatch(page, /src=|href=|NaN/);
});
