import assert from "node:assert/strict";
import fc from "fast-check";
import { encode } from "@msgpack/msgpack";
import { utf8 } from "../../../src/base/bytes.ts";
import type { StoredValue } from "../../../src/crdt/value.ts";
import { bodyOfValue, jsonMembersOf, valueOfBody } from "../../../src/doors/http/value_mapping.ts";
import { DenamoError } from "../../../src/wire/errors.ts";

function isBadRequest(error: unknown): boolean {
  return error instanceof DenamoError && error.code === "bad_request";
}

Deno.test("valueOfBody() takes the kind from the Content-Type, bodyOfValue() gives it back", () => {
  const text = valueOfBody("text/html; charset=UTF-8", utf8("<b>hé</b>"));
  assert.deepEqual(text, { kind: "text", bytes: utf8("<b>hé</b>") });
  assert.equal(bodyOfValue(text).contentType, "text/plain; charset=utf-8");

  const json = valueOfBody("application/json", utf8('{"a": [1, null]}'));
  assert.deepEqual(json, { kind: "msgpack", bytes: encode({ a: [1, null] }) });
  assert.deepEqual(bodyOfValue(json), {
    contentType: "application/json",
    body: utf8('{"a":[1,null]}'),
  });

  const bytes = valueOfBody("image/png", Uint8Array.of(0, 255));
  assert.deepEqual(bytes, { kind: "bytes", bytes: Uint8Array.of(0, 255) });
  assert.equal(bodyOfValue(bytes).contentType, "application/octet-stream");
});

Deno.test("what valueOfBody() made of a body, bodyOfValue() shows as the same body", () => {
  const body = fc.oneof(
    fc.uint8Array().map((bytes) => [null, bytes.slice()] as const),
    fc.string({ unit: "binary" }).map((text) => ["text/plain", utf8(text)] as const),
    fc.json({ maxDepth: 2 }).map((text) =>
      ["application/json", utf8(JSON.stringify(JSON.parse(text)))] as const
    )
      .filter(([, bytes]) => !new TextDecoder().decode(bytes).includes("__proto__")),
  );
  fc.assert(fc.property(body, ([contentType, bytes]) => {
    const shown = bodyOfValue(valueOfBody(contentType, bytes));
    // Numbers may be written in more than one way.
    if (contentType === "application/json") {
      const decoder = new TextDecoder();
      assert.deepEqual(JSON.parse(decoder.decode(shown.body)), JSON.parse(decoder.decode(bytes)));
    } else assert.deepEqual(shown.body, bytes);
    assert.equal(shown.contentType.split(";")[0], contentType ?? "application/octet-stream");
  }));
});

Deno.test("a value of every kind, shown and put again, is the same value", () => {
  const value: fc.Arbitrary<StoredValue> = fc.oneof(
    fc.uint8Array().map((bytes) => ({ kind: "bytes" as const, bytes: bytes.slice() })),
    fc.string().map((text) => ({ kind: "text" as const, bytes: utf8(text) })),
    fc.array(fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant(null)))
      .map((list) => ({ kind: "msgpack" as const, bytes: encode(list).slice() })),
  );
  fc.assert(fc.property(value, (stored) => {
    const { contentType, body } = bodyOfValue(stored);
    assert.deepEqual(valueOfBody(contentType, body), stored);
  }));
});

Deno.test("valueOfBody() knows JSON and text by every name they have", () => {
  const kinds: [string, string][] = [
    ["application/json;charset=utf-8", "msgpack"],
    ["Application/JSON", "msgpack"],
    ["application/problem+json", "msgpack"],
    ["text/csv", "text"],
    ['text/plain; format=flowed; charset="UTF-8"', "text"],
    ["application/x-www-form-urlencoded", "bytes"],
    ["application/msgpack", "bytes"],
    ["application/jsonp", "bytes"],
    ["", "bytes"],
  ];
  for (const [contentType, kind] of kinds) {
    assert.equal(valueOfBody(contentType, utf8("1")).kind, kind, contentType);
  }
});

Deno.test("valueOfBody() refuses what is not what it says", () => {
  assert.throws(() => valueOfBody("text/plain", Uint8Array.of(0xff)), isBadRequest);
  assert.throws(() => valueOfBody("text/plain; charset=latin1", utf8("a")), isBadRequest);
  assert.throws(() => valueOfBody("application/json; charset=utf-16", utf8("1")), isBadRequest);
  assert.throws(
    () => valueOfBody("application/json", Uint8Array.of(0x22, 0xff, 0x22)),
    isBadRequest,
  );
  for (const text of ["", "{", "nope", "1 2", "[1,]"]) {
    assert.throws(() => valueOfBody("application/json", utf8(text)), isBadRequest, text);
  }
});

Deno.test("a MessagePack value without a JSON form is shown as MessagePack", () => {
  // A map with one entry whose key is an empty map.
  const bytes = Uint8Array.of(0x81, 0x80, 0x01);
  const value: StoredValue = { kind: "msgpack", bytes };
  assert.deepEqual(bodyOfValue(value), { contentType: "application/msgpack", body: bytes });
  assert.equal(jsonMembersOf(value), '"type":"application/msgpack","base64":"gYAB"');
});

Deno.test("jsonMembersOf() shows each kind and keeps the digits of large integers", () => {
  const large = valueOfBody("application/json", utf8("[9007199254740993]"));
  assert.equal(jsonMembersOf(large), '"type":"application/json","value":[9007199254740993]');
  assert.equal(
    jsonMembersOf({ kind: "text", bytes: utf8('say "hi"') }),
    '"type":"text/plain; charset=utf-8","value":"say \\"hi\\""',
  );
  assert.equal(
    jsonMembersOf({ kind: "bytes", bytes: Uint8Array.of(255) }),
    '"type":"application/octet-stream","base64":"/w=="',
  );
});

Deno.test("jsonMembersOf() keeps a byte order mark that a text begins with", () => {
  const value: StoredValue = { kind: "text", bytes: utf8("\ufeffa") };
  assert.equal(JSON.parse(`{${jsonMembersOf(value)}}`).value, "\ufeffa");
});
