import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { map, type MapOperation, NESTING_MAX, valueAt } from "../../src/crdt/map.ts";
import { checkHostileBytes, checkLaws } from "./laws.ts";
import { mapTest, remove, show, update } from "./map_twin.ts";

function addTo(key: string, element: string): MapOperation {
  const operation = { kind: "add", elements: [utf8(element)] } as const;
  return update(key, { type: "set", operation });
}

function count(key: string, amount: number): MapOperation {
  return update(key, { type: "counter", operation: { kind: "add", amount, id: undefined } });
}

Deno.test("removing a key takes what was seen under it, and what was changed beside it stays", () => {
  const cart = map.apply(map.empty, addTo("cart", "milk"), { actor: "a", time: 1 });
  const removed = map.apply(cart, remove("cart"), { actor: "b", time: 2 });
  const changed = map.apply(cart, addTo("cart", "eggs"), { actor: "a", time: 2 });
  assert.deepEqual(show(map.value(removed)), {});
  assert.deepEqual(show(map.value(map.merge(removed, changed))), { "cart set": ["eggs"] });
});

Deno.test("a counter under a removed key keeps what was counted beside the removal, and no more", () => {
  const ten = map.apply(map.empty, count("visits", 10), { actor: "a", time: 1 });
  const removed = map.apply(ten, remove("visits"), { actor: "b", time: 2 });
  const eleven = map.apply(ten, count("visits", 1), { actor: "a", time: 2 });
  const both = map.merge(removed, eleven);
  assert.equal(valueAt(both.store, utf8("visits"), "counter"), 1n);
  assert.equal(valueAt(removed.store, utf8("visits"), "counter"), undefined);
  assert.deepEqual(map.stats(map.forget(removed, 2)), { elements: 0, actors: 0, dots: 0 });
});

Deno.test("two types under one key at once lose nothing", () => {
  const left = map.apply(map.empty, addTo("x", "milk"), { actor: "a", time: 1 });
  const right = map.apply(map.empty, count("x", 2), { actor: "b", time: 1 });
  assert.deepEqual(show(map.value(map.merge(left, right))), {
    "x counter": 2n,
    "x set": ["milk"],
  });
});

Deno.test("a delta leaves alone what it does not mention, also if it is known in part", () => {
  const before = map.apply(map.empty, addTo("x", "milk"), { actor: "a", time: 1 });
  const middle = map.apply(before, count("x", 1), { actor: "b", time: 2 });
  const after = map.apply(middle, count("x", 1), { actor: "b", time: 3 });
  const merged = map.mergeDelta(middle, map.delta(before, after))!;
  assert.deepEqual(show(map.value(merged)), { "x counter": 2n, "x set": ["milk"] });
});

Deno.test("maps nest so deep and no deeper", () => {
  let operation = count("x", 1);
  for (let depth = 0; depth < NESTING_MAX; depth++) {
    operation = update("m", { type: "map", operation });
  }
  const deep = map.apply(map.empty, operation, { actor: "a", time: 1 });
  assert.deepEqual(map.encode(map.decode(map.encode(deep))), map.encode(deep));
  const deeper = update("m", { type: "map", operation });
  assert.throws(() => map.apply(map.empty, deeper, { actor: "a", time: 1 }), RangeError);
});

Deno.test("a delta of one change in a large map is small", () => {
  let before = map.empty;
  for (let i = 0; i < 1_000; i++) {
    before = map.apply(before, count(`k${i}`, 1), { actor: "a", time: i + 1 });
  }
  const after = map.apply(before, count("k500", 1), { actor: "a", time: 2_000 });
  assert.ok(map.encodeDelta(map.delta(before, after)).length < 40);
});

Deno.test("the map keeps the laws", () => checkLaws(mapTest));

Deno.test("the map decodes nothing that it did not encode", () => checkHostileBytes(mapTest));
