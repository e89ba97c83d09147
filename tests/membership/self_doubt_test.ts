import assert from "node:assert/strict";
import fc from "fast-check";
import { DOUBT_INTERVALS, SelfDoubt } from "../../src/membership/self_doubt.ts";

const intervalMs = 1_000;

Deno.test("SelfDoubt lasts while most members are silent, for ten intervals at most", () => {
  const doubt = new SelfDoubt();
  doubt.update({ alive: 4, silent: ["n2", "n3"], intervalMs }, 0);
  assert.equal(doubt.reason, undefined, "half are not most");
  doubt.update({ alive: 4, silent: ["n2", "n3", "n4"], intervalMs }, 100);
  assert.equal(
    doubt.reason,
    "this node hears nothing of n2, n3, n4 and may be cut off itself",
  );
  doubt.update({ alive: 4, silent: ["n2", "n3", "n4"], intervalMs }, 10_099);
  assert.ok(doubt.isDoubting);
  doubt.update({ alive: 4, silent: ["n2", "n3", "n4"], intervalMs }, 10_100);
  assert.ok(!doubt.isDoubting);
  doubt.update({ alive: 4, silent: ["n2"], intervalMs }, 11_000);
  doubt.update({ alive: 4, silent: ["n2", "n3", "n4"], intervalMs }, 12_000);
  assert.ok(doubt.isDoubting, "another silence is doubted anew");
});

Deno.test("of many silent members five are named", () => {
  const doubt = new SelfDoubt();
  const silent = ["n8", "n7", "n6", "n5", "n4", "n3", "n2"];
  doubt.update({ alive: 7, silent, intervalMs }, 0);
  assert.match(doubt.reason!, /n2, n3, n4, n5, n6 and 2 others/);
});

Deno.test("the only other member is condemned without a doubt", () => {
  const doubt = new SelfDoubt();
  doubt.update({ alive: 1, silent: ["n2"], intervalMs }, 0);
  assert.ok(!doubt.isDoubting);
});

Deno.test("whoever is silent, a doubt needs more than half and has an end", () => {
  const ticks = fc.array(fc.nat({ max: 6 }), { maxLength: 100 });
  fc.assert(fc.property(ticks, fc.integer({ min: 1, max: 6 }), (counts, alive) => {
    const doubt = new SelfDoubt();
    let inARow = 0;
    counts.forEach((count, tick) => {
      const silent = Array.from({ length: Math.min(count, alive) }, (_, i) => `n${i}`);
      doubt.update({ alive, silent, intervalMs }, tick * intervalMs);
      const isMost = silent.length >= 2 && silent.length > alive / 2;
      inARow = isMost ? inARow + 1 : 0;
      assert.equal(doubt.isDoubting, inARow > 0 && inARow <= DOUBT_INTERVALS);
      assert.equal(doubt.reason !== undefined, doubt.isDoubting);
    });
  }));
});
