import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { compareDiskKeys } from "../../src/ports/disk.ts";
import {
  decodeHead,
  encodeRecord,
  headBytesOf,
  headKey,
  joinPieces,
  nameOf,
  pieceCountOf,
  type Place,
} from "../../src/storage/record.ts";
import { CorruptError } from "../../src/wire/errors.ts";

const place: Place = { table: "object", partition: 12, key: utf8("cart:alice") };

function read(place: Place, head: Uint8Array, pieces: readonly Uint8Array[]): Uint8Array {
  const decoded = decodeHead(place, head);
  return "body" in decoded ? decoded.body : joinPieces(place, decoded, pieces);
}

Deno.test("a record gives back its bytes, in one value or in pieces", () => {
  const small = encodeRecord(place, utf8("bread"), 60_000);
  assert.deepEqual(read(place, small.head, small.pieces), utf8("bread"));
  const large = encodeRecord(place, new Uint8Array(130_000).fill(3), 60_000);
  assert.deepEqual(large.pieces.map(({ length }) => length), [60_000, 60_000, 10_000]);
  assert.deepEqual(read(place, large.head, large.pieces), new Uint8Array(130_000).fill(3));
});

Deno.test("every body survives, and its sizes are as foretold", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (body, size) => {
      const { head, pieces } = encodeRecord(place, body, size);
      assert.deepEqual([...read(place, head, pieces)], [...body]);
      assert.equal(pieces.length, pieceCountOf(body.length, size));
      assert.ok(head.length <= headBytesOf(body.length, size));
      assert.deepEqual([...read(place, head, [...pieces, utf8("surplus")])], [...body]);
    }),
  );
});

Deno.test("a flipped bit anywhere makes a record corrupt", () => {
  for (const size of [60_000, 4]) {
    const { head, pieces } = encodeRecord(place, utf8("bread and butter"), size);
    for (const value of [head, ...pieces]) {
      for (let bit = 0; bit < value.length * 8; bit++) {
        // Pieces are views of one buffer, so each flip is undone.
        const damaged = new Uint8Array(value);
        damaged[bit >> 3]! ^= 1 << (bit & 7);
        const swap = (part: Uint8Array) => (part === value ? damaged : part);
        assert.throws(() => read(place, swap(head), pieces.map(swap)), CorruptError);
      }
    }
  }
});

Deno.test("a record that was cut short anywhere is corrupt", () => {
  for (const size of [60_000, 4]) {
    const { head, pieces } = encodeRecord(place, utf8("bread and butter"), size);
    for (let length = 0; length < head.length; length++) {
      assert.throws(() => read(place, head.subarray(0, length), pieces), CorruptError);
    }
    for (let count = 0; count < pieces.length; count++) {
      assert.throws(() => read(place, head, pieces.slice(0, count)), CorruptError);
    }
  }
});

Deno.test("a record that lies at another place is corrupt", () => {
  const { head } = encodeRecord(place, utf8("bread"), 60_000);
  const others: Place[] = [
    { ...place, key: utf8("cart:bob") },
    { ...place, partition: 13 },
    { ...place, table: "meta" },
  ];
  for (const other of others) assert.throws(() => decodeHead(other, head), CorruptError);
});

Deno.test("a record of a later version says so", () => {
  const { head } = encodeRecord(place, utf8("bread"), 60_000);
  head[0] = 2;
  assert.throws(() => decodeHead(place, head), {
    name: "CorruptError",
    message: 'Corrupt data in key "cart:alice" of partition 12: ' +
      "version 2 is later than 1, which this program reads",
  });
});

Deno.test("names in memory sort as the keys on the disk", () => {
  const key = fc.uint8Array({ maxLength: 3 });
  const anyPlace = fc.record({
    table: fc.constant("object" as const),
    partition: fc.oneof(fc.nat(3), fc.integer({ min: 250, max: 260 }), fc.nat(16_383)),
    key: fc.oneof(key, fc.constantFrom(Uint8Array.of(0), Uint8Array.of(255, 255))),
  });
  fc.assert(fc.property(anyPlace, anyPlace, (a, b) => {
    const byName = nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0;
    assert.equal(byName, Math.sign(compareDiskKeys(headKey(a), headKey(b))));
    assert.ok(nameOf(a) < nameOf({ table: "meta", partition: 0, key: b.key }));
  }));
});
