import assert from "node:assert/strict";
import { utf8 } from "../../../src/base/bytes.ts";
import { DataObject } from "../../../src/crdt/data_object.ts";
import { convergenceProblems, type Copy } from "./convergence.ts";

const value = { kind: "text", bytes: utf8("pear") } as const;
const one = DataObject.empty.write({ actor: "a", time: 1 }, value, undefined, undefined);
const two = one.write({ actor: "a", time: 2 }, value, undefined, undefined);

function copies(...objects: DataObject[]): Copy[] {
  return objects.map((object, i) => ({ node: `n${i + 1}`, isOwner: i < 2, object }));
}

Deno.test("owners hold the same bytes, and others nothing", () => {
  assert.deepEqual(convergenceProblems("k", copies(two, two, DataObject.empty)), []);
});

Deno.test("owners that differ are shown with what they hold", () => {
  assert.deepEqual(convergenceProblems("k", copies(one, two, DataObject.empty)), [
    "k: n1 has {a:0+[1]}, n2 has {a:1+[2]}",
  ]);
});

Deno.test("a node that holds what it does not own is shown", () => {
  assert.deepEqual(convergenceProblems("k", copies(two, two, one)), [
    "k: n3 does not own it and has {a:0+[1]}",
  ]);
});
