import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import { Mac, strongHash, TAG_BYTES } from "../../src/base/mac.ts";

Deno.test("a tag is HMAC-SHA-256, cut (RFC 4231, test case 2)", () => {
  const tag = new Mac(utf8("Jefe")).tag(utf8("what do ya want "), utf8("for nothing?"));
  assert.equal(tag.toHex(), "5bdcc146bf60754e6a042426089575c7");
});

Deno.test("tags are those of another implementation, one after the other", () => {
  fc.assert(fc.property(fc.uint8Array(), fc.array(fc.uint8Array()), (secret, parts) => {
    const mac = new Mac(secret);
    const other = createHmac("sha256", secret).update(concatBytes(parts)).digest();
    assert.deepEqual([...mac.tag(...parts)], [...other.subarray(0, TAG_BYTES)]);
    assert.ok(mac.isRight(mac.tag(...parts), ...parts));
  }));
});

Deno.test("a tag that differs in one bit, is shorter or longer, or of another secret, is wrong", () => {
  const [mac, bytes] = [new Mac(utf8("secret")), utf8("cart")];
  const tag = mac.tag(bytes);
  for (let bit = 0; bit < 8 * TAG_BYTES; bit++) {
    const torn = tag.slice();
    torn[bit >> 3]! ^= 1 << (bit & 7);
    assert.ok(!mac.isRight(torn, bytes));
  }
  assert.ok(!mac.isRight(tag.subarray(1), bytes) && !mac.isRight(new Uint8Array(0), bytes));
  assert.ok(!mac.isRight(concatBytes([tag, new Uint8Array(1)]), bytes));
  assert.ok(!new Mac(utf8("other")).isRight(tag, bytes));
});

Deno.test("strongHash() is the beginning of SHA-256", () => {
  assert.equal(strongHash(utf8("abc")).toHex(), "ba7816bf8f01cfea414140de5dae2223");
});
