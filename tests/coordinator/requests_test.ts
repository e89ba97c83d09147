import type { NestedOperation } from "../../src/crdt/map.ts";
import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import {
  type ClientAnswer,
  type ClientRequest,
  decodeClientAnswer,
  decodeClientRequest,
  encodeClientAnswer,
  encodeClientRequest,
} from "../../src/coordinator/requests.ts";
import { Arguments } from "../../src/wire/arguments.ts";
import { LIMITS } from "../../src/wire/limits.ts";

const asked = { key: utf8("cart"), level: "quorum", strict: true } as const;
function addition(amount: number): NestedOperation {
  const id = { session: "s", number: 3, untilMs: 1_700_000_000_000 };
  return { type: "counter", operation: { kind: "add", amount, id } };
}

const plain = { key: utf8("cart"), level: undefined, strict: undefined } as const;

function decoded(parts: readonly unknown[]): ClientRequest {
  return decodeClientRequest(new Arguments(parts, "request"));
}

function writeAnswer(context: string | undefined, atLeast: string | undefined): ClientAnswer {
  return {
    siblings: 2,
    floor: 0,
    context: () => context,
    atLeast: () => atLeast,
    existed: true,
    expiresAtMs: 7,
    results: [{ changed: 2, count: undefined }, { changed: 1, count: -(2n ** 70n) }],
  };
}

Deno.test("every request arrives as it was sent", () => {
  const value = { kind: "text", bytes: utf8("milk") } as const;
  const requests: ClientRequest[] = [
    { op: "get", ...asked, atLeast: "token" },
    { op: "get", ...plain, atLeast: undefined },
    { op: "put", ...asked, context: "token", value, expiresAtMs: 5, keepExpiry: false },
    { op: "put", ...plain, context: undefined, value, expiresAtMs: undefined, keepExpiry: true },
    { op: "delete", ...asked, context: "token" },
    { op: "expire", ...plain, expiresAtMs: 9 },
    { op: "update", ...asked, context: "token", operations: [addition(-5), addition(7)] },
  ];
  for (const request of requests) assert.deepEqual(decoded(encodeClientRequest(request)), request);
});

Deno.test("a get of a node that knows nothing of what its client has seen is one without it", () => {
  const parts = encodeClientRequest({ op: "get", ...asked, atLeast: "token" });
  assert.deepEqual(decoded(parts.slice(0, -1)), { op: "get", ...asked, atLeast: undefined });
});

Deno.test("a token that is longer than any that is given out is no message", () => {
  const atLeast = "x".repeat(LIMITS.contextToken + 1);
  assert.throws(() => decoded(encodeClientRequest({ op: "get", ...asked, atLeast })), /part 5/);
});

Deno.test("an answer has the token for later reads, which is the context where there is one", () => {
  const tokensOf = (answer: ClientAnswer) => {
    const { atLeast, context } = decodeClientAnswer(
      new Arguments(encodeClientAnswer(answer), "answer"),
    );
    return [context(), atLeast()];
  };
  assert.deepEqual(tokensOf(writeAnswer("c", "c")), ["c", "c"]);
  assert.deepEqual(tokensOf(writeAnswer(undefined, "a")), [undefined, "a"]);
  assert.deepEqual(tokensOf(writeAnswer(undefined, undefined)), [undefined, undefined]);
});

Deno.test("an answer of a node that gives no such token is one without it", () => {
  const parts = encodeClientAnswer(writeAnswer(undefined, "a")).slice(0, -3);
  const { atLeast, existed, expiresAtMs, siblings } = decodeClientAnswer(
    new Arguments(parts, "answer"),
  );
  assert.deepEqual([siblings, existed, expiresAtMs, atLeast()], [2, true, 7, undefined]);
});
