import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { checkRequest } from "../../src/coordinator/request_checks.ts";
import type { NestedOperation } from "../../src/crdt/map.ts";
import { LIMITS } from "../../src/wire/limits.ts";

const add = (bytes: number): NestedOperation => {
  return { type: "set", operation: { kind: "add", elements: [new Uint8Array(bytes)] } };
};

function check(operations: readonly NestedOperation[]): void {
  const all = { level: undefined, strict: undefined, context: undefined };
  checkRequest({ op: "update", key: utf8("k"), ...all, operations });
}

Deno.test("operations are refused here that another node would take for damage to the message", () => {
  check([add(100), add(LIMITS.value - 200)]);
  assert.throws(() => check([]), { code: "bad_request" });
  assert.throws(() => check([add(LIMITS.value)]), { code: "too_large" });
  const half = add(LIMITS.value / 2);
  assert.throws(() => check([half, half, half]), { code: "too_large" });
  const many = Array.from({ length: LIMITS.operationCount + 1 }, () => add(1));
  assert.throws(() => check(many), { code: "too_large" });
});

Deno.test("keys are from none to as many bytes as a disk takes", () => {
  const get = (key: Uint8Array) => {
    checkRequest({ op: "get", key, level: undefined, strict: undefined, atLeast: [] });
  };
  get(new Uint8Array(0));
  get(new Uint8Array(LIMITS.key).fill(1));
  assert.throws(() => get(new Uint8Array(LIMITS.key + 1).fill(1)), { code: "too_large" });
  assert.throws(() => get(new Uint8Array(LIMITS.key)), { code: "too_large" });
});

Deno.test("numbers that no message can hold are refused where they come in", () => {
  const untilMs = 1;
  const wrong: NestedOperation[] = [
    ...[NaN, Infinity, -Infinity].flatMap((value): NestedOperation[] => [
      { type: "max", operation: { kind: "put", value } },
      { type: "min", operation: { kind: "put", value } },
      { type: "counter", operation: { kind: "add", amount: value, id: undefined } },
    ]),
    { type: "counter", operation: { kind: "add", amount: 2 ** 53, id: undefined } },
    {
      type: "counter",
      operation: { kind: "add", amount: 1, id: { session: "s", number: -1, untilMs } },
    },
  ];
  for (const operation of wrong) {
    assert.throws(() => check([operation]), { code: "bad_request", outcome: "no" });
    const nested = { kind: "update", key: utf8("f"), nested: operation } as const;
    assert.throws(() => check([{ type: "map", operation: nested }]), { code: "bad_request" });
  }
});
