import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { compareBytes, startsWithBytes, utf8 } from "../../src/base/bytes.ts";
import {
  decodeKvKey,
  encodedKvKeyBytes,
  encodeKvKey,
  isBelowPrefix,
  keyFromParts,
  KV_KEY_MARKER,
  type KvKeyPart,
  partsFromKey,
  prefixFromParts,
} from "../../src/base/kv_key.ts";
import { MalformedError } from "../../src/base/malformed.ts";

const wellFormedText = fc.string({ unit: "binary", maxLength: 6 });
const smallBytes = fc.uint8Array({ maxLength: 6 });
const part: fc.Arbitrary<KvKeyPart> = fc.oneof(
  smallBytes,
  wellFormedText,
  fc.constantFrom("", "\0", "a\0b", "\ufeffa"),
  fc.double(),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity),
  fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }),
  fc.integer().map(BigInt),
  fc.boolean(),
);
const parts = fc.array(part, { minLength: 1, maxLength: 4 });

Deno.test("keyFromParts() makes a key that partsFromKey() reads", () => {
  const key = keyFromParts(["cart", "alice", 7]);
  assert.equal(key[0], KV_KEY_MARKER);
  assert.deepEqual(partsFromKey(key), ["cart", "alice", 7]);
  assert.equal(partsFromKey(utf8("cart:alice")), undefined);
});

Deno.test("decodeKvKey() returns what encodeKvKey() was given", () => {
  fc.assert(fc.property(parts, (parts) => {
    assert.deepEqual(decodeKvKey(encodeKvKey(parts)), parts);
  }));
});

Deno.test("encodeKvKey() writes the bytes that Deno KV stores", async () => {
  const path = await Deno.makeTempFile({ suffix: ".db" });
  await Deno.remove(path);
  const keys: KvKeyPart[][] = [
    ["a", 1],
    ["", "\0", "a\0b\0", "ÿ€𝄞", "\ufeff"],
    [new Uint8Array([0, 255, 0, 1]), new Uint8Array()],
    [0, -0, NaN, Infinity, -Infinity, -1.5, 2 ** 60, Number.MIN_VALUE],
    [0n, 1n, -1n, 255n, 256n, -256n, 2n ** 64n - 1n, -(2n ** 64n) + 1n],
    [2n ** 64n, -(2n ** 64n), 2n ** 2039n, -(2n ** 2040n) + 1n],
    [true, false],
  ];
  try {
    const kv = await Deno.openKv(path);
    for (const key of keys) await kv.set(key, 1);
    kv.close();
    using database = new DatabaseSync(path, { readOnly: true });
    const stored = database.prepare("select hex(k) as hex from kv order by k").all();
    const ours = keys.map(encodeKvKey).sort(compareBytes).map((bytes) => bytes.toHex());
    assert.deepEqual(stored.map(({ hex }) => String(hex).toLowerCase()), ours);
  } finally {
    await Deno.remove(path);
    for (const suffix of ["-wal", "-shm"]) await Deno.remove(path + suffix).catch(() => {});
  }
});

Deno.test("encodings sort as Deno KV lists the arrays", async () => {
  const sample = fc.uniqueArray(parts, {
    minLength: 2,
    maxLength: 20,
    selector: (parts) => encodeKvKey(parts).toHex(),
  });
  await fc.assert(
    fc.asyncProperty(sample, async (keys) => {
      const kv = await Deno.openKv(":memory:");
      try {
        const batch = kv.atomic();
        for (const key of keys) batch.set(key, encodeKvKey(key).toHex());
        await batch.commit();
        const listed: string[] = [];
        for await (const { value } of kv.list<string>({ prefix: [] })) listed.push(value);
        assert.deepEqual(
          keys.map(encodeKvKey).sort(compareBytes).map((bytes) => bytes.toHex()),
          listed,
        );
      } finally {
        kv.close();
      }
    }),
    { numRuns: 40 },
  );
});

Deno.test("prefixFromParts() and isBelowPrefix() find exactly the keys whose arrays begin so", () => {
  fc.assert(fc.property(parts, parts, (a, b) => {
    const long = keyFromParts([...a, ...b]);
    assert.ok(startsWithBytes(long, prefixFromParts(a)));
    assert.ok(startsWithBytes(long, prefixFromParts([])));
    const startsSo = encodeKvKey(b.slice(0, a.length)).toHex() === encodeKvKey(a).toHex();
    const [key, prefix] = [keyFromParts(b), prefixFromParts(a)];
    assert.equal(startsWithBytes(key, prefix) && isBelowPrefix(key, prefix), startsSo);
  }));
  const [key, prefix] = [keyFromParts(["a\0b"]), prefixFromParts(["a"])];
  assert.ok(startsWithBytes(key, prefix) && !isBelowPrefix(key, prefix));
});

Deno.test("encodedKvKeyBytes() is the length of the encoding", () => {
  const simple = fc.array(fc.oneof(smallBytes, wellFormedText, fc.nat()));
  fc.assert(fc.property(simple, (parts) => {
    assert.equal(encodedKvKeyBytes(parts), encodeKvKey(parts).length);
  }));
});

Deno.test("decodeKvKey() refuses or reads back exactly whatever bytes it is given", () => {
  const anyBytes = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.array(fc.constantFrom(0, 1, 2, 0x0b, 0x0c, 0x13, 0x14, 0x15, 0x1d, 0x21, 0x26, 0xff), {
      maxLength: 12,
    }).map((bytes) => Uint8Array.from(bytes)),
  );
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      let parts: KvKeyPart[];
      try {
        parts = decodeKvKey(bytes);
      } catch (error) {
        assert.ok(error instanceof MalformedError);
        return;
      }
      assert.equal(encodeKvKey(parts).toHex(), bytes.toHex());
    }),
    { numRuns: 1000 },
  );
});

Deno.test("decodeKvKey() refuses numbers that are not in their only form", () => {
  for (
    const hex of [
      "21ffffffffffffffff",
      "1500",
      "13ff",
      "1d0801020304050607ff",
      "0bf7fefefefefefefefe",
      "1d09",
      "0a",
    ]
  ) {
    assert.throws(() => decodeKvKey(Uint8Array.fromHex(hex)), MalformedError, hex);
  }
});

Deno.test("partsFromKey() takes bytes that only happen to begin with the marker for no array", () => {
  for (const hex of ["ff", "ff03", "ff0241", "ffff"]) {
    assert.equal(partsFromKey(Uint8Array.fromHex(hex)), undefined, hex);
  }
});

Deno.test("encodeKvKey() refuses what Deno KV refuses", () => {
  assert.throws(() => encodeKvKey([2n ** 2040n]), RangeError);
  assert.throws(() => encodeKvKey([null as unknown as string]), TypeError);
  assert.throws(() => encodeKvKey([{} as unknown as string]), TypeError);
  assert.throws(() => keyFromParts([]), TypeError);
});
