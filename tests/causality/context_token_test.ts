import assert from "node:assert/strict";
import fc from "fast-check";
import { fromBase64Url, toBase64Url, utf8 } from "../../src/base/bytes.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import { type Context, contextOf } from "../../src/causality/context.ts";
import {
  contextIn,
  joinedTokens,
  openAtLeast,
  openContext,
  sealAtLeast,
  sealContext,
  separateTokens,
  TOKEN_CHARACTERS_MAX,
} from "../../src/causality/context_token.ts";
import { MAX_TIME } from "../../src/causality/dot.ts";
import { SealKey, SealKeys } from "../../src/causality/seal_key.ts";
import type { VersionVector } from "../../src/causality/version_vector.ts";

const KEY = utf8("cart:alice");
const SEAL = new SealKey("n1", new Uint8Array(32).fill(7));
const OTHER = new SealKey("n2", new Uint8Array(32).fill(8));
const CONTEXT = contextOf(new Map([["n1~AAAAAAAAAAA", 7], ["n2~BBBBBBBBBBB", 9]]));
/** What was given out before contexts were sealed, and says that everything up to 2^53 has been seen. */
const UNSEALED = "ASEIlSQelG_eAQ56en5BQUFBQUFBQUFBQYCAgIDw__8PSzxboQ";

function find(id: number): SealKey | undefined {
  return SealKeys.of(SEAL).with(SealKeys.of(OTHER)).find(id);
}

Deno.test("a context travels as a token and comes back as it was, whichever known key has sealed it", () => {
  for (const seal of [SEAL, OTHER]) {
    assert.deepEqual(openContext(KEY, sealContext(KEY, CONTEXT, seal), find), CONTEXT);
  }
  assert.equal(sealContext(KEY, CONTEXT, SEAL), sealContext(KEY, CONTEXT, SEAL));
  assert.notEqual(sealContext(KEY, CONTEXT, SEAL), sealContext(KEY, CONTEXT, OTHER));
});

Deno.test("a token of another key, of another cluster, or from before seals is refused", () => {
  const token = sealContext(KEY, CONTEXT, SEAL);
  assert.throws(() => openContext(utf8("cart:bob"), token, find), /belongs to another key/);
  assert.throws(() => openContext(KEY, token, () => undefined), /this cluster has not sealed it/);
  for (const open of [openContext, openAtLeast]) {
    assert.throws(() => open(utf8("k"), UNSEALED, find), /before contexts were sealed/);
  }
});

Deno.test("who has no key can make no token, though he knows all else", () => {
  const token = sealContext(KEY, CONTEXT, new SealKey("n1", new Uint8Array(32)));
  const bytes = fromBase64Url(token)!;
  const mine = fromBase64Url(sealContext(KEY, CONTEXT, SEAL))!;
  bytes.set(mine.subarray(1, 5), 1);
  assert.throws(() => openContext(KEY, toBase64Url(bytes), find), /not as it was given out/);
});

Deno.test("a token is good for its key, though another has the same hash", () => {
  // The hash is no secret, and keys with one hash can be made; so the tag is over the key itself.
  const bytes = fromBase64Url(sealContext(utf8("cart:bob"), CONTEXT, SEAL))!;
  bytes.set(fromBase64Url(sealContext(KEY, CONTEXT, SEAL))!.subarray(5, 13), 5);
  assert.throws(() => openContext(KEY, toBase64Url(bytes), find), /not as it was given out/);
});

Deno.test("a read may carry either kind of token, and a write only the one that replaces", () => {
  const [context, atLeast] = [sealContext, sealAtLeast].map((seal) => seal(KEY, CONTEXT, SEAL));
  assert.deepEqual(openAtLeast(KEY, context!, find), CONTEXT);
  assert.deepEqual(openAtLeast(KEY, atLeast!, find), CONTEXT);
  assert.throws(() => openContext(KEY, atLeast!, find), /a write may not/);
  assert.throws(() => openAtLeast(utf8("cart:bob"), atLeast!, find), /another key/);
});

Deno.test("a token with one bit changed is refused", () => {
  const bytes = fromBase64Url(sealContext(KEY, CONTEXT, SEAL))!;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const torn = bytes.slice();
    torn[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => openAtLeast(KEY, toBase64Url(torn), find), MalformedError);
  }
});

Deno.test("any text is a malformed token", () => {
  const texts = fc.oneof(fc.string(), fc.base64String(), fc.string({ minLength: 9_000 }));
  fc.assert(fc.property(texts, (text) => {
    assert.throws(() => openAtLeast(KEY, text, find), MalformedError);
    try {
      contextIn(KEY, text);
    } catch (error) {
      assert.ok(error instanceof MalformedError);
    }
  }));
});

Deno.test("whatever is given out is taken again: no token is too long, whoever has written the key", () => {
  const arbitrary = fc.record({
    count: fc.constantFrom(0, 1, 60, 270, 280, 1_000, 25_000),
    name: fc.integer({ min: 1, max: 84 }),
    time: fc.constantFrom(1, MAX_TIME),
  });
  fc.assert(
    fc.property(arbitrary, ({ count, name, time }) => {
      const entries = [...Array(count).keys()].map((i): [string, number] => [
        `${"n".repeat(name)}~${i}`,
        time,
      ]);
      const vector: VersionVector = new Map(entries);
      const context: Context = contextOf(vector);
      const token = sealContext(KEY, context, SEAL);
      assert.ok(token.length <= TOKEN_CHARACTERS_MAX);
      assert.deepEqual(openContext(KEY, token, find), {
        hash: context.hash,
        vector: new Map([...context.vector].sort(([a], [b]) => a < b ? -1 : 1)),
      });
    }),
    { numRuns: 30 },
  );
});

Deno.test("tokens are told apart again when they were joined", () => {
  const tokens = [sealContext, sealAtLeast].map((seal) => seal(KEY, CONTEXT, SEAL));
  assert.deepEqual(separateTokens(joinedTokens(tokens)), tokens);
  assert.deepEqual(separateTokens(tokens[0]!), [tokens[0]]);
});

Deno.test("contextIn() reads what nobody has looked at, of its own key", () => {
  const token = sealAtLeast(KEY, CONTEXT, new SealKey("n9", new Uint8Array(32)));
  assert.deepEqual(contextIn(KEY, token), CONTEXT);
  assert.throws(() => contextIn(utf8("cart:bob"), token), /another key/);
});
