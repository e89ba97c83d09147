import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { DataObject, type Opaque } from "../../src/crdt/data_object.ts";
import { copies } from "./arbitrary_copies.ts";

const NOW = 1_000_000;

function text(value: string): Opaque {
  return { kind: "text", bytes: utf8(value) };
}

function liveTexts(object: DataObject, nowMs = NOW): string[] {
  return object.live(nowMs).map(({ value }) => utf8Text(value.bytes));
}

function put(object: DataObject, actor: string, value: Opaque, expiresAtMs?: number): DataObject {
  const time = object.latestTime() + 1;
  return object.write({ actor, time }, value, object.vector(), expiresAtMs);
}

Deno.test("a put replaces what it saw, and a delete leaves nothing to read", () => {
  const first = put(DataObject.empty, "a", text("one"));
  const second = put(first, "b", text("two"));
  assert.deepEqual(liveTexts(second), ["two"]);
  assert.deepEqual(liveTexts(put(second, "a", null)), []);
});

Deno.test("a put beside a delete stays, and the tombstone shows no value", () => {
  const first = put(DataObject.empty, "a", text("one"));
  const deleted = put(first, "a", null);
  const changed = put(first, "b", text("two"));
  assert.deepEqual(liveTexts(deleted.merge(changed)), ["two"]);
});

Deno.test("live() gives the latest sibling first", () => {
  const left = DataObject.empty.write({ actor: "a", time: 5 }, text("later"), new Map(), undefined);
  const right = DataObject.empty.write(
    { actor: "b", time: 4 },
    text("earlier"),
    new Map(),
    undefined,
  );
  assert.deepEqual(liveTexts(right.merge(left)), ["later", "earlier"]);
});

Deno.test("a value with an expiry ends with it", () => {
  const object = put(DataObject.empty, "a", text("one"), NOW + 10);
  assert.deepEqual(liveTexts(object), ["one"]);
  assert.equal(object.live(NOW)[0]!.expiresAtMs, NOW + 10);
  assert.deepEqual(liveTexts(object, NOW + 10), []);
});

Deno.test("a plain put after an expiry stays for ever", () => {
  const object = put(put(DataObject.empty, "a", text("one"), NOW + 10), "b", text("two"));
  assert.deepEqual(liveTexts(object, NOW + 1000), ["two"]);
  assert.equal(object.expiry.size, 0);
});

Deno.test("expire() touches no value, and of concurrent expiries the later one wins", () => {
  const object = put(DataObject.empty, "a", text("one"));
  const soon = object.expire({ actor: "a", time: 10 }, NOW + 10);
  const late = object.expire({ actor: "b", time: 9 }, NOW + 20);
  assert.equal(soon.merge(late).live(NOW)[0]!.expiresAtMs, NOW + 20);
  const never = object.expire({ actor: "c", time: 8 }, undefined);
  assert.equal(soon.merge(never).live(NOW)[0]!.expiresAtMs, undefined);
});

Deno.test("an expiry ends what was written before it, never what was written later", () => {
  const object = put(DataObject.empty, "a", text("one"));
  const ended = object.expire({ actor: "a", time: 10 }, NOW);
  const after = object.write({ actor: "b", time: 11 }, text("after"), object.vector(), undefined);
  const before = object.write({ actor: "b", time: 9 }, text("before"), object.vector(), undefined);
  assert.deepEqual(liveTexts(ended.merge(after)), ["after"]);
  assert.deepEqual(liveTexts(ended.merge(before)), []);
});

Deno.test("keepLatest() keeps the latest value, and all copies keep the same", () => {
  const sibling = (actor: string, time: number) =>
    DataObject.empty.write({ actor, time }, text(actor + time), new Map(), undefined);
  const three = sibling("a", 1).merge(sibling("b", 3)).merge(sibling("c", 2));
  assert.deepEqual(liveTexts(three.keepLatest()), ["b3"]);
  const late = three.keepLatest().merge(sibling("c", 2)).keepLatest();
  assert.equal(late.digest(), three.keepLatest().digest());
});

Deno.test("skeleton() says what is live without the values", () => {
  const object = put(
    put(DataObject.empty, "a", text("a long value".repeat(100))),
    "b",
    text("x"),
    NOW + 5,
  );
  const skeleton = object.skeleton();
  assert.equal(skeleton.live(NOW).length, 1);
  assert.equal(skeleton.live(NOW + 5).length, 0);
  assert.ok(skeleton.encoded().length < 60);
});

Deno.test("merge() is commutative, associative and idempotent, to the byte", () => {
  fc.assert(
    fc.property(copies, ([a, b, c]) => {
      assert.deepEqual(a.merge(b).encoded(), b.merge(a).encoded());
      assert.deepEqual(a.merge(b).merge(c).encoded(), a.merge(b.merge(c)).encoded());
      assert.equal(a.merge(a), a);
      const both = a.merge(b);
      assert.equal(both.merge(a), both, "absorbing says that nothing changed");
      assert.equal(both.merge(b), both);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("keepLatest() and merge() end alike in any order", () => {
  fc.assert(
    fc.property(copies, ([a, b, c]) => {
      const one = a.merge(b).keepLatest().merge(c).keepLatest();
      const other = c.keepLatest().merge(b).keepLatest().merge(a).keepLatest();
      assert.deepEqual(liveTexts(one, 0).slice(0, 1), liveTexts(other, 0).slice(0, 1));
      assert.deepEqual(
        one.merge(other).keepLatest().encoded(),
        other.merge(one).keepLatest().encoded(),
      );
    }),
    { numRuns: 1000 },
  );
});
