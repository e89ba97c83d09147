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
