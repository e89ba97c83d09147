import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import type { NestedOperation } from "../../src/crdt/map.ts";
import {
  changedParts,
  encodeHead,
  isApart,
  joinParts,
  largestPartOver,
  type Part,
} from "../../src/crdt/parts.ts";
import { copies } from "./arbitrary_copies.ts";

function add(...elements: string[]): NestedOperation {
  const bytes = elements.map((element) => utf8(element));
  return { type: "set", operation: { kind: "add", elements: bytes } };
}

function remove(...elements: string[]): NestedOperation {
  const bytes = elements.map((element) => utf8(element));
  return { type: "set", operation: { kind: "remove", elements: bytes, seen: undefined } };
}

function setOf(count: number): DataObject {
  const elements = Array.from({ length: count }, (_, i) => `e${i}`);
  return DataObject.empty.update({ actor: "n1~a", time: 1 }, add(...elements));
}

/** What a disk that had the parts of `before`, or none, has after the changes. */
function store(parts: Map<string, Part>, before: DataObject | undefined, after: DataObject) {
  for (const { body, name } of changedParts(before, after)) {
    if (body === undefined) parts.delete(name.toHex());
    else parts.set(name.toHex(), { name, body });
  }
}

Deno.test("large sets are kept in parts, small ones are not", () => {
  assert.ok(!isApart(DataObject.empty));
  assert.ok(!isApart(setOf(100)));
  assert.ok(isApart(setOf(10_000)));
  assert.ok(!isApart(setOf(10_000).write({ actor: "n1~a", time: 2 }, null, undefined, undefined)));
});

Deno.test("one element more changes one part, and a head that is no longer for it", () => {
  const before = setOf(10_000);
  const after = before.update({ actor: "n1~a", time: 2 }, add("new"));
  const [change, ...others] = [...changedParts(before, after)];
  assert.equal(utf8Text(change!.name.subarray(2)), "new");
  assert.equal(change!.bytesBefore, 0);
  assert.ok(change!.body!.length < 20);
  assert.deepEqual(others, []);
  assert.ok(encodeHead(after).length < 40);
  const removed = after.update({ actor: "n1~a", time: 3 }, remove("new"));
  const [gone] = [...changedParts(after, removed)];
  assert.equal(gone!.body, undefined);
  assert.equal(gone!.bytesBefore, change!.body!.length);
});

function field(key: string, nested: NestedOperation): NestedOperation {
  return { type: "map", operation: { kind: "update", key: utf8(key), nested } };
}

function register(sizeBytes: number): NestedOperation {
  const value = { kind: "bytes", bytes: new Uint8Array(sizeBytes) } as const;
  return { type: "register", operation: { kind: "set", value } };
}

Deno.test("a part that is too large is found, and only that", () => {
  let object = setOf(10_000);
  for (let i = 0; i < 50; i++) {
    object = object.update({ actor: "n1~a", time: 2 + i }, field(`f${i}`, register(10_000)));
  }
  assert.equal(largestPartOver(object, 20_000), 0);
  object = object.update({ actor: "n1~a", time: 100 }, field("large", register(20_000)));
  const largest = largestPartOver(object, 20_000);
  assert.ok(largest > 20_000 && largest < 20_100, `${largest}`);
  assert.equal(largestPartOver(object, 21_000), 0);
});

Deno.test("a part is as large as it is written, with the names of all actors in it", () => {
  const actor = `${"n".repeat(64)}~0123456789a`;
  const elements = Array.from({ length: 2_000 }, (_, i) => `${i}`);
  const object = DataObject.empty.update({ actor, time: 1 }, field("nested", add(...elements)));
  const [part] = [...changedParts(undefined, object)];
  assert.ok(part!.body!.length > 4 * object.sizeBytes, "or there would be nothing to see");
  assert.equal(largestPartOver(object, part!.body!.length - 1), part!.body!.length);
  assert.equal(largestPartOver(object, part!.body!.length), 0);
});

Deno.test("an object is what its parts are put together to, in any order", () => {
  fc.assert(
    fc.property(copies, ([a, b, c]) => {
      for (const object of [a, b, c, a.merge(b)]) {
        const parts = new Map<string, Part>();
        store(parts, undefined, object);
        const again = joinParts(encodeHead(object), [...parts.values()].reverse());
        assert.deepEqual(again.encoded(), object.encoded());
      }
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("changes bring the parts of one object to those of a later one", () => {
  fc.assert(
    fc.property(copies, ([a, b, c]) => {
      const parts = new Map<string, Part>();
      let before: DataObject | undefined;
      for (const after of [a, a.merge(b), a.merge(b).merge(c)]) {
        store(parts, before, after);
        const again = joinParts(encodeHead(after), parts.values());
        assert.deepEqual(again.encoded(), after.encoded());
        before = after;
      }
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("elements that only differ far behind have parts of their own, under names of few bytes", () => {
  const long = "x".repeat(500);
  const elements = [`${long}1`, `${long}2`, "\0".repeat(100), `${"\0".repeat(100)}1`, "", "x"];
  const object = DataObject.empty.update({ actor: "n1~a", time: 1 }, add(...elements));
  const parts = new Map<string, Part>();
  store(parts, undefined, object);
  assert.equal(parts.size, elements.length);
  for (const { name } of parts.values()) {
    const nulls = name.filter((byte) => byte === 0).length;
    assert.ok(name.length + nulls <= 80);
  }
  const again = joinParts(encodeHead(object), parts.values());
  assert.deepEqual(again.encoded(), object.encoded());
});

Deno.test("a part that is missing, twice there, strange or later than the head is malformed", () => {
  const before = setOf(5);
  const after = before.update({ actor: "n2~b", time: 2 }, add("new"));
  const parts = new Map<string, Part>();
  store(parts, undefined, after);
  const all = [...parts.values()];
  const head = encodeHead(after);
  const [first] = all as [Part];
  assert.throws(() => joinParts(head, all.slice(1)), MalformedError);
  assert.throws(() => joinParts(head, [...all.slice(1), all[1]!]), MalformedError);
  assert.throws(() => joinParts(head, [...all, first]), MalformedError);
  assert.throws(() => joinParts(encodeHead(before), all), MalformedError);
  const strange = { ...first, name: Uint8Array.of(7, 0, 1) };
  assert.throws(() => joinParts(head, [...all.slice(1), strange]), MalformedError);
  const cut = { ...first, body: first.body.slice(0, -1) };
  assert.throws(() => joinParts(head, [...all.slice(1), cut]), MalformedError);
  for (let at = 0; at < head.length; at++) {
    assert.throws(() => joinParts(head.slice(0, at), all), MalformedError);
  }
});
