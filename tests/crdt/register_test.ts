import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { register } from "../../src/crdt/register.ts";
import { checkHostileBytes, checkLaws } from "./laws.ts";
import { registerTest, set, show } from "./register_twin.ts";

Deno.test("of two concurrent values the later is shown, and the next write replaces both", () => {
  const left = register.apply(register.empty, set("left"), { actor: "a", time: 2 });
  const right = register.apply(register.empty, set("right"), { actor: "b", time: 1 });
  const both = register.merge(right, left);
  assert.equal(show(register.value(both)), "text left");
  const next = register.apply(both, set("next"), { actor: "b", time: 3 });
  assert.equal(next.store.length, 1);
});

Deno.test("when the shown value was removed elsewhere, the concurrent one appears", () => {
  const later = register.apply(register.empty, set("later"), { actor: "a", time: 9 });
  const earlier = register.apply(register.empty, set("earlier"), { actor: "b", time: 1 });
  const removed = register.clear(later, undefined, { actor: "a", time: 10 });
  assert.equal(register.value(removed), undefined);
  const shown = register.value(register.merge(register.merge(later, earlier), removed));
  assert.equal(show(shown), "text earlier");
});

Deno.test("a value keeps its kind, and does not change with the bytes that were handed in", () => {
  const bytes = utf8("x");
  const value = { kind: "msgpack", bytes } as const;
  const state = register.apply(register.empty, { kind: "set", value }, { actor: "a", time: 1 });
  bytes[0] = 0;
  assert.equal(show(register.value(register.decode(register.encode(state)))), "msgpack x");
});

Deno.test("the register keeps the laws", () => checkLaws(registerTest));

Deno.test("the register decodes nothing that it did not encode", () => {
  checkHostileBytes(registerTest);
});
