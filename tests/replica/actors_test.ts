import assert from "node:assert/strict";
import fc from "fast-check";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { HybridClock } from "../../src/causality/hybrid_clock.ts";
import { Actors } from "../../src/replica/actors.ts";

function actors(seed = "1"): Actors {
  const wall = { now: () => 1000, monotonic: () => 0, after: () => ({ cancel() {} }) };
  return new Actors("n1", new SeededRandom(seed), new HybridClock(wall, 1000));
}

Deno.test("a partition has one actor within a run, and another one after its end", () => {
  const writers = actors();
  const first = writers.nextDot(5, 0);
  const second = writers.nextDot(5, 0);
  assert.equal(second.actor, first.actor);
  assert.ok(second.time > first.time);
  assert.match(first.actor, /^n1~[\w-]{11}$/);
  assert.notEqual(writers.nextDot(6, 0).actor, first.actor, "another partition, another actor");
  writers.end(5);
  assert.equal(writers.of(5), undefined);
  assert.notEqual(writers.nextDot(5, 0).actor, first.actor);
  assert.equal(writers.endedCount, 1);
});

Deno.test("no dot is issued twice, and every actor's times rise, whatever the writes must be above", () => {
  const event = fc.record({ partition: fc.nat(2), above: fc.nat(1e12), isEnd: fc.boolean() });
  fc.assert(fc.property(fc.array(event), (events) => {
    const writers = actors();
    const last = new Map<string, number>();
    for (const { partition, above, isEnd } of events) {
      if (isEnd) writers.end(partition);
      const dot = writers.nextDot(partition, above);
      assert.ok(dot.time > above);
      assert.ok(dot.time > (last.get(dot.actor) ?? 0));
      last.set(dot.actor, dot.time);
    }
  }));
});

Deno.test("a write is under way from its dot on until it has ended", () => {
  const writers = actors();
  assert.ok(!writers.hasOpen(5, Infinity));
  const first = writers.nextDot(5, 0);
  const second = writers.nextDot(5, 0);
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
  const dot = writers.nextDot(5, 0);
  writers.end(5);
  assert.ok(writers.hasOpen(5, dot.time));
  const next = writers.nextDot(5, 0);
  writers.ended(5, dot);
  assert.ok(!writers.hasOpen(5, dot.time));
  assert.ok(writers.hasOpen(5, next.time));
});

Deno.test("hasOpen() is what a list of the writes under way says", () => {
  const event = fc.record({ partition: fc.nat(2), ends: fc.option(fc.nat(20)), upTo: fc.nat(30) });
  fc.assert(fc.property(fc.array(event), (events) => {
    const writers = actors();
    const begin = writers.nextDot(9, 0).time;
    const open: { partition: number; actor: string; time: number }[] = [];
    for (const { partition, ends, upTo } of events) {
      if (ends === null) open.push({ partition, ...writers.nextDot(partition, 0) });
      else {
        const [ended] = open.splice(ends, 1);
        if (ended !== undefined) writers.ended(ended.partition, ended);
      }
      const isOpen = open.some((it) => it.partition === partition && it.time <= begin + upTo);
      assert.equal(writers.hasOpen(partition, begin + upTo), isOpen);
    }
  }));
});
