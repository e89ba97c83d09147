import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { compareDots } from "../../src/causality/dot.ts";
import { register, type RegisterOperation, type RegisterStore } from "../../src/crdt/register.ts";
import type { StoredValue } from "../../src/crdt/value.ts";
import { checkHostileBytes, checkLaws, type TypeUnderTest } from "./laws.ts";

function set(text: string): RegisterOperation {
  return { kind: "set", value: { kind: "text", bytes: utf8(text) } };
}

function show(value: StoredValue | undefined): string | undefined {
  return value === undefined ? undefined : `${value.kind} ${utf8Text(value.bytes)}`;
}

export const registerTest: TypeUnderTest<
  RegisterStore,
  RegisterOperation,
  StoredValue | undefined
> = {
  type: register,
  operations: fc.constantFrom("", "a", "b", "c").map(set),
  withSeen: (operation) => operation,
  twin: (happenings) => {
    const left = happenings.filter(({ operation, bit }) =>
      operation !== "clear" &&
      !happenings.some((other) =>
        ((other.operation === "clear" ? other.covered : other.known) & bit) !== 0
      )
    );
    const last = left.sort((a, b) => compareDots(b.dot, a.dot))[0]?.operation;
    return last === undefined || last === "clear" ? undefined : show(last.value);
  },
  show,
};

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
