import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import { decodeObject, encodeObject } from "../../src/crdt/object_codec.ts";
import { copies } from "./arbitrary_copies.ts";

Deno.test("decodeObject() gives back what encodeObject() was given", () => {
  const value = { kind: "text", bytes: utf8("hello") } as const;
  const object = DataObject.empty.write({ actor: "n1~x", time: 7 }, value, new Map(), 99);
  const decoded = decodeObject(encodeObject(object));
  assert.deepEqual(decoded.opaque.entries, object.opaque.entries);
  assert.deepEqual(decoded.expiry.entries, object.expiry.entries);
});

Deno.test("every object has one encoding", () => {
  fc.assert(fc.property(copies, ([a, b]) => {
    for (const object of [a, b, a.merge(b), a.skeleton()]) {
      const decoded = decodeObject(object.encoded().slice());
      assert.deepEqual(decoded.opaque.entries, object.opaque.entries);
      assert.deepEqual(decoded.expiry.entries, object.expiry.entries);
      assert.deepEqual(encodeObject(decoded), object.encoded());
    }
  }));
});

Deno.test("whatever decodes is the encoding of what it decodes to", () => {
  const hostile = fc.tuple(copies, fc.nat(), fc.nat(255)).map(([[object], at, byte]) => {
    const bytes = object.encoded().slice();
    bytes[at % bytes.length] = byte;
    return bytes;
  });
  const garbage = fc.uint8Array({ maxLength: 60 }).map((bytes) => new Uint8Array(bytes));
  fc.assert(
    fc.property(fc.oneof(hostile, garbage), (bytes) => {
      let object: DataObject;
      try {
        object = decodeObject(bytes);
      } catch (error) {
        assert.ok(error instanceof MalformedError, String(error));
        return;
      }
      assert.deepEqual(encodeObject(object), bytes);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("an actor that no slot names is refused, as no object is encoded so", () => {
  const bytes = new Uint8Array([
    1,
    1,
    16,
    110,
    48,
    126,
    97,
    99,
    116,
    111,
    114,
    1,
    1,
    6,
    1,
    0,
    0,
    1,
    1,
  ]);
  assert.throws(() => decodeObject(new Uint8Array([...bytes, 0])), MalformedError);
  const idle = new Uint8Array([1, 1, 4, 110, 49, 126, 97, 0]);
  assert.throws(() => decodeObject(idle), /an actor has no entry/);
});

Deno.test("a slot of an unknown type is refused, not dropped", () => {
  const bytes = new Uint8Array([1, 0, 1, 9, 0]);
  assert.throws(() => decodeObject(bytes), /slot type 9 is unknown/);
});
