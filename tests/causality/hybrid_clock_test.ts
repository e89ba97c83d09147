import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_TIME, millisecondsOf, TICKS_PER_MS } from "../../src/causality/dot.ts";
import { HybridClock } from "../../src/causality/hybrid_clock.ts";

function clockAt(wall: { ms: number }, maxSkewMs = 1000): HybridClock {
  const after = () => ({ cancel() {} });
  return new HybridClock({ now: () => wall.ms, monotonic: () => 0, after }, maxSkewMs);
}

Deno.test("tick() follows the wall clock and counts within one millisecond", () => {
  const wall = { ms: 1_000 };
  const clock = clockAt(wall);
  assert.equal(clock.tick(0), 1_000 * TICKS_PER_MS);
  assert.equal(clock.tick(0), 1_000 * TICKS_PER_MS + 1);
  wall.ms = 1_001;
  assert.equal(millisecondsOf(clock.tick(0)), 1_001);
});

Deno.test("tick() rises strictly whatever the wall clock does and others say", () => {
  const event = fc.oneof(
    fc.record({ jump: fc.integer({ min: -5_000, max: 5_000 }) }),
    fc.record({ observe: fc.nat(20_000) }),
    fc.constant({}),
  );
  fc.assert(fc.property(fc.array(event), (events) => {
    const wall = { ms: 10_000 };
    const clock = clockAt(wall);
    let last = clock.tick(0);
    for (const event of events) {
      if ("jump" in event) wall.ms = Math.max(0, wall.ms + event.jump);
      else if ("observe" in event) clock.observe(event.observe * TICKS_PER_MS);
      const time = clock.tick(0);
      assert.ok(time > last);
      last = time;
    }
  }));
});

Deno.test("observe() moves the clock by no more than the largest skew", () => {
  const wall = { ms: 10_000 };
  const clock = clockAt(wall, 1_000);
  clock.observe(99_000_000 * TICKS_PER_MS);
  assert.equal(clock.tick(0), 11_000 * TICKS_PER_MS + 1);
});

Deno.test("tick() is above an object from the future without following it there", () => {
  const clock = clockAt({ ms: 10_000 });
  const future = 99_000_000 * TICKS_PER_MS;
  assert.equal(clock.tick(future), future + 1);
  assert.ok(clock.tick(0) < 10_001 * TICKS_PER_MS);
});

Deno.test("reading() is the lowest time that the next tick can give, and moves nothing", () => {
  const wall = { ms: 1_000 };
  const clock = clockAt(wall);
  const reading = clock.reading();
  assert.equal(clock.reading(), reading);
  assert.equal(clock.tick(0), reading);
  assert.equal(clock.reading(), reading + 1);
  wall.ms = 2_000;
  assert.equal(clock.reading(), 2_000 * TICKS_PER_MS);
  wall.ms = 1_000;
  assert.equal(clock.reading(), reading + 1, "nobody was given what it read");
});

Deno.test("raise() rules out every time up to one, however far ahead, and takes nothing back", () => {
  const wall = { ms: 10_000 };
  const clock = clockAt(wall, 1_000);
  const far = 99_000_000 * TICKS_PER_MS;
  clock.raise(far);
  assert.equal(clock.tick(0), far + 1);
  clock.raise(5);
  assert.equal(clock.tick(0), far + 2);
  const other = clockAt(wall);
  other.raise(9_000 * TICKS_PER_MS);
  assert.equal(other.tick(0), 10_000 * TICKS_PER_MS, "the clock on the wall is further");
});

Deno.test("times last until the year 2109 in one safe integer", () => {
  assert.ok(Date.UTC(2109, 0) * TICKS_PER_MS < MAX_TIME);
});

Deno.test("no time is above MAX_TIME, whatever comes", () => {
  const edge = fc.constantFrom(0, 1, MAX_TIME - 1, MAX_TIME, Number.MAX_SAFE_INTEGER);
  const event = fc.record({ ms: fc.constantFrom(0, 5_000, 8.64e15), time: edge });
  fc.assert(fc.property(fc.array(event), (events) => {
    const wall = { ms: 1_000 };
    const clock = clockAt(wall);
    for (const { ms, time } of events) {
      wall.ms = ms;
      clock.observe(time);
      if (time < MAX_TIME) assert.ok(clock.isAhead(time) || clock.tick(time) > time);
      clock.raise(Math.min(time, 6_000 * TICKS_PER_MS));
      assert.ok(clock.reading() <= MAX_TIME && clock.tick(time) <= MAX_TIME);
    }
  }));
});

Deno.test("isAhead() is true where only times are later that no honest clock has", () => {
  const wall = { ms: 10_000 };
  const clock = clockAt(wall, 1_000);
  const furthest = 11_000 * TICKS_PER_MS;
  assert.deepEqual([0, furthest - 1, furthest].map((it) => clock.isAhead(it)), [
    false,
    false,
    true,
  ]);
  clock.raise(furthest + 7);
  assert.ok(!clock.isAhead(furthest + 7), "our own next time is later anyway");
  assert.ok(clock.isAhead(furthest + 8));
  assert.ok(clock.isAhead(MAX_TIME));
});
