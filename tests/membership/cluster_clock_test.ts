import assert from "node:assert/strict";
import { ClockWatch } from "../../src/membership/clock_watch.ts";
import { ClusterClock } from "../../src/membership/cluster_clock.ts";
import { ManualTime } from "./manual_clock.ts";

/** Our own clock and the cluster's, where two others are ahead of us by these milliseconds. */
function clocksWith(aheadMs: number) {
  const clock = new ManualTime().clock();
  const watch = new ClockWatch(clock, 1_000);
  for (const node of ["n2", "n3"]) watch.observe(node, clock.now() + aheadMs);
  return { clock, watch, cluster: new ClusterClock(clock, watch) };
}

for (const aheadMs of [-120_000, -1_001, 1_001, 120_000]) {
  Deno.test(`a clock from which the others are ${aheadMs} ms ahead is set right by their median`, () => {
    const { clock, cluster } = clocksWith(aheadMs);
    assert.equal(cluster.now(), clock.now() + aheadMs);
    assert.equal(cluster.monotonic(), clock.monotonic());
  });
}

for (const aheadMs of [-1_000, -30, 0, 1_000]) {
  Deno.test(`a clock from which the others are ${aheadMs} ms ahead counts as it is`, () => {
    const { clock, cluster } = clocksWith(aheadMs);
    assert.equal(cluster.now(), clock.now());
  });
}

Deno.test("what is added to a clock is a whole number of milliseconds", () => {
  assert.equal(clocksWith(1_500.4).watch.correctionMs(), 1_500);
});

Deno.test("a node that hears nobody goes by its own clock", () => {
  const clock = new ManualTime().clock();
  assert.equal(new ClusterClock(clock, new ClockWatch(clock)).now(), clock.now());
});
