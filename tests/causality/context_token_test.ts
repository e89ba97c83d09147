import assert from "node:assert/strict";
import fc from "fast-check";
import { fromBase64Url, toBase64Url, utf8 } from "../../src/base/bytes.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import {
  decodeAtLeast,
  decodeContext,
  encodeAtLeast,
  encodeContext,
} from "../../src/causality/context_token.ts";
import { MAX_TIME } from "../../src/causality/dot.ts";

const key = utf8("cart:alice");

Deno.test("a context travels as a token and comes back as it was", () => {
  const vector = new Map([["n1~AAAAAAAAAAA", 7], ["n2~BBBBBBBBBBB", 9]]);
  assert.deepEqual(decodeContext(key, encodeContext(key, vector)), vector);
});

Deno.test("decodeContext() gives back what encodeContext() was given, and equal contexts are equal tokens", () => {
  const vectors = fc.array(fc.tuple(fc.string({ minLength: 1, maxLength: 20 }), fc.nat(MAX_TIME)));
  fc.assert(fc.property(vectors, fc.uint8Array(), (entries, key) => {
    const vector = new Map(entries.map(([actor, time]) => [actor.toWellFormed(), time]));
    const reversed = new Map([...vector].reverse());
    const token = encodeContext(key, vector);
    assert.equal(encodeContext(key, reversed), token);
    assert.deepEqual(new Map([...decodeContext(key, token)].sort()), new Map([...vector].sort()));
  }));
});

Deno.test("a token of another key is refused", () => {
  const token = encodeContext(key, new Map([["n1~AAAAAAAAAAA", 7]]));
  assert.throws(() => decodeContext(utf8("cart:bob"), token), /belongs to another key/);
});

Deno.test("a read may carry either kind of token, and a write only the one that replaces", () => {
  const vector = new Map([["n1~AAAAAAAAAAA", 7]]);
  assert.deepEqual(decodeAtLeast(key, encodeContext(key, vector)), vector);
  assert.deepEqual(decodeAtLeast(key, encodeAtLeast(key, vector)), vector);
  assert.throws(() => decodeContext(key, encodeAtLeast(key, vector)), /a write may not/);
  assert.throws(() => decodeAtLeast(utf8("cart:bob"), encodeAtLeast(key, vector)), /another key/);
});

Deno.test("a token with one bit changed is refused", () => {
  const bytes = fromBase64Url(encodeContext(key, new Map([["n1~AAAAAAAAAAA", 7]])))!;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const torn = bytes.slice();
    torn[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => decodeContext(key, toBase64Url(torn)), MalformedError);
  }
});

Deno.test("any text is a token or a malformed one", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
    try {
      decodeContext(key, text);
    } catch (error) {
      assert.ok(error instanceof MalformedError);
    }
  }));
});
