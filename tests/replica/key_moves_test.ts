import assert from "node:assert/strict";
import { movesBetween, NO_NAMESPACES } from "../../src/replica/key_moves.ts";

Deno.test("keys with the same longest prefix move together, each move told once", () => {
  const before = new Map([["", 0], ["a", 2], ["ab", 5]]);
  const after = new Map([["", 0], ["a", 4], ["abc", 1]]);
  assert.deepEqual(movesBetween(before, after), [
    { from: 2, to: 4 },
    { from: 5, to: 4 },
    { from: 5, to: 1 },
  ]);
  assert.deepEqual(movesBetween(before, before), []);
  assert.deepEqual(movesBetween(NO_NAMESPACES, new Map([["", 0], ["a", 0]])), []);
});

Deno.test("keys of no namespace move when the number of copies of all changes", () => {
  assert.deepEqual(movesBetween(NO_NAMESPACES, new Map([["", 2], ["a", 0]])), [
    { from: 0, to: 2 },
  ]);
});
