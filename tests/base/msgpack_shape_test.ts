import assert from "node:assert/strict";
import { Decoder, Encoder } from "@msgpack/msgpack";
import fc from "fast-check";
import { MalformedError } from "../../src/base/malformed.ts";
import { checkMsgpack, type MsgpackBounds } from "../../src/base/msgpack_shape.ts";

const BOUNDS: MsgpackBounds = { depth: 4, elementCount: 100, hasStrictTexts: true };

function isAccepted(bytes: Uint8Array, bounds: Partial<MsgpackBounds> = {}): boolean {
  try {
    checkMsgpack(bytes, { ...BOUNDS, ...bounds }, "sample");
    return true;
  } catch (error) {
    assert.ok(error instanceof MalformedError, String(error));
    return false;
  }
}

const encode = (value: unknown) => new Encoder({ useBigInt64: true }).encode(value);

Deno.test("what an encoder writes is accepted, whatever the sizes of its lengths", () => {
  const values = [
    ...[null, true, false, 0, -1, -33, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32, -(2 ** 31)],
    ...[1.5, Math.fround(0.1), 2n ** 63n, -(2n ** 62n), "", "ä", "x".repeat(40), "x".repeat(300)],
    ...["x".repeat(70_000), new Uint8Array(3), new Uint8Array(300), new Uint8Array(70_000)],
    ...[[], {}, [1, [2, [3]]], { a: { b: [] } }, Array(20).fill(0), new Date(0), new Date(1.5e12)],
  ];
  for (const value of values) assert.ok(isAccepted(encode(value)), String(value).slice(0, 40));
  assert.ok(isAccepted(encode(Array(70_000).fill(1)), { elementCount: 70_000 }));
});

Deno.test("it accepts exactly what a decoder of any depth reads, and ends as early", () => {
  const decoder = new Decoder({ mapKeyConverter: String as (key: unknown) => string });
  const bounds = { depth: 100, elementCount: 1_000, hasStrictTexts: false };
  const torn = fc.tuple(fc.jsonValue(), fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
    const bytes = encode(value);
    bytes[at % bytes.length] = byte;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 30 }), torn), (bytes) => {
      let isRead = true;
      try {
        decoder.decode(bytes);
      } catch (error) {
        // Whether a value has a meaning is not a question of its shape.
        if (!/Insufficient|Extra|Offset|range|bounds|Unrecognized type byte/.test(String(error))) {
          return;
        }
        isRead = false;
      }
      assert.equal(isAccepted(bytes, bounds), isRead, bytes.toHex());
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("a count that no bytes stand behind is refused, in whatever depth", () => {
  const counts = ["dc0002c0", "dd00000002c0", "81c0", "de0001c0", "df00000001c0", "91dd7fffffff"];
  for (const hex of counts) assert.equal(isAccepted(Uint8Array.fromHex(hex)), false, hex);
  for (
    const hex of ["a2ff", "d9", "d902ff", "c402ff", "c60000000200", "d4", "c70105", "c1", "cb00"]
  ) {
    assert.equal(isAccepted(Uint8Array.fromHex(hex)), false, hex);
  }
});

Deno.test("depth and elements have bounds, and each bound is reached exactly", () => {
  const nested = (depth: number) => Uint8Array.from([...Array(depth - 1).fill(0x91), 0x90]);
  assert.ok(isAccepted(nested(4)));
  assert.equal(isAccepted(nested(5)), false);
  assert.ok(isAccepted(encode(Array(100).fill(0))));
  assert.equal(isAccepted(encode(Array(101).fill(0))), false);
  assert.ok(isAccepted(encode([Array(49).fill(0), Array(49).fill(0)])));
  assert.equal(isAccepted(encode([Array(50).fill(0), Array(49).fill(0)])), false);
});

Deno.test("a text must be UTF-8 if it is asked for: else two texts of bytes are read as one", () => {
  for (const hex of ["a1ff", "a2c080", "a3eda080", "81a1ffc0"]) {
    assert.equal(isAccepted(Uint8Array.fromHex(hex)), false, hex);
    assert.ok(isAccepted(Uint8Array.fromHex(hex), { hasStrictTexts: false }), hex);
  }
});
