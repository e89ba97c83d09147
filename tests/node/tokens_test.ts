import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { type Context, contextOf } from "../../src/causality/context.ts";
import { joinedTokens, sealContext } from "../../src/causality/context_token.ts";
import { SealKey } from "../../src/causality/seal_key.ts";
import { Tokens } from "../../src/node/tokens.ts";
import { LIMITS } from "../../src/wire/limits.ts";

const KEY = utf8("cart");
const SEAL = new SealKey("n1", new Uint8Array(32).fill(1));
const CONTEXT: Context = contextOf(new Map([["n1~a", 7]]));

function tokensOf(...known: SealKey[]): Tokens {
  return new Tokens({
    sealing: SEAL,
    areShared: known.length > 0,
    find: (id) => known.find((key) => key.id === id),
  });
}

Deno.test("what is given out is what is taken, and nothing is asked for that was not given", () => {
  const tokens = tokensOf(SEAL);
  assert.deepEqual(tokens.context(KEY, tokens.ofContext(KEY, CONTEXT)), CONTEXT);
  assert.equal(tokens.context(KEY, undefined), undefined);
  assert.deepEqual(tokens.atLeast(KEY, undefined), []);
});

Deno.test("a write that left what its client was not shown gives a token for reads alone", () => {
  const tokens = tokensOf(SEAL);
  const shown = tokens.ofWrite(KEY, { isShown: true, seen: () => CONTEXT });
  assert.deepEqual(tokens.context(KEY, shown.context()), CONTEXT);
  assert.equal(shown.atLeast(), shown.context());
  const hidden = tokens.ofWrite(KEY, { isShown: false, seen: () => CONTEXT });
  assert.equal(hidden.context(), undefined);
  assert.deepEqual(tokens.atLeast(KEY, hidden.atLeast()), [CONTEXT]);
  assert.throws(() => tokens.context(KEY, hidden.atLeast()), { code: "bad_context" });
  const nothing = tokens.ofWrite(KEY, { isShown: false, seen: () => undefined });
  assert.deepEqual([nothing.context(), nothing.atLeast()], [undefined, undefined]);
});

Deno.test("a token is made when somebody asks for it", () => {
  let asked = 0;
  const seen = () => {
    asked++;
    return CONTEXT;
  };
  const written = tokensOf(SEAL).ofWrite(KEY, { isShown: true, seen });
  assert.equal(asked, 0);
  written.context();
  assert.equal(asked, 1);
});

Deno.test("a read may carry several tokens, and no more than it may be asked for between nodes", () => {
  const tokens = tokensOf(SEAL);
  const token = tokens.ofContext(KEY, CONTEXT);
  const most = LIMITS.contextsOfReadCount;
  assert.equal(tokens.atLeast(KEY, joinedTokens(Array(most).fill(token))).length, most);
  for (const wrong of [joinedTokens(Array(most + 1).fill(token)), `${token},`, `${token},x`, ","]) {
    assert.throws(() => tokens.atLeast(KEY, wrong), { code: "bad_context", outcome: "no" });
  }
});

Deno.test("a token that is too long says by how much", () => {
  const details = { limit: LIMITS.contextToken, size: LIMITS.contextToken + 1 };
  const long = "x".repeat(LIMITS.contextToken + 1);
  assert.throws(() => tokensOf(SEAL).context(KEY, long), { code: "bad_context", details });
});

Deno.test("a node without a key of the cluster is not ready to judge what others have sealed", () => {
  const other = new SealKey("n2", new Uint8Array(32).fill(2));
  const token = sealContext(KEY, CONTEXT, other);
  assert.throws(() => tokensOf().context(KEY, token), { code: "not_ready", outcome: "no" });
  assert.throws(() => tokensOf(SEAL).context(KEY, token), { code: "bad_context" });
  assert.throws(() => tokensOf().context(KEY, "nonsense"), { code: "bad_context" });
});
