import assert from "node:assert/strict";
import { DelayBounded } from "./delay_bounded.ts";
import { ordersOf, type ToyWorld } from "./toy_world.ts";

const four: ToyWorld = Object.fromEntries([..."abcd"].map((name) => [name, { place: "n1" }]));

Deno.test("without delays there is the natural order alone", () => {
  assert.deepEqual(ordersOf(four, new DelayBounded(0)).orders, ["abcd"]);
});

Deno.test("a delay puts the oldest event behind all others", () => {
  assert.deepEqual(ordersOf(four, new DelayBounded(1)).orders, ["abcd", "abdc", "acdb", "bcda"]);
});

Deno.test("with more delays there are more orders, each once, up to all of them", () => {
  const counts = [0, 1, 2, 3, 6].map((delays) => {
    const { orders } = ordersOf(four, new DelayBounded(delays));
    assert.equal(new Set(orders).size, orders.length);
    return orders.length;
  });
  assert.deepEqual(counts, [1, 4, 9, 15, 24]);
});

Deno.test("what becomes possible later waits behind what was possible before", () => {
  const world: ToyWorld = {
    a: { place: "n1", then: ["x"] },
    b: { place: "n1" },
    x: { place: "n2" },
  };
  assert.deepEqual(ordersOf(world, new DelayBounded(0)).orders, ["abx"]);
});

Deno.test("a crash comes after each number of events without a delay", () => {
  const world: ToyWorld = { ...four, "!": { place: "n2", kind: "crash" } };
  const { orders } = ordersOf(world, new DelayBounded(0));
  assert.deepEqual(orders, ["!abcd", "a!bcd", "ab!cd", "abc!d", "abcd!"]);
  const delayed = ordersOf(world, new DelayBounded(1)).orders;
  assert.equal(delayed.length, 5 * 4);
  assert.equal(new Set(delayed).size, delayed.length);
});
