import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeValue, encodeValue, VALUE_DEPTH_MAX } from "../../src/base/msgpack_value.ts";

const there = (value: unknown) => decodeValue(encodeValue(value));

Deno.test("what Deno KV keeps comes back as it was", () => {
  const values: unknown[] = [
    new Map<unknown, unknown>([["a", 1], [2, new Set([1n, "x"])], [new Date(5), undefined]]),
    new Set(["a", new Map([["b", [1, 2]]])]),
    { deep: { list: [undefined, null, -0, NaN, Infinity] } },
    2n ** 64n,
    -(2n ** 63n) - 1n,
    10n ** 400n,
    new Float64Array([1.5, -0]),
    new Int16Array([1, -2]),
    new BigUint64Array([2n ** 64n - 1n]),
    new Uint8ClampedArray([1, 2]),
    new Uint8Array([1, 2]).buffer,
    new DataView(new Uint8Array([1, 2]).buffer),
    /a+\/b/giu,
    new Date(-1),
    undefined,
    -0,
  ];
  for (const value of values) assert.deepStrictEqual(there(value), value);
});

Deno.test("views into a larger buffer keep what they show, and no more", () => {
  const buffer = new Uint8Array([9, 1, 0, 2, 0, 9]).buffer;
  const read = there({ view: new Uint16Array(buffer.slice(1, 5)) }) as { view: Uint16Array };
  assert.deepStrictEqual(read.view, new Uint16Array([1, 2]));
  assert.equal(read.view.buffer.byteLength, 4);
});

Deno.test("errors come back with their class, message, stack and cause", () => {
  const error = new RangeError("too far", { cause: new Error("because") });
  const read = there(error) as RangeError;
  assert.ok(read instanceof RangeError);
  assert.equal(read.message, "too far");
  assert.equal(read.stack, error.stack);
  assert.equal((read.cause as Error).message, "because");
  class Own extends Error {
    override name = "OwnError";
  }
  assert.equal((there(new Own("x")) as Error).name, "OwnError");
});

Deno.test("what cannot be kept is refused with the path to it", () => {
  const ring: Record<string, unknown> = {};
  ring.list = [ring];
  const holes = [1, 2];
  delete holes[0];
  let deep: unknown = 1;
  for (let i = 0; i <= VALUE_DEPTH_MAX; i++) deep = [deep];
  class Point {
    x = 1;
  }
  const cases: [unknown, RegExp][] = [
    [{ a: [1, () => 1] }, /value\.a\[1\] is a function$/],
    [{ "b c": Symbol("s") }, /value\["b c"\] is a symbol$/],
    [new Map([["k", new URL("http://x/")]]), /value\.get\("k"\) is of class URL$/],
    [{ p: new Point() }, /value\.p is of class Point$/],
    [{ n: Object(1) }, /value\.n is of class Number$/],
    [
      JSON.parse('{"a":{"__proto__":1}}'),
      /value\.a\.__proto__ is under a name that readers refuse$/,
    ],
    ["a\ud800", /value is a text with a lone surrogate$/],
    [{ "a\udfff": 1 }, /lone surrogate$/],
    [ring, /value\.list\[0\] is a ring/],
    [holes, /value is a list with holes/],
    [new Set([Promise.resolve()]), /value\.element\(0\) is of class Promise$/],
    [new WeakMap(), /value is of class WeakMap$/],
    [{ d: new Date(NaN) }, /value\.d is an invalid Date$/],
    [{ [Symbol.iterator]: 1 }, /value is keyed by a symbol$/],
    [deep, /nested deeper than 100 levels$/],
  ];
  for (const [value, message] of cases) {
    assert.throws(() => encodeValue(value), { name: "TypeError", message });
  }
});

Deno.test("anything that structured clone keeps comes back, or is refused", () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withNullPrototype: false,
    withSparseArray: true,
    withBoxedValues: true,
  });
  fc.assert(
    fc.property(anything, (value) => {
      let bytes: Uint8Array;
      try {
        bytes = encodeValue(value);
      } catch (error) {
        assert.ok(
          error instanceof TypeError && /^Cannot store this value: value/.test(error.message),
        );
        return;
      }
      assert.deepStrictEqual(decodeValue(bytes), value);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("altered bytes are refused or give some value, and never anything else", () => {
  const sample = encodeValue([
    new Map([[1, /a/g]]),
    new Set([2n ** 70n]),
    new Error("x"),
    new Int32Array(2),
  ]);
  fc.assert(
    fc.property(fc.nat(sample.length - 1), fc.nat(255), (at, byte) => {
      const altered = sample.slice();
      altered[at] = byte;
      try {
        decodeValue(altered);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("extensions that claim more than is there, or lie in one another without end, are refused at once", () => {
  // A Set whose list claims four thousand million elements.
  const claim = Uint8Array.of(0xc7, 5, 3, 0xdd, 0xff, 0xff, 0xff, 0xff);
  assert.throws(() => decodeValue(claim));
  // A Set in a Set in a Set …
  let deep: Uint8Array = Uint8Array.of(0xc0);
  for (let i = 0; i < 300; i++) {
    const list = Uint8Array.of(0x91, ...deep);
    deep = Uint8Array.of(0xc8, list.length >> 8, list.length & 255, 3, ...list);
  }
  assert.throws(() => decodeValue(deep), /nested too deep/);
  assert.equal(decodeValue(Uint8Array.of(7)), 7, "and what comes next is read");
});
