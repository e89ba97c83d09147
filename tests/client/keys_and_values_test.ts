import assert from "node:assert/strict";
import fc from "fast-check";
import { keyBytes, keyOf, storedValue, valueOf } from "../../src/client/keys_and_values.ts";
import { jsonOfMsgpack, msgpackOfJson } from "../../src/doors/msgpack_json.ts";

Deno.test("keys of every form come back as they were", () => {
  for (
    const key of [
      "cart:alice",
      ["users", 42, true, 7n, new Uint8Array([0, 255])],
      new Uint8Array([255, 0]),
    ]
  ) {
    assert.deepEqual(keyOf(keyBytes(key)), key);
  }
});

Deno.test("values come back as they were, bytes untouched and numbers of every size", () => {
  const values = [
    "text",
    new Uint8Array([1, 2]),
    { milk: 2, list: [1, null, true, "x", new Uint8Array([9])] },
    Date.UTC(2026, 0),
    2 ** 53 - 1,
    -1.5,
    123456789012345678n,
    new Date(1_700_000_000_123),
    null,
  ];
  for (const value of values) assert.deepEqual(valueOf(storedValue(value)), value);
});

Deno.test("storedValue() keeps its own copy, and refuses what MessagePack cannot hold", () => {
  const bytes = new Uint8Array([1]);
  const stored = storedValue(bytes);
  bytes[0] = 2;
  assert.deepEqual(valueOf(stored), new Uint8Array([1]));
  assert.throws(() => storedValue(() => 1), TypeError);
});

Deno.test("what HTTP stores from JSON a program reads as the same value, and the other way round", () => {
  const json = fc.jsonValue({ noUnicodeString: false } as object);
  fc.assert(fc.property(json, (value) => {
    const text = JSON.stringify(value);
    // Integers beyond 2^53 keep their digits as bigint, which JSON.stringify cannot show.
    if (/__proto__|\d{16}/.test(text)) return;
    const bytes = msgpackOfJson(text);
    assert.deepEqual(
      JSON.parse(JSON.stringify(valueOf({ kind: "msgpack", bytes }))),
      JSON.parse(text),
    );
    const stored = storedValue(value);
    if (stored.kind === "msgpack") {
      // −0 is kept, where JSON.stringify would have said 0.
      const shown = JSON.stringify(JSON.parse(jsonOfMsgpack(stored.bytes)));
      assert.deepEqual(JSON.parse(shown), JSON.parse(text));
    }
  }));
  assert.equal(
    valueOf({ kind: "msgpack", bytes: msgpackOfJson("1700000000000") }),
    1_700_000_000_000,
  );
});

Deno.test("texts that differ in a lone surrogate only are no keys, values or elements", () => {
  assert.throws(() => keyBytes("a\ud800"), TypeError);
  assert.throws(() => keyBytes(["a", "b\udfff"]), TypeError);
  assert.throws(() => storedValue("a\ud800"), TypeError);
  assert.throws(() => storedValue({ a: "\ud800" }), /value\.a is a text with a lone surrogate/);
});
