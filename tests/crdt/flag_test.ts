import assert from "node:assert/strict";
import { flag } from "../../src/crdt/flag.ts";
import { disable, enable, flagTest } from "./flag_twin.ts";
import { checkHostileBytes, checkLaws } from "./laws.ts";

Deno.test("a flag that one side switches off and the other on is on", () => {
  const on = flag.apply(flag.empty, enable, { actor: "a", time: 1 });
  const off = flag.apply(on, disable, { actor: "b", time: 2 });
  const onAgain = flag.apply(on, enable, { actor: "a", time: 2 });
  assert.equal(flag.value(off), false);
  assert.equal(flag.value(flag.merge(on, off)), false);
  assert.equal(flag.value(flag.merge(off, onAgain)), true);
});

Deno.test("switching off what is off has no effect", () => {
  assert.equal(flag.apply(flag.empty, disable, { actor: "a", time: 1 }), flag.empty);
});

Deno.test("a dot that is not later than what its actor did is refused", () => {
  const on = flag.apply(flag.empty, enable, { actor: "a", time: 5 });
  assert.throws(() => flag.apply(on, enable, { actor: "a", time: 5 }), RangeError);
});

Deno.test("the flag keeps the laws", () => checkLaws(flagTest));

Deno.test("the flag decodes nothing that it did not encode", () => checkHostileBytes(flagTest));
