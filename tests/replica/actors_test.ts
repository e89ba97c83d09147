import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { type Dot, MAX_TIME, TICKS_PER_MS } from "../../src/causality/dot.ts";
import { HybridClock } from "../../src/causality/hybrid_clock.ts";
import { Actors } from "../../src/replica/actors.ts";

const KEY = utf8("cart");
/** The wall clock says 1000 ms, and clocks may differ by as much. */
const HORIZON = 2000 * TICKS_PER_MS;
const FAR = 99_000_000 * TICKS_PER_MS;

function actors(seed = "1"): Actors {
  const wall = { now: () => 1000, monotonic: () => 0, after: () => ({ cancel() {} }) };
  return new Actors("n1", new SeededRandom(seed), new HybridClock(wall, 1000));
}

Deno.test("a partition has one actor within a run, and another one after its end", () => {
  const writers = actors();
  const first = writers.nextDot(5, KEY, 0);
  const second = writers.nextDot(5, KEY, 0);
  assert.equal(second.actor, first.actor);
  assert.ok(second.time > first.time);
  assert.match(first.actor, /^n1~[\w-]{11}$/);
  assert.notEqual(
    writers.nextDot(6, KEY, 0).actor,
    first.actor,
    "another partition, another actor",
  );
  writers.end(5);
  assert.equal(writers.of(5), undefined);
  assert.notEqual(writers.nextDot(5, KEY, 0).actor, first.actor);
  assert.equal(writers.endedCount, 1);
});

Deno.test("no dot is issued twice, and every actor's times rise, whatever the writes must be above", () => {
  const edge = fc.integer({ min: MAX_TIME - 3, max: MAX_TIME });
  const event = fc.record({
    partition: fc.nat(2),
    key: fc.constantFrom("a", "b"),
    above: fc.oneof(fc.nat(1e7), fc.nat(1e12), edge),
    isEnd: fc.boolean(),
  });
  fc.assert(fc.property(fc.array(event), (events) => {
    const writers = actors();
    const last = new Map<string, number>();
    const written = new Map<string, string>();
    for (const { partition, key, above, isEnd } of events) {
      if (isEnd) writers.end(partition);
      const place = `${partition} ${key}`;
      const dot = writers.nextDot(partition, utf8(place), above);
      assert.ok(dot.time > above || dot.time === MAX_TIME);
      assert.ok(dot.time > (last.get(dot.actor) ?? 0));
      assert.ok(dot.time <= MAX_TIME);
      last.set(dot.actor, dot.time);
      if (dot.time <= HORIZON) continue;
      assert.equal(written.get(dot.actor) ?? place, place, "who writes ahead writes one key");
      written.set(dot.actor, place);
    }
  }));
});

Deno.test("a dot that must lie in the future is its key's alone: other keys are dated as ever", () => {
  const writers = actors();
  const before = writers.nextDot(5, KEY, 0);
  const ahead = writers.nextDot(5, KEY, FAR);
  assert.equal(ahead.time, FAR + 1);
  assert.notEqual(ahead.actor, before.actor);
  assert.equal(writers.aheadOf(KEY), ahead.actor);
  const again = writers.nextDot(5, KEY, ahead.time);
  assert.deepEqual(again, { actor: ahead.actor, time: FAR + 2 }, "one actor, however many writes");
  const other = writers.nextDot(5, utf8("other"), FAR);
  assert.ok(other.actor !== ahead.actor && other.actor !== before.actor);
  const after = writers.nextDot(5, utf8("third"), 0);
  assert.deepEqual(after, { actor: before.actor, time: before.time + 1 });
  assert.equal(writers.endedCount, 0);
});

Deno.test("what ends the actor of a partition ends those of its keys in the future", () => {
  const writers = actors();
  const [here, there] = [5, 6].map((it) => writers.nextDot(it, utf8(`key ${it}`), FAR));
  writers.end(5);
  assert.equal(writers.aheadOf(utf8("key 5")), undefined);
  assert.notEqual(writers.nextDot(5, utf8("key 5"), FAR).actor, here!.actor);
  assert.equal(writers.nextDot(6, utf8("key 6"), FAR).actor, there!.actor);
  assert.equal(writers.endedCount, 1);
});

Deno.test("of keys in the future a bounded number is remembered, and none is resumed that was dropped", () => {
  const writers = actors();
  const first = writers.nextDot(5, KEY, FAR).actor;
  for (let i = 0; i < 1023; i++) writers.nextDot(5, utf8(`key ${i}`), FAR);
  assert.equal(writers.nextDot(5, KEY, FAR).actor, first, "it was used last");
  for (let i = 0; i < 1024; i++) writers.nextDot(5, utf8(`more ${i}`), FAR);
  assert.equal(writers.aheadOf(KEY), undefined);
  assert.notEqual(writers.nextDot(5, KEY, FAR).actor, first);
});

Deno.test("at the end of time every dot has an actor of its own, and the partition goes on as before", () => {
  const writers = actors();
  const before = writers.nextDot(5, KEY, 0);
  const dots: Dot[] = [];
  for (let i = 0; i < 5; i++) dots.push(writers.nextDot(5, KEY, MAX_TIME));
  assert.ok(dots.every(({ time }) => time === MAX_TIME));
  assert.equal(new Set(dots.map(({ actor }) => actor)).size, 5);
  assert.deepEqual(writers.nextDot(5, KEY, 0), { actor: before.actor, time: before.time + 1 });
});

Deno.test("a write is under way from its dot on until it has ended", () => {
  const writers = actors();
  assert.ok(!writers.hasOpen(5, Infinity));
  const first = writers.nextDot(5, KEY, 0);
  const second = writers.nextDot(5, KEY, 0);
  assert.ok(writers.hasOpen(5, first.time) && writers.hasOpen(5, Infinity));
  assert.ok(!writers.hasOpen(5, first.time - 1), "all that are under way are later");
  assert.ok(!writers.hasOpen(6, Infinity), "another partition");
  writers.ended(5, first);
  assert.ok(!writers.hasOpen(5, first.time) && writers.hasOpen(5, second.time));
  writers.ended(5, first);
  assert.ok(writers.hasOpen(5, second.time), "to end twice ends nothing else");
  writers.ended(6, second);
  assert.ok(writers.hasOpen(5, second.time));
  writers.ended(5, second);
  assert.ok(!writers.hasOpen(5, Infinity));
});

Deno.test("a write stays under way when its actor ends", () => {
  const writers = actors();
  const dot = writers.nextDot(5, KEY, 0);
  writers.end(5);
  assert.ok(writers.hasOpen(5, dot.time));
  const next = writers.nextDot(5, KEY, 0);
  writers.ended(5, dot);
  assert.ok(!writers.hasOpen(5, dot.time));
  assert.ok(writers.hasOpen(5, next.time));
});

Deno.test("of two writes under way with one time the end of one is not that of the other", () => {
  const writers = actors();
  const dots = ["a", "b"].map((key) => writers.nextDot(5, utf8(key), MAX_TIME));
  writers.ended(5, dots[0]!);
  assert.ok(writers.hasOpen(5, MAX_TIME));
  writers.ended(5, dots[1]!);
  assert.ok(!writers.hasOpen(5, MAX_TIME));
});

Deno.test("hasOpen() is what a list of the writes under way says", () => {
  const event = fc.record({ partition: fc.nat(2), ends: fc.option(fc.nat(20)), upTo: fc.nat(30) });
  fc.assert(fc.property(fc.array(event), (events) => {
    const writers = actors();
    const begin = writers.nextDot(9, KEY, 0).time;
    const open: { partition: number; actor: string; time: number }[] = [];
    for (const { partition, ends, upTo } of events) {
      if (ends === null) open.push({ partition, ...writers.nextDot(partition, KEY, 0) });
      else {
        const [ended] = open.splice(ends, 1);
        if (ended !== undefined) writers.ended(ended.partition, ended);
      }
      const isOpen = open.some((it) => it.partition === partition && it.time <= begin + upTo);
      assert.equal(writers.hasOpen(partition, begin + upTo), isOpen);
    }
  }));
});
