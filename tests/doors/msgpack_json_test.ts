import assert from "node:assert/strict";
import { encode, ExtData } from "@msgpack/msgpack";
import fc from "fast-check";
import { decodeValue, encodeValue } from "../../src/base/msgpack_value.ts";
import { jsonOfMsgpack, msgpackOfJson } from "../../src/doors/msgpack_json.ts";
import { DenamoError } from "../../src/wire/errors.ts";

Deno.test("a value that came as JSON is shown as the same JSON", () => {
  const text = '{"name":"Ä","list":[1,-2.5,true,null,{"deep":[]}],"":""}';
  assert.equal(jsonOfMsgpack(msgpackOfJson(text)), text);
});

Deno.test("every JSON value survives", () => {
  // Names that are integers change their place in objects of JavaScript, so compare the values.
  fc.assert(fc.property(fc.jsonValue({ depthSize: "small" }), (value) => {
    const text = JSON.stringify(value);
    if (/__proto__|\\ud[89a-f]/.test(text)) return;
    const shown = jsonOfMsgpack(msgpackOfJson(text));
    assert.deepEqual(JSON.parse(shown), JSON.parse(text));
  }));
});

Deno.test("integers of 64 bits keep their digits", () => {
  for (const digits of ["9007199254740993", "18446744073709551615", "-9223372036854775808"]) {
    assert.equal(jsonOfMsgpack(msgpackOfJson(`[${digits}]`)), `[${digits}]`);
  }
  const text = '{"eggs":1800000000000}';
  assert.deepEqual(decodeValue(msgpackOfJson(text)), { eggs: 1_800_000_000_000 });
  const digits = "-123456789012345678901234567890";
  assert.equal(jsonOfMsgpack(msgpackOfJson(`{"a":${digits}}`)), `{"a":${digits}}`);
  assert.equal(jsonOfMsgpack(encode(2n ** 60n, { useBigInt64: true })), "1152921504606846976");
});

Deno.test("what JSON cannot say has one form each", () => {
  assert.equal(jsonOfMsgpack(encode([NaN, Infinity, -Infinity])), '["NaN","Infinity","-Infinity"]');
  assert.equal(jsonOfMsgpack(encode({ bytes: new Uint8Array([255, 0]) })), '{"bytes":"/wA="}');
  assert.equal(jsonOfMsgpack(encode(new Date(1500))), '"1970-01-01T00:00:01.500Z"');
  const extension = new ExtData(99, new Uint8Array([1]));
  assert.equal(jsonOfMsgpack(encode(extension)), '{"ext":99,"base64":"AQ=="}');
  // {1: nil, true: nil}
  const numbered = new Uint8Array([0x82, 1, 0xc0, 0xc3, 0xc0]);
  assert.equal(jsonOfMsgpack(numbered), '{"1":null,"true":null}');
});

Deno.test("what a program stores has one form each too", () => {
  const value = {
    map: new Map<unknown, unknown>([["a", 1n], [2, undefined]]),
    set: new Set(["x"]),
    zero: -0,
    list: new Int16Array([1, -1]),
    pattern: /a/g,
    error: new TypeError("no"),
    buffer: new ArrayBuffer(1),
  };
  assert.equal(
    jsonOfMsgpack(encodeValue(value)),
    '{"map":[["a",1],[2,null]],"set":["x"],"zero":-0,"list":[1,-1],"pattern":"/a/g",' +
      '"error":{"name":"TypeError","message":"no"},"buffer":"AA=="}',
  );
});

Deno.test("what would not come back the same is refused with the path to it, or kept", () => {
  const refused = (text: string, message: RegExp) => {
    assert.throws(() => msgpackOfJson(text), (error: DenamoError) => {
      assert.equal(error.code, "bad_request");
      assert.match(error.message, message);
      return true;
    });
  };
  refused('{"a":[1,1e400]}', /value\.a\[1\] is of class NumberBeyondDouble/);
  refused('"\\ud800"', /value is a text with a lone surrogate/);
  refused('{"a":{"\\udfff":1}}', /lone surrogate/);
  assert.equal(jsonOfMsgpack(msgpackOfJson("[-0,-0.0,0]")), "[-0,-0,0]");
});

Deno.test("what is no JSON is a bad request", () => {
  const deep = "[".repeat(200) + "]".repeat(200);
  const deeper = "[".repeat(200_000) + "]".repeat(200_000);
  for (const text of ["", "{", "nul", '{"__proto__":1}', '{"\\u005f_proto__":1}', deep, deeper]) {
    assert.throws(() => msgpackOfJson(text), is("bad_request"), text.slice(0, 20));
  }
});

Deno.test("what is no MessagePack value or has no JSON form is unsupported", () => {
  const nested = new Uint8Array(400_000).fill(0x91);
  nested[nested.length - 1] = 0xc0;
  const cases = [
    new Uint8Array(),
    new Uint8Array([0x91]),
    new Uint8Array([0xc0, 0xc0]),
    new Uint8Array([0xc1]),
    new Uint8Array([0x81, 0x90, 0xc0]),
    nested,
  ];
  for (const bytes of cases) {
    assert.throws(() => jsonOfMsgpack(bytes), is("unsupported"), bytes.subarray(0, 4).toHex());
  }
});

function is(code: string): (error: unknown) => boolean {
  return (error) => error instanceof DenamoError && error.code === code && error.outcome === "no";
}
