import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
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

Deno.test("digest() tells apart what must be the same everywhere, in any order", () => {
  const a = { prefix: "a", n: 3 } as const;
  const b = { prefix: "b", conflicts: "lww" } as const;
  const digest = new Namespaces({}, [a, b]).digest();
  assert.equal(new Namespaces({}, [b, { ...a, r: 1, timeoutMs: 9 }]).digest(), digest);
  assert.notEqual(new Namespaces({}, [a]).digest(), digest);
  assert.notEqual(new Namespaces({}, [{ ...a, n: 2 }, b]).digest(), digest);
});
