import assert from "node:assert/strict";
import fc from "fast-check";
import { MalformedError } from "../../src/base/malformed.ts";
import { SEAL_KEYS_MAX, SealKey, SealKeys } from "../../src/causality/seal_key.ts";

function keyOf(maker: string, fill: number): SealKey {
  return new SealKey(maker, new Uint8Array(32).fill(fill));
}

function keysOf(...list: SealKey[]): SealKeys {
  return list.reduce((keys, key) => keys.with(SealKeys.of(key)), SealKeys.none);
}

Deno.test("nodes that know the same keys seal with the same one, in whatever order they came", () => {
  const [a, b, c] = [keyOf("n1", 1), keyOf("n2", 2), keyOf("n3", 3)];
  const keys = keysOf(a, b, c);
  assert.equal(keys.sealing!.id, keysOf(c, b, a).sealing!.id);
  assert.equal(keys.digest, keysOf(b, a, c).digest);
  assert.equal(keys.find(b.id), b);
  assert.equal(keys.with(keysOf(c)), keys, "nothing new is the same");
  assert.equal(SealKeys.none.sealing, undefined);
  assert.equal(SealKeys.none.digest, undefined);
});

Deno.test("a key that is known is never lost, however many are sent, and of a maker one is taken", () => {
  const good = keyOf("n1", 200);
  let keys = keysOf(good);
  for (let i = 0; i < 100; i++) keys = keys.with(keysOf(keyOf("broken", i)));
  assert.equal(keys.list.length, 2);
  for (let i = 0; i < 100; i++) keys = keys.with(keysOf(keyOf(`broken ${i}`, i)));
  assert.equal(keys.list.length, SEAL_KEYS_MAX);
  assert.equal(keys.find(good.id), good);
  assert.equal(keys.with(keysOf(keyOf("n1", 201))), keys, "nor is it replaced by its own maker");
});

const someKeys = fc.uniqueArray(fc.nat(255), { maxLength: SEAL_KEYS_MAX })
  .map((fills) => keysOf(...fills.map((fill) => keyOf(`n${fill}`, fill))));

Deno.test("keys travel as they are, and merging is the same in both orders while there is place", () => {
  fc.assert(fc.property(someKeys, someKeys, (a, b) => {
    assert.deepEqual(SealKeys.decode(a.encoded()).encoded(), a.encoded());
    assert.equal(SealKeys.decode(a.encoded()).digest, a.digest);
    const both = a.with(b);
    assert.ok(both.list.length <= SEAL_KEYS_MAX);
    assert.deepEqual(SealKeys.decode(both.encoded()).encoded(), both.encoded());
    assert.ok((both.digest ?? "").length <= 64, "it fits a heartbeat");
    const union = new Set([...a.list, ...b.list].map(({ id }) => id)).size;
    if (union <= SEAL_KEYS_MAX) assert.deepEqual(b.with(a).encoded(), both.encoded());
  }));
});

Deno.test("bytes that are no keys are malformed, and what is read is written the same", () => {
  const bytes = keysOf(keyOf("n1", 1), keyOf("n2", 2)).encoded();
  for (const torn of [bytes.subarray(1), bytes.subarray(0, -1), new Uint8Array([2, 0])]) {
    assert.throws(() => SealKeys.decode(torn), MalformedError);
  }
  fc.assert(fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
    const changed = bytes.slice();
    changed[at] = value;
    try {
      assert.deepEqual(SealKeys.decode(changed).encoded(), changed);
    } catch (error) {
      assert.ok(error instanceof MalformedError);
    }
  }));
});
