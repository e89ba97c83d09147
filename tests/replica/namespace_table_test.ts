import assert from "node:assert/strict";
import fc from "fast-check";
import { MalformedError } from "../../src/base/malformed.ts";
import { mistakesIn, type SettingsOfPrefix } from "../../src/replica/namespace_rules.ts";
import { NAMESPACE_COUNT_MAX, NamespaceTable } from "../../src/replica/namespace_table.ts";

Deno.test("the later of two orders for a prefix wins, whichever is heard of first, and orders for others stay", () => {
  const early = NamespaceTable.empty.with("cart:", { n: 2 }, 5, "n9");
  const late = NamespaceTable.empty.with("cart:", { conflicts: "lww" }, 6, "n1")
    .with("log:", { w: 1 }, 1, "n1");
  for (const merged of [early.merge(late), late.merge(early)]) {
    assert.deepEqual(merged.entries.get("cart:")!.settings, { conflicts: "lww" });
    assert.deepEqual(merged.entries.get("log:")!.settings, { w: 1 });
    assert.equal(merged, late, "nothing is made that was there");
  }
});

Deno.test("of two orders of one moment that of the node with the later name wins", () => {
  const [a, b] = [{ n: 2 }, { n: 4 }];
  const one = NamespaceTable.empty.with("p", a, 5, "n1");
  const two = NamespaceTable.empty.with("p", b, 5, "n2");
  assert.deepEqual(one.merge(two).entries.get("p")!.settings, b);
  assert.deepEqual(two.merge(one).entries.get("p")!.settings, b);
});

Deno.test("a removal stays removed beside a copy that missed it, until it is set again", () => {
  const set = NamespaceTable.empty.with("p", { n: 2 }, 1, "n1");
  const removed = set.with("p", undefined, 2, "n1");
  assert.equal(removed.merge(set).entries.get("p")!.settings, undefined);
  assert.equal(set.merge(removed).entries.get("p")!.settings, undefined);
  assert.deepEqual(removed.with("p", { n: 3 }, 3, "n2").entries.get("p")!.settings, { n: 3 });
});

const settings: fc.Arbitrary<SettingsOfPrefix> = fc.record({
  n: fc.integer({ min: 2, max: 16 }),
  r: fc.constantFrom("one" as const, "quorum" as const, "all" as const, 1, 2),
  strict: fc.boolean(),
  conflicts: fc.constantFrom("siblings" as const, "lww" as const),
  ttlMs: fc.integer({ min: 1, max: 1_000_000 }),
}, { requiredKeys: [] });

const tables = fc.array(
  fc.record({
    prefix: fc.constantFrom("a", "b", "ü:", "\uffff", "\u{1f600}"),
    time: fc.integer({ min: 1, max: 4 }),
    node: fc.constantFrom("n1", "n2", "n10"),
    settings: fc.option(settings, { nil: undefined }),
  }),
  { maxLength: 6 },
).map((orders) =>
  orders.reduce((table, { node, prefix, settings, time }) => {
    const isLater = (table.entries.get(prefix)?.time ?? 0) < time;
    return isLater ? table.with(prefix, settings, time, node) : table;
  }, NamespaceTable.empty)
);

Deno.test("merge() is commutative, associative and idempotent", () => {
  fc.assert(fc.property(tables, tables, tables, (a, b, c) => {
    assert.equal(a.merge(b).digest, b.merge(a).digest);
    assert.equal(a.merge(b).merge(c).digest, a.merge(b.merge(c)).digest);
    assert.equal(a.merge(a), a);
    assert.equal(a.merge(NamespaceTable.empty), a);
    assert.equal(a.merge(b).merge(b).digest, a.merge(b).digest);
  }));
});

Deno.test("a table is read as it was written, and equal tables have equal bytes", () => {
  fc.assert(fc.property(tables, tables, (a, b) => {
    const read = NamespaceTable.decode(a.encoded());
    assert.deepEqual(new Map(read.entries), new Map(a.entries));
    assert.deepEqual(a.merge(b).encoded(), b.merge(a).encoded());
    assert.equal(a.digest === "", a.entries.size === 0);
  }));
});

Deno.test("the order in which settings are given makes no difference", () => {
  const one = NamespaceTable.empty.with("p", { n: 2, w: 1 }, 1, "n1");
  const other = NamespaceTable.empty.with("p", { w: 1, r: undefined, n: 2 }, 1, "n1");
  assert.equal(one.digest, other.digest);
});

Deno.test("decode() refuses what is no table, or holds settings that nobody may set", () => {
  const good = NamespaceTable.empty.with("p", { n: 2 }, 1, "n1").encoded();
  const bad = [
    new Uint8Array(0),
    good.subarray(0, good.length - 1),
    new Uint8Array([...good, 0]),
    NamespaceTable.empty.with("p", { n: 99 }, 1, "n1").encoded(),
    NamespaceTable.empty.with("", { n: 2 }, 1, "n1").encoded(),
    NamespaceTable.empty.with("p", { n: 2 }, 1, "n".repeat(65)).encoded(),
  ];
  for (const bytes of bad) assert.throws(() => NamespaceTable.decode(bytes), MalformedError);
});

Deno.test("a table has so many prefixes at the most, and those that it has may change", () => {
  let table = NamespaceTable.empty;
  for (let i = 0; i < NAMESPACE_COUNT_MAX; i++) table = table.with(`${i}`, { n: 1 }, 1, "n1");
  assert.throws(() => table.with("another", { n: 1 }, 1, "n1"), RangeError);
  assert.deepEqual(table.with("0", { n: 3 }, 2, "n1").entries.get("0")!.settings, { n: 3 });
});

Deno.test("mistakesIn() lists every mistake", () => {
  assert.deepEqual(mistakesIn("p", { n: 3, r: "one", w: 3, strict: true, ttlMs: 1 }), []);
  assert.deepEqual(mistakesIn("", { n: 0, w: "most", colour: 1, strict: "yes", ttlMs: 0.5 }), [
    "The prefix has 0 bytes, but must have 1 to 1024",
    "n is 0, but must be a whole number from 1 to 16",
    'w is "most", but must be one, quorum, all, or a whole number from 1 to 16',
    "colour is no setting of a namespace",
    'strict is "yes", but must be true or false',
    "ttlMs is 0.5, but must be a whole number from 1 to 315360000000",
  ]);
  assert.deepEqual(mistakesIn("p", { n: 2, r: 3 }), ["r is 3, but there are only 2 copies"]);
  for (const none of [null, [], "n"]) assert.equal(mistakesIn("p", none).length, 1);
});
