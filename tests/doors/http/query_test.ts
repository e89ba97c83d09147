import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../../src/base/bytes.ts";
import { percentEncode } from "../../../src/doors/http/key_path.ts";
import {
  flagParameter,
  integerParameter,
  keyBytesParameter,
  quorumParameter,
  readQuery,
  wordParameter,
} from "../../../src/doors/http/query.ts";
import { DenamoError } from "../../../src/wire/errors.ts";

const known = {
  r: quorumParameter("A quorum."),
  strict: flagParameter("A flag."),
  limit: integerParameter("A number.", { min: 1, max: 1000, example: 5 }),
  order: wordParameter("A word.", ["all", "latest"], "all"),
  prefix: keyBytesParameter("Bytes.", "a", 0),
};

Deno.test("readQuery() reads each parameter as what it is", () => {
  const query = "r=2&strict=true&limit=10&order=latest&prefix=a%2Fb+c";
  assert.deepEqual(readQuery(query, known), {
    r: 2,
    strict: true,
    limit: 10,
    order: "latest",
    prefix: utf8("a/b c"),
  });
  assert.deepEqual(readQuery("", known), {});
  assert.deepEqual(readQuery("r=all&strict=false&", known), { r: "all", strict: false });
});

Deno.test("readQuery() gives back any bytes of a prefix", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (prefix) => {
    const values = readQuery(`prefix=${percentEncode(prefix)}`, known);
    assert.deepEqual(values.prefix, prefix.slice());
  }));
});

Deno.test("readQuery() reads what URLSearchParams writes", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 20 }), (prefix) => {
    const values = readQuery(new URLSearchParams({ prefix }).toString(), known);
    assert.deepEqual(values.prefix, utf8(prefix));
  }));
});

Deno.test("readQuery() refuses by name what is unknown, repeated or malformed", () => {
  const refused: [query: string, parameter: string][] = [
    ["strit=true", "strit"],
    ["toString=1", "toString"],
    ["__proto__=1", "__proto__"],
    ["limit=5&limit=5", "limit"],
    ["limit=", "limit"],
    ["limit", "limit"],
    ["limit=0", "limit"],
    ["limit=1001", "limit"],
    ["limit=-1", "limit"],
    ["limit=1.5", "limit"],
    ["limit=1e2", "limit"],
    ["limit=0x10", "limit"],
    ["limit=+5", "limit"],
    ["limit=99999999999999999999", "limit"],
    ["strict=yes", "strict"],
    ["strict", "strict"],
    ["r=most", "r"],
    ["r=0", "r"],
    ["order=first", "order"],
    [`prefix=${"a".repeat(1025)}`, "prefix"],
  ];
  for (const [query, parameter] of refused) {
    assert.throws(
      () => readQuery(query, known),
      (error) =>
        error instanceof DenamoError && error.code === "bad_request" &&
        error.details["parameter"] === parameter && error.message.includes(`"${parameter}"`),
      query,
    );
  }
});

Deno.test("readQuery() refuses a broken escape and names its parameter", () => {
  assert.throws(() => readQuery("prefix=%f", known), /query parameter "prefix"/);
});
