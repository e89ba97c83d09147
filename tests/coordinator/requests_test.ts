import type { NestedOperation } from "../../src/crdt/map.ts";
import assert from "node:assert/strict";
import { MalformedError } from "../../src/base/malformed.ts";
import { utf8 } from "../../src/base/bytes.ts";
import { type Context, CONTEXT_BYTES_MAX } from "../../src/causality/context.ts";
import {
  type ClientAnswer,
  type ClientRequest,
  decodeClientAnswer,
  decodeClientRequest,
  encodeClientAnswer,
  encodeClientRequest,
} from "../../src/coordinator/requests.ts";
import { Arguments } from "../../src/wire/arguments.ts";

const asked = { key: utf8("cart"), level: "quorum", strict: true } as const;
function addition(amount: number): NestedOperation {
  const id = { session: "s", number: 3, untilMs: 1_700_000_000_000 };
  return { type: "counter", operation: { kind: "add", amount, id } };
}

const plain = { key: utf8("cart"), level: undefined, strict: undefined } as const;

function decoded(parts: readonly unknown[]): ClientRequest {
  return decodeClientRequest(new Arguments(parts, "request"));
}

const context: Context = { vector: new Map([["n1~a", 7], ["n2~b", 9]]), hash: undefined };
const cut: Context = { vector: new Map([["n1~a", 7]]), hash: new Uint8Array(16).fill(3) };

function writeAnswer(seen: Context | undefined, isShown: boolean): ClientAnswer {
  return {
    siblings: 2,
    floor: 0,
    seen: () => seen,
    isShown,
    existed: true,
    expiresAtMs: 7,
    results: [{ changed: 2, count: undefined }, { changed: 1, count: -(2n ** 70n) }],
  };
}

Deno.test("every request arrives as it was sent", () => {
  const value = { kind: "text", bytes: utf8("milk") } as const;
  const requests: ClientRequest[] = [
    { op: "get", ...asked, atLeast: [context, cut] },
    { op: "get", ...plain, atLeast: [] },
    { op: "put", ...asked, context, value, expiresAtMs: 5, keepExpiry: false },
    { op: "put", ...plain, context: undefined, value, expiresAtMs: undefined, keepExpiry: true },
    { op: "delete", ...asked, context: cut },
    { op: "expire", ...plain, expiresAtMs: 9 },
    { op: "update", ...asked, context, operations: [addition(-5), addition(7)] },
  ];
  for (const request of requests) assert.deepEqual(decoded(encodeClientRequest(request)), request);
});

Deno.test("a context that is longer than any that is given out is no message", () => {
  const parts = encodeClientRequest({ op: "delete", ...asked, context });
  for (const bytes of [new Uint8Array(CONTEXT_BYTES_MAX + 1), new Uint8Array(3).fill(255)]) {
    assert.throws(() => decoded([...parts.slice(0, -1), bytes]), MalformedError);
  }
  const read = encodeClientRequest({ op: "get", ...asked, atLeast: Array(9).fill(context) });
  assert.throws(() => decoded(read), /part 5/);
});

Deno.test("an answer tells what a write has left, and whether its client was shown that", () => {
  for (const seen of [context, cut, undefined]) {
    for (const isShown of [true, false]) {
      const answer = decodeClientAnswer(encodeClientAnswer(writeAnswer(seen, isShown)));
      assert.deepEqual([answer.seen(), answer.isShown], [seen, isShown]);
      assert.deepEqual([answer.siblings, answer.existed, answer.expiresAtMs], [2, true, 7]);
      assert.deepEqual(answer.results, writeAnswer(seen, isShown).results);
    }
  }
});
