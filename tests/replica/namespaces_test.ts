import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { DATABASE_COUNT, storedKey } from "../../src/base/database_key.ts";
import { mistakesIn } from "../../src/replica/namespace_rules.ts";
import { NamespaceTable } from "../../src/replica/namespace_table.ts";
import { Namespaces, type NamespaceSettings } from "../../src/replica/namespaces.ts";

Deno.test("the longest prefix of a key decides, and leaves what it does not say to the defaults", () => {
  const namespaces = new Namespaces({ w: "all", timeoutMs: 100 }, [
    { prefix: "cart:", n: 5, conflicts: "siblings" },
    { prefix: "cart:log:", conflicts: "lww", w: 1 },
  ]);
  assert.equal(namespaces.of(utf8("other")).n, undefined);
  const cart = namespaces.of(utf8("cart:alice"));
  assert.deepEqual([cart.n, cart.w, cart.r, cart.timeoutMs], [5, "all", "quorum", 100]);
  const log = namespaces.of(utf8("cart:log:1"));
  assert.deepEqual([log.n, log.w, log.conflicts], [undefined, 1, "lww"]);
});

Deno.test("two namespaces with one prefix are a mistake", () => {
  assert.throws(() => new Namespaces({}, [{ prefix: "a" }, { prefix: "a", n: 2 }]), RangeError);
});

const settings = fc.uniqueArray(
  fc.record<NamespaceSettings>({
    prefix: fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom("a", "b") }),
    n: fc.integer({ min: 1, max: 5 }),
  }),
  { selector: ({ prefix }) => prefix },
);
const keys = fc.string({ maxLength: 5, unit: fc.constantFrom("a", "b", "c") });

const databases = fc.nat(DATABASE_COUNT - 1);

Deno.test("a namespace is for the keys of every database that begin with its prefix", () => {
  const namespaces = new Namespaces({}, [{ prefix: "session:", n: 1 }]);
  assert.equal(namespaces.of(storedKey(3, utf8("session:1"))).n, 1);
  assert.equal(namespaces.of(storedKey(3, utf8("cart:1"))).n, undefined);
  const [mistake] = mistakesIn("\x1edb3\x1esession:", { n: 1 });
  assert.match(
    mistake!,
    /^The prefix is that of one database, but a namespace is for the keys of all$/,
  );
  assert.deepEqual(mistakesIn("\x1edb3", { n: 1 }), []);
  fc.assert(fc.property(settings, keys, databases, (settings, key, database) => {
    const namespaces = new Namespaces({}, settings);
    assert.equal(namespaces.of(storedKey(database, utf8(key))), namespaces.of(utf8(key)));
  }));
});

Deno.test("within() names the namespace of every key that is stored with a beginning", () => {
  const parts = fc.tuple(settings, keys, databases, fc.nat(12));
  fc.assert(fc.property(parts, ([settings, key, database, length]) => {
    const namespaces = new Namespaces({}, settings);
    const stored = storedKey(database, utf8(key));
    assert.ok(namespaces.within(stored.subarray(0, length)).includes(namespaces.of(stored)));
  }));
});

Deno.test("of() finds what a search of all prefixes finds", () => {
  fc.assert(fc.property(settings, keys, (settings, key) => {
    const longest = settings.filter(({ prefix }) => key.startsWith(prefix))
      .sort((a, b) => b.prefix.length - a.prefix.length)[0];
    assert.equal(new Namespaces({}, settings).of(utf8(key)).n, longest?.n);
  }));
});

Deno.test("within() names the namespace of every key that begins so", () => {
  fc.assert(fc.property(settings, keys, keys, (settings, prefix, rest) => {
    const namespaces = new Namespaces({}, settings);
    assert.ok(namespaces.within(utf8(prefix)).includes(namespaces.of(utf8(prefix + rest))));
  }));
});

Deno.test("baseDigest() tells apart what must be the same everywhere, in any order", () => {
  const a = { prefix: "a", n: 3 } as const;
  const b = { prefix: "b", conflicts: "lww" } as const;
  const digest = new Namespaces({}, [a, b]).baseDigest();
  assert.equal(new Namespaces({}, [b, { ...a, r: 1, timeoutMs: 9 }]).baseDigest(), digest);
  assert.notEqual(new Namespaces({}, [a]).baseDigest(), digest);
  assert.notEqual(new Namespaces({}, [{ ...a, n: 2 }, b]).baseDigest(), digest);
});

Deno.test("what is set at run time takes the place of what is configured, and a removal gives that back", () => {
  const namespaces = new Namespaces({ w: "all" }, [{ prefix: "a", n: 2, r: 1 }]);
  const key = utf8("a1");
  const base = namespaces.of(key);
  const configured = namespaces.baseDigest();
  const set = NamespaceTable.empty.with("a", { conflicts: "lww", ttlMs: 9 }, 1, "n1");
  namespaces.use(set);
  const { conflicts, n, r, ttlMs, w } = namespaces.of(key);
  assert.deepEqual([conflicts, n, r, ttlMs, w], ["lww", undefined, "quorum", 9, "all"]);
  assert.equal(namespaces.baseDigest(), configured, "two such nodes may still meet");
  namespaces.use(set.with("a", undefined, 2, "n1"));
  assert.deepEqual(namespaces.of(key), base);
});

Deno.test("use() tells from which numbers of copies keys have come to which, and only those", () => {
  const namespaces = new Namespaces({}, [{ prefix: "a", n: 2 }, { prefix: "ab", n: 5 }]);
  const { table } = namespaces;
  assert.deepEqual(namespaces.use(table.with("b", { w: 1 }, 1, "n1")), [], "it keeps as many");
  assert.deepEqual(namespaces.use(table.with("a", { n: 4 }, 1, "n1")), [
    { from: 2, to: 4 },
  ]);
  assert.deepEqual(namespaces.use(table), [{ from: 4, to: 2 }], "and back");
  assert.deepEqual(namespaces.use(table.with("ab", { n: 5, w: 1 }, 1, "n1")), []);
  assert.deepEqual(namespaces.use(table.with("abc", { n: 1 }, 1, "n1")), [
    { from: 5, to: 1 },
  ], "of some keys of ab");
});

Deno.test("idWith() is the layout's name until keys live elsewhere than configured", () => {
  const namespaces = new Namespaces({}, [{ prefix: "a", n: 2 }]);
  const { table } = namespaces;
  assert.equal(namespaces.idWith("1-x"), "1-x");
  namespaces.use(table.with("a", { n: 2, w: "all" }, 1, "n1"));
  assert.equal(namespaces.idWith("1-x"), "1-x");
  namespaces.use(table.with("a", { n: 3 }, 1, "n1"));
  assert.notEqual(namespaces.idWith("1-x"), "1-x");
});

const orders = fc.array(fc.record({
  prefix: fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom("a", "b") }),
  n: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  isRemoval: fc.boolean(),
}));

Deno.test("use() names every move that any key has made", () => {
  fc.assert(fc.property(settings, orders, orders, keys, (settings, first, second, key) => {
    const namespaces = new Namespaces({}, settings);
    let time = 0;
    const make = (
      orders: readonly { prefix: string; n: number | undefined; isRemoval: boolean }[],
    ) =>
      orders.reduce(
        (table, { isRemoval, n, prefix }) =>
          table.with(prefix, isRemoval ? undefined : { n }, ++time, "n1"),
        namespaces.table,
      );
    namespaces.use(make(first));
    const before = namespaces.copiesOf(utf8(key));
    const moves = namespaces.use(make(second));
    const after = namespaces.copiesOf(utf8(key));
    const isTold = moves.some(({ from, to }) => from === before && to === after);
    assert.ok(after === before || isTold, `${before} -> ${after}: ${JSON.stringify(moves)}`);
  }));
});
