import assert from "node:assert/strict";
import { counter } from "../../src/crdt/counter.ts";
import { add, counterTest } from "./counter_twin.ts";
import { checkHostileBytes, checkLaws } from "./laws.ts";

Deno.test("what two replicas add is added up, and a message that comes twice counts once", () => {
  const left = counter.apply(counter.empty, add(5), { actor: "a", time: 1 });
  const right = counter.apply(counter.empty, add(-2), { actor: "b", time: 1 });
  const both = counter.merge(left, right);
  assert.equal(counter.value(both), 3n);
  assert.equal(counter.merge(both, left), both);
});

Deno.test("an operation that was tried at two coordinators counts once, before and after folding", () => {
  const first = counter.apply(counter.empty, add(5, 1), { actor: "a", time: 1 });
  const second = counter.apply(counter.empty, add(5, 1), { actor: "b", time: 2 });
  const both = counter.merge(first, second);
  assert.equal(counter.value(both), 5n);
  assert.equal(counter.apply(both, add(5, 1), { actor: "c", time: 3 }), both, "the id is known");
  const folded = counter.forget(both, 2);
  assert.equal(counter.value(folded), 5n);
  assert.equal(counter.stats(folded).elements, 0);
  assert.equal(counter.value(counter.merge(folded, second)), 5n);
});

Deno.test("folding between an operation and its echo counts neither twice", () => {
  const first = counter.apply(counter.empty, add(5, 1), { actor: "a", time: 1 });
  const second = counter.apply(counter.empty, add(5, 1), { actor: "b", time: 9 });
  const halfFolded = counter.forget(counter.merge(first, second), 4);
  assert.equal(counter.value(halfFolded), 5n);
  assert.equal(counter.value(counter.merge(counter.forget(first, 4), halfFolded)), 5n);
  assert.equal(counter.value(counter.forget(halfFolded, 9)), 5n);
});

Deno.test("a removal takes what it has seen, and what was added beside it stays", () => {
  const ten = counter.apply(counter.empty, add(10), { actor: "a", time: 1 });
  const removed = counter.clear(ten, undefined, { actor: "b", time: 2 });
  const more = counter.apply(ten, add(1), { actor: "a", time: 2 });
  assert.equal(counter.value(removed), 0n);
  assert.equal(counter.value(counter.merge(removed, more)), 1n);
  const forgotten = counter.forget(removed, 2);
  assert.deepEqual(counter.stats(forgotten), { elements: 0, actors: 0, dots: 0 });
});

Deno.test("a delta of one who has forgotten is a gap to one who has not", () => {
  const ten = counter.apply(counter.empty, add(10), { actor: "a", time: 1 });
  const removed = counter.clear(ten, undefined, { actor: "b", time: 2 });
  const delta = counter.delta(ten, counter.forget(removed, 2));
  assert.equal(counter.mergeDelta(ten, delta), undefined);
});

Deno.test("a removal with an old context leaves the part of an actor that has counted since", () => {
  const ten = counter.apply(counter.empty, add(10), { actor: "a", time: 1 });
  const shown = new Map([["a", 1]]);
  const more = counter.apply(ten, add(1), { actor: "a", time: 2 });
  assert.equal(counter.clear(more, shown, { actor: "b", time: 3 }), more);
});

Deno.test("sums are exact beyond 2^53, and a total that would not be is refused", () => {
  const large = Number.MAX_SAFE_INTEGER;
  const left = counter.apply(counter.empty, add(large), { actor: "a", time: 1 });
  const right = counter.apply(counter.empty, add(large), { actor: "b", time: 1 });
  assert.equal(counter.value(counter.merge(left, right)), 2n * BigInt(large));
  assert.throws(() => counter.apply(left, add(1), { actor: "a", time: 2 }), RangeError);
  assert.throws(() => counter.apply(left, add(0.5), { actor: "a", time: 2 }), RangeError);
});

Deno.test("the counter keeps the laws", () => checkLaws(counterTest));

Deno.test("the counter decodes nothing that it did not encode", () => {
  checkHostileBytes(counterTest);
});
