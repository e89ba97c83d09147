import type { NestedOperation } from "../../src/crdt/map.ts";
import assert from "node:assert/strict";
import { MalformedError } from "../../src/base/malformed.ts";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { type Context, CONTEXT_BYTES_MAX } from "../../src/causality/context.ts";
import { MAX_FLOOR, MAX_TIME } from "../../src/causality/dot.ts";
import type { VersionVector } from "../../src/causality/version_vector.ts";
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

Deno.test("requests and answers come back with their numbers at their edges", () => {
  const most = Number.MAX_SAFE_INTEGER;
  const end = fc.option(fc.constantFrom(1, most - 1, most), { nil: undefined });
  const vector = fc.array(
    fc.tuple(fc.constantFrom("n1~a", "€".repeat(32)), fc.constantFrom(0, 1, MAX_TIME)),
  ).map((entries): VersionVector => new Map(entries.sort(([a], [b]) => a < b ? -1 : 1)));
  const seen = fc.option(vector.map((vector): Context => ({ vector, hash: undefined })), {
    nil: undefined,
  });
  fc.assert(fc.property(end, end, seen, (expiresAtMs, other, context) => {
    const value = { kind: "bytes", bytes: new Uint8Array(0) } as const;
    const put = { op: "put", ...asked, context, value, expiresAtMs, keepExpiry: true } as const;
    assert.deepEqual(decoded(encodeClientRequest(put)), put);
    const expire = { op: "expire", ...plain, expiresAtMs: other } as const;
    assert.deepEqual(decoded(encodeClientRequest(expire)), expire);
    const answer = { ...writeAnswer(context, true), floor: MAX_FLOOR, expiresAtMs, siblings: most };
    const read = decodeClientAnswer(encodeClientAnswer(answer));
    assert.deepEqual({ ...read, seen: read.seen() }, {
      ...answer,
      object: undefined,
      seen: answer.seen(),
    });
  }));
});

Deno.test("numbers beyond their edges are no message", () => {
  const expire = encodeClientRequest({ op: "expire", ...plain, expiresAtMs: 9 });
  for (const end of [0, -1, 1.5, 2 ** 53, NaN, Infinity, "9"]) {
    assert.throws(() => decoded([...expire.slice(0, -1), end]), MalformedError, String(end));
  }
  const answer = encodeClientAnswer(writeAnswer(undefined, true));
  for (const floor of [MAX_FLOOR + 1, MAX_TIME, -1, 0.5, NaN]) {
    const parts = answer.map((part, i) => i === 6 ? floor : part);
    assert.throws(() => decodeClientAnswer(parts), MalformedError, String(floor));
  }
});
