import assert from "node:assert/strict";
import fc from "fast-check";
import { EMPTY, utf8, utf8Text } from "../../src/base/bytes.ts";
import { type Bound, MemoryTable } from "../../src/storage/memory_table.ts";
import { nameOf, objectName, type Place } from "../../src/storage/record.ts";
import type { Write } from "../../src/storage/write.ts";

function write(key: string, partition = 7, table: Place["table"] = "object"): Write<string> {
  const place: Place = { table, partition, key: utf8(key) };
  return {
    name: nameOf(place),
    place,
    body: utf8(key),
    isApart: false,
    parts: undefined,
    clearsParts: false,
    object: key,
    weightBytes: key.length,
    pieceCount: 0,
    piecesBefore: 0,
    done: undefined,
    sequence: 1,
    since: 1,
  };
}

Deno.test("a key that changes again goes to the end, and only its latest change can be deleted", () => {
  const table = new MemoryTable<string>();
  const first = write("a");
  const second = write("a");
  for (const each of [first, write("b"), second]) table.set(each);
  assert.deepEqual([...table.inOrder()].map(({ object }) => object), ["b", "a"]);
  table.delete(first);
  assert.equal(table.get(first.name), second);
  table.delete(second);
  assert.equal(table.get(first.name), undefined);
  assert.equal(table.count, 1);
});

Deno.test("the bytes of an empty table are 0, and those of a full one grow with its bodies", () => {
  const table = new MemoryTable<string>();
  const writes = [write("a"), write("layout", 0, "meta"), write("a".repeat(1000))];
  for (const each of [...writes, ...writes]) table.set(each);
  assert.ok(table.bytes > 2000 && table.bytes < 4000);
  for (const each of writes) table.delete(each);
  assert.equal(table.bytes, 0);
});

Deno.test("stretch() finds what lies between two places, whatever came and went", () => {
  const place = fc.record({ partition: fc.nat(3), key: fc.constantFrom("", "a", "b", "c") });
  const step = fc.record({ place, kind: fc.constantFrom("set", "set", "delete", "meta") });
  fc.assert(fc.property(fc.array(step), place, place, (steps, start, end) => {
    const table = new MemoryTable<string>();
    const there = new Map<string, Write<string>>();
    for (const { place: { partition, key }, kind } of steps) {
      const change = write(key, partition, kind === "meta" ? "meta" : "object");
      if (kind === "delete") {
        const held = there.get(change.name);
        if (held !== undefined) table.delete(held);
        there.delete(change.name);
      } else {
        table.set(change);
        if (kind !== "meta") there.set(change.name, change);
      }
    }
    const first = objectName(start.partition, utf8(start.key));
    const last = objectName(end.partition, utf8(end.key));
    const stretch = table.stretch(
      { partition: start.partition, key: utf8(start.key) },
      { partition: end.partition, key: utf8(end.key) },
    );
    const expected = [...there.keys()].filter((name) => name >= first && name < last).sort();
    assert.deepEqual(stretch.writes.map(({ name }) => name).sort(), expected);
    assert.equal(utf8Text(stretch.end.key), end.key);
  }));
});

Deno.test("stretch() ends early at a partition when there is much, and goes on there", () => {
  const table = new MemoryTable<string>();
  for (let i = 0; i < 2000; i++) table.set(write(`${i}`, i % 10));
  const found: string[] = [];
  let stretchCount = 0;
  const end = { partition: 9, key: utf8("5") };
  for (let from: Bound | undefined = { partition: 2, key: utf8("7") }; from !== undefined;) {
    const stretch = table.stretch(from, end);
    assert.ok(stretch.writes.length < 1000);
    found.push(...stretch.writes.map(({ name }) => name));
    stretchCount++;
    from = stretch.end === end ? undefined : stretch.end;
    assert.deepEqual(from?.key ?? EMPTY, EMPTY);
  }
  const first = objectName(2, utf8("7"));
  const last = objectName(9, utf8("5"));
  const all = [...table.inOrder()].map(({ name }) => name);
  assert.deepEqual(found.sort(), all.filter((name) => name >= first && name < last).sort());
  assert.ok(stretchCount >= 2);
});
