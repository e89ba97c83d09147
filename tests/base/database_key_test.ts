import assert from "node:assert/strict";
import fc from "fast-check";
import { binaryString, concatBytes, startsWithBytes, utf8 } from "../../src/base/bytes.ts";
import {
  DATABASE_COUNT,
  databaseKeyOf,
  plainKey,
  plainPrefix,
  storedKey,
  storedPrefix,
} from "../../src/base/database_key.ts";
import { keyFromParts, partsFromKey } from "../../src/base/kv_key.ts";

Deno.test("keys of database 0 are stored as they are, others behind a marker", () => {
  const cart = utf8("cart");
  assert.equal(storedKey(0, cart), cart);
  assert.deepEqual(storedKey(3, cart), utf8("\x1edb3\x1ecart"));
  assert.deepEqual(storedKey(15, utf8("")), utf8("\x1edb15\x1e"));
  assert.deepEqual(databaseKeyOf(utf8("\x1edb15\x1ea")), { database: 15, key: utf8("a") });
});

Deno.test("a key of database 0 that looks like one of another has a marker too", () => {
  const likeOther = utf8("\x1edb3\x1ecart");
  assert.deepEqual(storedKey(0, likeOther), utf8("\x1edb0\x1e\x1edb3\x1ecart"));
  for (
    const plain of ["\x1e", "\x1edb3", "\x1edb16\x1ea", "\x1edb03\x1ea", "\x1edb0\x1ea", "db3"]
  ) {
    assert.deepEqual(storedKey(0, utf8(plain)), utf8(plain));
  }
});

/** Keys of which many are like markers, whole or in part. */
const keys = fc.array(
  fc.oneof(
    fc.constantFrom(
      "\x1e",
      "db",
      "0",
      "1",
      "15",
      "16",
      "\x1edb0\x1e",
      "\x1edb1\x1e",
      "\x1edb15\x1e",
    )
      .map(utf8),
    fc.uint8Array({ maxLength: 3 }).map((bytes) => bytes.slice()),
  ),
  { maxLength: 6 },
).map(concatBytes);
const databases = fc.nat(DATABASE_COUNT - 1);

Deno.test("what is stored is a key of one database, and comes back as that", () => {
  fc.assert(fc.property(databases, keys, (database, key) => {
    assert.deepEqual(databaseKeyOf(storedKey(database, key)), { database, key });
    assert.deepEqual(plainKey(storedKey(database, key)), key);
  }));
});

Deno.test("any stored key, whoever wrote it, is that of one key of one database", () => {
  fc.assert(fc.property(keys, (stored) => {
    const { database, key } = databaseKeyOf(stored);
    assert.deepEqual(storedKey(database, key), stored);
  }));
});

Deno.test("no two keys are stored as one", () => {
  const pair = fc.tuple(databases, keys);
  fc.assert(fc.property(pair, pair, ([database, key], [otherDatabase, otherKey]) => {
    const isSame = database === otherDatabase && binaryString(key) === binaryString(otherKey);
    const stored = binaryString(storedKey(database, key));
    assert.equal(stored === binaryString(storedKey(otherDatabase, otherKey)), isSame);
  }));
});

Deno.test("stored prefixes and plain prefixes leave no key out", () => {
  fc.assert(fc.property(databases, keys, fc.nat(20), (database, key, length) => {
    const stored = storedKey(database, key);
    const prefix = key.subarray(0, length);
    assert.ok(startsWithBytes(stored, storedPrefix(database, prefix)));
    assert.ok(startsWithBytes(key, plainPrefix(stored.subarray(0, length))));
  }));
});

Deno.test("keys that TypeScript gives as arrays meet no database", () => {
  const key = keyFromParts(["\x1edb3\x1e", 1]);
  assert.equal(storedKey(0, key), key);
  assert.equal(partsFromKey(storedKey(3, key)), undefined);
});
