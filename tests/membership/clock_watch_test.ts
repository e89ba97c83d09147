import assert from "node:assert/strict";
import fc from "fast-check";
import { ClockWatch } from "../../src/membership/clock_watch.ts";
import { ManualTime } from "./manual_clock.ts";

/** A watch on a clock that is right, and peers whose clocks are ahead by these milliseconds. */
function watchWith(offsets: readonly number[], maxClockSkewMs = 1000): ClockWatch {
  const clock = new ManualTime().clock();
  const watch = new ClockWatch(clock, maxClockSkewMs);
  offsets.forEach((offset, i) => watch.observe(`n${i}`, clock.now() + offset));
  return watch;
}

/** The median as the rule is told: sort all offsets, ours being 0; of two middle ones the nearer to 0. */
function slowSkew(offsets: readonly number[]): number {
  const all = [0, ...offsets].sort((a, b) => a - b);
  const middle = all.slice(Math.floor((all.length - 1) / 2), Math.floor(all.length / 2) + 1);
  return middle.sort((a, b) => Math.abs(a) - Math.abs(b))[0]!;
}

Deno.test("ClockWatch stops a node whose clock is far from the median of its peers", () => {
  const watch = watchWith([-1500, -1490, 3]);
  assert.equal(watch.mayCoordinate(), undefined);
  const ahead = watchWith([-1500, -1490]);
  assert.equal(
    ahead.mayCoordinate(),
    "The clock of this node is 1490 ms ahead of the median of its peers, limit 1000 ms",
  );
  assert.match(watchWith([2000, 3000, 4000, 5000]).mayCoordinate()!, /3000 ms behind the median/);
});

Deno.test("ClockWatch finds the median that sorting finds", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: -5000, max: 5000 })), (offsets) => {
    assert.equal(watchWith(offsets).skewMs(), slowSkew(offsets) + 0);
  }));
});

Deno.test("ClockWatch never stops both of two nodes, nor all of any number", () => {
  fc.assert(fc.property(
    fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 9 }),
    (clocks) => {
      const working = clocks.filter((own, i) => {
        const offsets = clocks.filter((_, j) => j !== i).map((other) => other - own);
        return watchWith(offsets).mayCoordinate() === undefined;
      });
      assert.ok(working.length > 0);
      if (clocks.length <= 2) assert.equal(working.length, clocks.length);
    },
  ));
});

Deno.test("ClockWatch is not misled by heartbeats that were long under way", () => {
  const time = new ManualTime();
  const clock = time.clock();
  const watch = new ClockWatch(clock);
  for (const delayMs of [3, 2500, 4000, 1800, 20, 2500, 3000]) {
    time.run(time.nowMs + 1000);
    for (const node of ["n2", "n3"]) watch.observe(node, clock.now() - delayMs);
    assert.equal(watch.mayCoordinate(), undefined);
  }
  assert.equal(watch.offsetMs("n2"), -20);
  assert.equal(watch.offsetMs("n9"), undefined);
});

Deno.test("ClockWatch notices at once when our own clock jumps", () => {
  let skewMs = 0;
  const clock = new ManualTime().clock(() => skewMs);
  const watch = new ClockWatch(clock);
  for (const node of ["n2", "n3"]) watch.observe(node, clock.now());
  assert.equal(watch.mayCoordinate(), undefined);
  skewMs = 5000;
  assert.equal(watch.skewMs(), -5000);
  assert.match(watch.mayCoordinate()!, /5000 ms ahead of/);
});

Deno.test("ClockWatch notices a peer's clock that was put back after five heartbeats", () => {
  const clock = new ManualTime().clock();
  const watch = new ClockWatch(clock);
  watch.observe("n2", clock.now());
  for (let i = 0; i < 4; i++) watch.observe("n2", clock.now() - 9000);
  assert.equal(watch.offsetMs("n2"), 0);
  watch.observe("n3", clock.now() - 8000);
  assert.equal(watch.skewMs(), 0);
  watch.observe("n2", clock.now() - 9000);
  assert.equal(watch.offsetMs("n2"), -9000);
  assert.equal(watch.skewMs(), -8000);
});

Deno.test("ClockWatch leaves out whom it was told to forget", () => {
  const watch = watchWith([5000, 5000]);
  assert.notEqual(watch.mayCoordinate(), undefined);
  watch.forget("n0");
  assert.equal(watch.mayCoordinate(), undefined);
  watch.forget("n0");
  watch.forget("n1");
  assert.equal(watch.skewMs(), 0);
});
