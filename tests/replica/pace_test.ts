import assert from "node:assert/strict";
import { Pace } from "../../src/replica/pace.ts";
import { VirtualTime } from "../sim/virtual_clock.ts";

/** Carries out requests one after the other, each of which takes so long. */
async function requests(time: VirtualTime, pace: Pace, count: number, tookMs: number) {
  for (let i = 0; i < count; i++) {
    const isTimed = pace.began();
    await time.pass(tookMs);
    pace.ended(isTimed);
  }
}

/** When background work may go on, in milliseconds from now. */
async function waitMs(time: VirtualTime, pace: Pace): Promise<number> {
  const beganMs = time.nowMs;
  let isDone = false;
  void pace.giveWay().then(() => isDone = true);
  await time.until(() => isDone, "background work goes on");
  return time.nowMs - beganMs;
}

Deno.test("background work waits while requests are slow, and goes on when they are quick again", async () => {
  const time = new VirtualTime();
  const pace = new Pace(time.clock());
  await requests(time, pace, 100, 2);
  assert.equal(pace.mustGiveWay, false);
  assert.equal(await waitMs(time, pace), 0);
  await requests(time, pace, 5, 100);
  assert.equal(pace.mustGiveWay, true);
  await requests(time, pace, 20, 2);
  assert.equal(pace.mustGiveWay, false);
});

Deno.test("a page of background work never waits longer than half a second", async () => {
  const time = new VirtualTime();
  const pace = new Pace(time.clock());
  await requests(time, pace, 100, 2);
  for (let i = 0; i < 1_000; i++) pace.began();
  assert.equal(await waitMs(time, pace), 500);
  assert.equal(await waitMs(time, pace), 500, "and so two pages are done every second");
  assert.equal(pace.waitedMs, 1_000);
});

Deno.test("a request that does not end is slow before it has ended", async () => {
  const time = new VirtualTime();
  const pace = new Pace(time.clock());
  await requests(time, pace, 100, 2);
  const isTimed = pace.began();
  assert.equal(pace.mustGiveWay, false);
  await time.pass(50);
  assert.equal(pace.mustGiveWay, true);
  pace.ended(isTimed);
});

Deno.test("many requests under way are reason enough, however quick they were", () => {
  const time = new VirtualTime();
  const pace = new Pace(time.clock());
  const begun = Array.from({ length: 512 }, () => pace.began());
  assert.equal(begun.filter(Boolean).length, 1, "one at a time is timed");
  assert.equal(pace.mustGiveWay, true);
  for (const isTimed of begun) pace.ended(isTimed);
  assert.equal(pace.inFlight, 0);
  assert.equal(pace.mustGiveWay, false);
});

Deno.test("what was slow a second ago says nothing of now", async () => {
  const time = new VirtualTime();
  const pace = new Pace(time.clock());
  await requests(time, pace, 100, 2);
  await requests(time, pace, 5, 500);
  assert.equal(pace.mustGiveWay, true);
  await time.pass(1_000);
  assert.equal(pace.mustGiveWay, false);
});

Deno.test("what lasts becomes the measure", async () => {
  const time = new VirtualTime();
  const pace = new Pace(time.clock());
  await requests(time, pace, 100, 2);
  await requests(time, pace, 1_500, 50);
  assert.equal(pace.mustGiveWay, false);
});
