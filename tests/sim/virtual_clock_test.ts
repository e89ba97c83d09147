import assert from "node:assert/strict";
import fc from "fast-check";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { sleep } from "../../src/ports/clock.ts";
import { clockContract } from "../contracts/clock_contract.ts";
import { randomContract } from "../contracts/random_contract.ts";
import { VirtualTime, WORLD_BEGIN_MS } from "./virtual_clock.ts";

Deno.test("VirtualTime lets an hour pass at once, with every promise settled in between", async () => {
  const time = new VirtualTime();
  const clock = time.clock();
  const story: string[] = [];
  const traveller = async () => {
    await sleep(clock, 60_000);
    story.push(`a minute, ${clock.monotonic()}`);
    await sleep(clock, 59 * 60_000);
    story.push(`an hour, ${clock.monotonic()}`);
  };
  const travelled = traveller();
  await time.pass(3_600_000);
  await travelled;
  assert.deepEqual(story, ["a minute, 60000", "an hour, 3600000"]);
});

clockContract("VirtualTime", () => {
  const time = new VirtualTime();
  return { clock: time.clock(), until: (condition, what) => time.until(condition, what) };
});

randomContract("SeededRandom", () => new SeededRandom("a seed"));

Deno.test("timers fire by time and then by their setting, as a sorted list says", async () => {
  const delays = fc.array(fc.record({ delayMs: fc.nat(20), isCancelled: fc.boolean() }));
  await fc.assert(
    fc.asyncProperty(delays, async (timers) => {
      const time = new VirtualTime();
      const fired: number[] = [];
      timers.forEach(({ delayMs, isCancelled }, i) => {
        const timer = time.after(delayMs, () => fired.push(i));
        if (isCancelled) timer.cancel();
      });
      await time.pass(20);
      const expected = timers.map((timer, i) => ({ ...timer, i }))
        .filter(({ isCancelled }) => !isCancelled)
        .sort((a, b) => a.delayMs - b.delayMs || a.i - b.i)
        .map(({ i }) => i);
      assert.deepEqual(fired, expected);
      assert.equal(time.waiting, 0);
    }),
    { numRuns: 100 },
  );
});

Deno.test("a skewed clock shows another wall time and the same monotonic time", async () => {
  const time = new VirtualTime();
  const clock = time.clock(() => -500);
  await time.pass(1_000);
  assert.equal(clock.now(), WORLD_BEGIN_MS + 500);
  assert.equal(clock.monotonic(), 1_000);
});

Deno.test("until() gives up at its limit and says what it waited for", async () => {
  const time = new VirtualTime();
  await assert.rejects(time.until(() => false, "the moon falls", 50), /the moon falls/);
});

Deno.test("watch() looks between the events as often as it says, and is none of them", async () => {
  const time = new VirtualTime();
  const story: string[] = [];
  time.after(250, () => story.push(`event ${time.nowMs}`));
  time.after(300, () => story.push(`event ${time.nowMs}`));
  time.watch(100, () => story.push(`look ${time.nowMs}`));
  await time.pass(1_000);
  assert.deepEqual(story, ["look 100", "look 200", "event 250", "look 300", "event 300"]);
  assert.equal(time.eventCount, 2);
  assert.equal(time.waiting, 0);
});
