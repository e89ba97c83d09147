import assert from "node:assert/strict";
import fc from "fast-check";
import { ListeningTime } from "../../src/membership/listening_time.ts";
import { ManualTime } from "./manual_clock.ts";

Deno.test("ListeningTime does not count the time during which nobody listened", () => {
  const time = new ManualTime();
  const listening = new ListeningTime(time.clock(), 500);
  time.run(250);
  assert.equal(listening.tick(), 250);
  time.run(450);
  assert.equal(listening.now(), 450);
  time.run(60_000);
  assert.equal(listening.now(), 750);
  assert.equal(listening.tick(), 750);
  time.run(60_100);
  assert.equal(listening.now(), 850);
});

Deno.test("ListeningTime never goes back, and never passes faster than the clock", () => {
  const steps = fc.array(fc.record({ ms: fc.nat({ max: 2000 }), ticks: fc.boolean() }));
  fc.assert(fc.property(steps, (list) => {
    const time = new ManualTime();
    const listening = new ListeningTime(time.clock(), 500);
    let before = listening.now();
    for (const { ms, ticks } of list) {
      time.run(time.nowMs + ms);
      const now = ticks ? listening.tick() : listening.now();
      assert.ok(now >= before && now - before <= ms);
      before = now;
    }
  }));
});
