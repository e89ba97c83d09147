import assert from "node:assert/strict";
import fc from "fast-check";
import { MalformedError } from "../../src/base/malformed.ts";
import {
  CONTEXT_BYTES_MAX,
  contextOf,
  decodeContext,
  encodeContext,
  isContextOf,
} from "../../src/causality/context.ts";
import { MAX_TIME } from "../../src/causality/dot.ts";
import type { VersionVector } from "../../src/causality/version_vector.ts";

const times = fc.oneof(fc.constantFrom(0, 1, 127, 128, MAX_TIME - 1, MAX_TIME), fc.nat(MAX_TIME));
const actors = fc.oneof(
  fc.string({ minLength: 1, maxLength: 20 }),
  fc.constantFrom("é".repeat(48), "n".repeat(96), "€".repeat(32)),
);
const vectors = fc.array(fc.tuple(actors, times)).map((entries): VersionVector =>
  new Map(entries.map(([actor, time]) => [actor.toWellFormed(), time]))
);

function sorted(vector: VersionVector): [string, number][] {
  return [...vector].sort(([a], [b]) => a < b ? -1 : 1);
}

/** A vector of so many actors with names of `nameLength` characters. */
function many(count: number, nameLength = 2, from = 1): VersionVector {
  const name = "n".repeat(nameLength);
  return new Map([...Array(count).keys()].map((i) => [`${name}~${i}`.padEnd(14, "x"), from + i]));
}

Deno.test("a context comes back as it was, with numbers at their edges, and equal ones are equal bytes", () => {
  fc.assert(fc.property(vectors, (vector) => {
    const bytes = encodeContext(contextOf(vector));
    assert.deepEqual(encodeContext(contextOf(new Map([...vector].reverse()))), bytes);
    const read = decodeContext(bytes);
    assert.deepEqual(encodeContext(read), bytes);
    if (read.hash === undefined) assert.deepEqual(sorted(read.vector), sorted(vector));
  }));
});

Deno.test("bytes are a context or malformed, and what is read is written the same", () => {
  const bytes = encodeContext(contextOf(new Map([["n1~a", 7], ["n2~b", MAX_TIME]])));
  const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)).map(([at, value]) => {
    const changed = bytes.slice();
    changed[at] = value;
    return changed;
  });
  fc.assert(fc.property(fc.oneof(change, fc.uint8Array()), (bytes) => {
    try {
      assert.deepEqual(encodeContext(decodeContext(bytes)), bytes);
    } catch (error) {
      assert.ok(error instanceof MalformedError);
    }
  }));
});

Deno.test("a vector that is too long is told by its hash and by the latest that fit", () => {
  for (const nameLength of [2, 64, 84]) {
    const vector = many(30_000, nameLength);
    const context = contextOf(vector);
    const { length } = encodeContext(context);
    assert.ok(length <= CONTEXT_BYTES_MAX && length > CONTEXT_BYTES_MAX - 130, `${length} bytes`);
    const left = Math.min(...context.vector.values());
    const cut = [...vector].filter(([actor]) => !context.vector.has(actor));
    assert.ok(cut.every(([, time]) => time < left), "what is left out is older");
    assert.ok(isContextOf(context, vector));
    assert.ok(isContextOf(decodeContext(encodeContext(context)), new Map([...vector].reverse())));
    assert.ok(!isContextOf(context, new Map(vector).set("n9~late", 30_001)));
    assert.ok(!isContextOf(context, context.vector));
  }
});

Deno.test("the context that just fits is whole, and one more actor makes it too long", () => {
  let count = 0;
  while (contextOf(many(count + 1)).hash === undefined) count++;
  assert.equal(contextOf(many(count)).vector.size, count);
  assert.ok(encodeContext(contextOf(many(count))).length <= CONTEXT_BYTES_MAX);
  assert.ok(count > 250, `${count} actors`);
  assert.ok(!isContextOf(contextOf(many(count)), many(count)), "it needs no hash");
});
