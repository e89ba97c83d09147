import assert from "node:assert/strict";
import { max } from "../../src/crdt/max.ts";
import { min } from "../../src/crdt/min.ts";
import { maxTest, minTest, put } from "./extremes_twin.ts";
import { checkHostileBytes, checkLaws } from "./laws.ts";

Deno.test("the largest of all replicas wins, and the smallest", () => {
  for (const [type, expected] of [[max, 5], [min, 2]] as const) {
    const left = type.apply(type.empty, put(5), { actor: "a", time: 1 });
    const right = type.apply(type.empty, put(2), { actor: "b", time: 1 });
    assert.equal(type.value(type.merge(left, right)), expected);
  }
});

Deno.test("a number that exceeds nothing changes nothing", () => {
  const five = max.apply(max.empty, put(5), { actor: "a", time: 1 });
  assert.equal(max.apply(five, put(5), { actor: "a", time: 2 }), five);
  assert.equal(max.value(max.empty), undefined);
});

Deno.test("a number replaces those that it has seen", () => {
  const five = max.apply(max.empty, put(5), { actor: "a", time: 1 });
  const seven = max.apply(five, put(7), { actor: "b", time: 2 });
  assert.deepEqual(max.stats(seven), { elements: 0, actors: 2, dots: 1 });
});

Deno.test("what was removed does not come back, and what was put in beside the removal stays", () => {
  const five = max.apply(max.empty, put(5), { actor: "a", time: 1 });
  const removed = max.clear(five, undefined, { actor: "b", time: 2 });
  const seven = max.apply(five, put(7), { actor: "a", time: 2 });
  assert.equal(max.value(max.merge(five, removed)), undefined);
  assert.equal(max.value(max.merge(seven, removed)), 7);
});

Deno.test("minus zero is zero, and what is not finite is refused", () => {
  const zero = max.apply(max.empty, put(-0), { actor: "a", time: 1 });
  assert.ok(Object.is(max.value(max.decode(max.encode(zero))), 0));
  for (const value of [NaN, Infinity, -Infinity]) {
    assert.throws(() => max.apply(max.empty, put(value), { actor: "a", time: 1 }), RangeError);
  }
});

Deno.test("max keeps the laws", () => checkLaws(maxTest));
Deno.test("min keeps the laws", () => checkLaws(minTest));

Deno.test("max and min decode nothing that they did not encode", () => {
  checkHostileBytes(maxTest, 5_000);
  checkHostileBytes(minTest, 5_000);
});
