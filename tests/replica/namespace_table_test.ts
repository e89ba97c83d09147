import assert from "node:assert/strict";
import fc from "fast-check";
import { MalformedError } from "../../src/base/malformed.ts";
import { mistakesIn, type SettingsOfPrefix } from "../../src/replica/namespace_rules.ts";
import { MAX_TIME, TICKS_PER_MS } from "../../src/causality/dot.ts";
import {
  furthestOrder,
  NAMESPACE_COUNT_MAX,
  NamespaceTable,
  ORDER_COUNT_MAX,
} from "../../src/replica/namespace_table.ts";
import { ByteWriter } from "../../src/base/byte_writer.ts";

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

Deno.test("an order that lies too far ahead is in force until the next one, which wins on every node", () => {
  const nowMs = Date.UTC(2026, 0);
  const furthest = furthestOrder(nowMs);
  const now = nowMs * TICKS_PER_MS;
  for (const time of [furthest + 1, MAX_TIME]) {
    const poisoned = NamespaceTable.decode(
      NamespaceTable.empty.with("p", { n: 2 }, time, "n9").encoded(),
    );
    assert.deepEqual(NamespaceTable.empty.merge(poisoned, furthest), poisoned);
    assert.equal(poisoned.timeBelow("p", furthest), 0);
    const next = poisoned.with("p", { n: 3 }, now, "n1", furthest);
    const read = NamespaceTable.decode(next.encoded());
    for (const merged of [poisoned.merge(read, furthest), read.merge(poisoned, furthest)]) {
      assert.deepEqual(merged.entries.get("p")!.settings, { n: 3 });
    }
  }
  assert.ok(furthestOrder(Date.UTC(2108, 0)) < MAX_TIME - 2 ** 39, "there is room in every year");
});

Deno.test("an order of a clock that was a day ahead, or a year, counts like any other", () => {
  const nowMs = Date.UTC(2026, 0);
  const furthest = furthestOrder(nowMs);
  for (const days of [1, 366]) {
    const time = (nowMs + days * 86_400_000) * TICKS_PER_MS;
    const ahead = NamespaceTable.empty.with("p", { n: 2 }, time, "n9");
    const old = NamespaceTable.empty.with("p", { n: 3 }, nowMs * TICKS_PER_MS, "n1");
    assert.equal(old.merge(ahead, furthest), ahead);
    assert.equal(ahead.timeBelow("p", furthest), time);
    const next = ahead.with("p", { n: 4 }, time + 1, "n1", furthest);
    assert.equal(ahead.merge(next, furthest), next);
  }
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

/** What bytes a table of these orders has: `count` removals of prefixes of one letter's own. */
function removals(letter: string, count: number, time = (index: number) => index + 1) {
  const writer = new ByteWriter();
  writer.integer(count);
  for (let i = 0; i < count; i++) {
    writer.text(`${letter}${String(i).padStart(4, "0")}`);
    writer.integer(time(i));
    writer.text("n1");
    writer.text("");
  }
  return writer.finish();
}

Deno.test("two tables with as many removals as a table keeps merge to one that every node reads", () => {
  const a = NamespaceTable.decode(removals("a", ORDER_COUNT_MAX));
  const b = NamespaceTable.decode(removals("b", ORDER_COUNT_MAX));
  const merged = a.merge(b);
  assert.equal(merged.entries.size, ORDER_COUNT_MAX);
  assert.equal(NamespaceTable.decode(merged.encoded()).digest, merged.digest);
  assert.equal(b.merge(a).digest, merged.digest);
  assert.equal(merged.merge(a), merged, "what was dropped does not come again");
});

/** Tables at the limit: of 700 prefixes up to as many as a table keeps, with few times, so that many are at once. */
const fullTables = fc.record({
  first: fc.integer({ min: 0, max: 699 }),
  count: fc.integer({ min: ORDER_COUNT_MAX - 40, max: ORDER_COUNT_MAX }),
  seed: fc.integer({ min: 1, max: 1_000 }),
}).map(({ count, first, seed }) => {
  const writer = new ByteWriter();
  const numbers = Array.from({ length: count }, (_, i) => (first + i) % 700).sort((a, b) => a - b);
  writer.integer(count);
  for (const number of numbers) {
    const mixed = (number * 7919 + seed * 104_729) % 997;
    writer.text(`p${String(number).padStart(4, "0")}`);
    writer.integer(1 + mixed % 300);
    writer.text(`n${mixed % 3}`);
    writer.text(mixed % 2 === 0 ? "" : `{"n":${1 + mixed % 16}}`);
  }
  return NamespaceTable.decode(writer.finish());
});

Deno.test("what any tables at the limit merge to is a table, and the same whatever the order", () => {
  fc.assert(
    fc.property(fullTables, fullTables, fullTables, (a, b, c) => {
      const merged = a.merge(b).merge(c);
      assert.equal(NamespaceTable.decode(merged.encoded()).digest, merged.digest);
      assert.equal(merged.digest, c.merge(b).merge(a).digest);
      assert.equal(merged.digest, a.merge(b.merge(c)).digest);
      for (const part of [a, b, c]) assert.equal(merged.merge(part), merged);
    }),
    { numRuns: 100 },
  );
});

Deno.test("settings whose removal was dropped do not come back from a node that missed it", () => {
  const set = NamespaceTable.empty.with("p", { n: 2 }, 1, "n1");
  let table = set.with("p", undefined, 2, "n1");
  for (let i = 0; i < ORDER_COUNT_MAX; i++) table = table.with(`q${i}`, undefined, 3 + i, "n1");
  assert.equal(table.entries.has("p"), false, "the removal is the oldest order, and goes");
  assert.equal(table.merge(set), table);
  assert.equal(set.merge(table).digest, table.digest);
});

Deno.test("settings in force do not go because of an order for another prefix", () => {
  let table = NamespaceTable.empty.with("kept", { n: 2 }, 1, "n1");
  for (let i = 1; i < ORDER_COUNT_MAX; i++) table = table.with(`q${i}`, undefined, 1 + i, "n1");
  assert.throws(() => table.with("one more", { n: 1 }, 10_000, "n1"), RangeError);
  table = table.with("kept", { n: 2 }, 10_001, "n1");
  assert.deepEqual(
    table.with("one more", { n: 1 }, 10_002, "n1").entries.get("kept")!.time,
    10_001,
  );
  assert.equal(
    table.timeBelow("one more"),
    2,
    "an order that is older than all others would go at once",
  );
});

Deno.test("a disk on which an earlier version left more orders than a table keeps is read", () => {
  const bytes = removals("a", 2 * ORDER_COUNT_MAX);
  assert.throws(() => NamespaceTable.decode(bytes), MalformedError);
  const restored = NamespaceTable.restore(bytes);
  assert.equal(restored.entries.size, ORDER_COUNT_MAX);
  assert.equal(restored.entries.get("a1023")!.time, 2 * ORDER_COUNT_MAX, "the latest stay");
});

Deno.test("a count that no bytes stand behind is refused at once, and settings have one form", () => {
  const claims = new ByteWriter();
  claims.integer(2 ** 40);
  const twoForms = new ByteWriter();
  twoForms.integer(1);
  twoForms.text("p");
  twoForms.integer(1);
  twoForms.text("n1");
  twoForms.text('{"n": 2}');
  for (const bytes of [claims.finish(), twoForms.finish()]) {
    assert.throws(() => NamespaceTable.decode(bytes), MalformedError);
  }
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
  assert.equal(mistakesIn("\ud800", {}).length, 1, "it would be written as another prefix");
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`s${i}`, 1]));
  assert.ok(mistakesIn("p", many).join().length < 100);
  assert.ok(mistakesIn("p", { n: "1".repeat(1_000_000) }).join().length < 200);
  for (const none of [null, [], "n"]) assert.equal(mistakesIn("p", none).length, 1);
});
