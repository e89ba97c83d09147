import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import type { State } from "../../src/crdt/contract.ts";
import { hasElement, set, type SetOperation, type SetStore } from "../../src/crdt/set.ts";
import { checkHostileBytes, checkLaws } from "./laws.ts";
import { add, remove, setTest, show } from "./set_twin.ts";

function setOf(size: number): State<SetStore> {
  const elements = Array.from({ length: size }, (_, i) => `e${i}`);
  return set.apply(set.empty, add(...elements), { actor: "a", time: 1 });
}

Deno.test("an add that a remove has not seen stays", () => {
  const milk = set.apply(set.empty, add("milk"), { actor: "a", time: 1 });
  const removed = set.apply(milk, remove("milk"), { actor: "b", time: 2 });
  const again = set.apply(milk, add("milk", "eggs"), { actor: "a", time: 3 });
  assert.deepEqual(show(set.value(removed)), []);
  assert.deepEqual(show(set.value(set.merge(removed, again))), ["eggs", "milk"]);
});

Deno.test("a remove takes what its client was shown, and not what was added since", () => {
  const first = set.apply(set.empty, add("milk"), { actor: "a", time: 1 });
  const shown = new Map<string, number>();
  set.addTo(first, shown);
  const second = set.apply(first, add("milk"), { actor: "a", time: 2 });
  const operation: SetOperation = { kind: "remove", elements: [utf8("milk")], seen: shown };
  assert.equal(set.apply(second, operation, { actor: "b", time: 3 }), second);
});

Deno.test("a delta of one add is small, and is refused where something before it is missing", () => {
  const one = set.apply(set.empty, add("x"), { actor: "a", time: 1 });
  const two = set.apply(one, remove("x"), { actor: "b", time: 2 });
  const three = set.apply(two, add("y"), { actor: "c", time: 3 });
  const delta = set.delta(two, three);
  assert.ok(set.encodeDelta(delta).length < 30);
  assert.equal(set.mergeDelta(one, delta), undefined, "the remove is missing");
  assert.deepEqual(show(set.value(set.mergeDelta(two, delta)!)), ["y"]);
  assert.equal(set.mergeDelta(three, delta), three, "it is known");
});

Deno.test("a delta takes away what came and went before its end and arrived on another way", () => {
  const milk = set.apply(set.empty, add("milk"), { actor: "a", time: 1 });
  const removed = set.apply(milk, remove("milk"), { actor: "a", time: 2 });
  const delta = set.delta(set.empty, removed);
  assert.equal(set.decodeDelta(set.encodeDelta(delta)).changes.size, 0, "it mentions nothing");
  assert.deepEqual(show(set.value(set.mergeDelta(milk, delta)!)), []);
});

Deno.test("what was forgotten does not come back from a replica that has missed a later remove", () => {
  const added = set.apply(set.empty, add("x", "y"), { actor: "gone", time: 1 });
  const removed = set.apply(added, remove("x"), { actor: "b", time: 5 });
  const forgotten = set.forget(set.apply(removed, remove("y"), { actor: "b", time: 6 }), 3);
  assert.equal(set.timeOf(forgotten, "gone"), 0);
  assert.deepEqual(show(set.value(set.merge(added, forgotten))), []);
});

Deno.test("of a set of which everything was removed and forgotten, a few bytes are left", () => {
  const removed = set.apply(setOf(3), remove("e0", "e1", "e2"), { actor: "a", time: 2 });
  const forgotten = set.forget(removed, 2);
  assert.deepEqual(set.stats(forgotten), { elements: 0, actors: 0, dots: 0 });
  assert.equal(set.merge(forgotten, setOf(3)), forgotten, "and nothing comes back");
});

Deno.test("hasElement() and stats() tell of a large set", () => {
  const large = setOf(10_000);
  assert.ok(hasElement(large.store, utf8("e9999")));
  assert.ok(!hasElement(large.store, utf8("e10000")));
  assert.deepEqual(set.stats(large), { elements: 10_000, actors: 1, dots: 10_000 });
});

Deno.test("the set keeps the laws", () => checkLaws(setTest));

Deno.test("the set decodes nothing that it did not encode", () => checkHostileBytes(setTest));
