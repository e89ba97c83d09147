import assert from "node:assert/strict";
import fc from "fast-check";
import {
  binaryString,
  compareBytes,
  concatBytes,
  equalBytes,
  fromBase64Url,
  fromBinaryString,
  prefixEnd,
  showBytes,
  startsWithBytes,
  strictUtf8Text,
  toBase64Url,
  utf8,
} from "../../src/base/bytes.ts";

Deno.test("binary strings and base64url give back every byte", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 10_000, size: "max" }), (bytes) => {
      assert.deepEqual(fromBinaryString(binaryString(bytes)), new Uint8Array(bytes));
      assert.deepEqual(fromBase64Url(toBase64Url(bytes)), new Uint8Array(bytes));
    }),
    { numRuns: 50 },
  );
  assert.equal(fromBase64Url("not base64!"), undefined);
});

Deno.test("compareBytes() orders as binary strings do", () => {
  fc.assert(fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
    const [x, y] = [binaryString(a), binaryString(b)];
    assert.equal(Math.sign(compareBytes(a, b)), x < y ? -1 : x > y ? 1 : 0);
    assert.equal(equalBytes(a, b), x === y);
    assert.equal(startsWithBytes(a, b), x.startsWith(y));
    assert.equal(binaryString(concatBytes([a, b])), x + y);
  }));
});

Deno.test("prefixEnd() lies above everything that begins so, and above nothing else", () => {
  const bytes = fc.uint8Array({ maxLength: 4 });
  fc.assert(fc.property(bytes, bytes, (prefix, other) => {
    const end = prefixEnd(prefix);
    const isBelow = end === undefined || compareBytes(other, end) < 0;
    const isInside = compareBytes(other, prefix) >= 0 && isBelow;
    assert.equal(isInside, startsWithBytes(other, prefix));
  }));
});

Deno.test("showBytes() shows text as it is, other bytes in hexadecimal, and never much", () => {
  assert.equal(showBytes(utf8("cart:älice")), "cart:älice");
  assert.equal(showBytes(new Uint8Array([0xff, 0])), "ff00");
  assert.equal(showBytes(utf8("line\nbreak")).includes("\n"), false);
  assert.equal(showBytes(utf8("x".repeat(500))).length, 64);
});

Deno.test("strictUtf8Text() reads what is UTF-8, a byte order mark too, and nothing else", () => {
  assert.equal(strictUtf8Text(utf8("\ufeffgrüße")), "\ufeffgrüße");
  assert.equal(strictUtf8Text(new Uint8Array([0xc3])), undefined);
});
