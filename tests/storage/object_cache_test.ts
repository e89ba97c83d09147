import assert from "node:assert/strict";
import fc from "fast-check";
import { ObjectCache, PLAIN_FORM } from "../../src/storage/object_cache.ts";

/** What an entry of a one-letter name without bytes weighs. */
const EMPTY_ENTRY_BYTES = 401;

Deno.test("set() keeps an object until its bytes are needed for others", () => {
  const cache = new ObjectCache<string>(3 * EMPTY_ENTRY_BYTES);
  for (const name of ["a", "b", "c"]) cache.set(name, name.toUpperCase(), 0, PLAIN_FORM);
  assert.equal(cache.get("a")?.object, "A");
  cache.set("d", "D", 0, PLAIN_FORM);
  assert.equal(cache.count, 3);
  assert.equal(cache.look("b"), undefined);
  assert.equal(cache.get("a")?.object, "A", "what was used is spared");
});

Deno.test("that there is no object is kept too", () => {
  const cache = new ObjectCache<string>(10_000);
  cache.set("a", undefined, 0, PLAIN_FORM);
  assert.deepEqual(cache.get("a")?.object, undefined);
  assert.notEqual(cache.get("a"), undefined);
});

Deno.test("look() does not spare an object", () => {
  const cache = new ObjectCache<string>(2 * EMPTY_ENTRY_BYTES);
  cache.set("a", "A", 0, PLAIN_FORM);
  cache.set("b", "B", 0, PLAIN_FORM);
  cache.look("a");
  cache.set("c", "C", 0, PLAIN_FORM);
  assert.equal(cache.look("a"), undefined);
});

Deno.test("an object larger than the whole cache leaves it empty", () => {
  const cache = new ObjectCache<string>(1000);
  cache.set("a", "A", 0, PLAIN_FORM);
  cache.set("b", "B", 2000, PLAIN_FORM);
  assert.equal(cache.count, 0);
  assert.equal(cache.bytes, 0);
});

Deno.test("the cache holds only what was set last, and its bytes are the sum of its entries", () => {
  const step = fc.record({
    kind: fc.constantFrom("set", "set", "get", "delete"),
    name: fc.constantFrom("a", "b", "c", "d", "e", "f"),
    size: fc.nat(600),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const limit = 2000;
    const cache = new ObjectCache<number>(limit);
    const latest = new Map<string, number>();
    steps.forEach(({ kind, name, size }, at) => {
      if (kind === "set") {
        latest.set(name, at);
        cache.set(name, at, size, PLAIN_FORM);
      } else if (kind === "delete") {
        latest.delete(name);
        cache.delete(name);
      } else {
        const found = cache.get(name);
        if (found !== undefined) assert.equal(found.object, latest.get(name));
      }
      let bytes = 0;
      let count = 0;
      for (const name of latest.keys()) {
        const entry = cache.look(name);
        if (entry === undefined) continue;
        assert.equal(entry.object, latest.get(name));
        bytes += entry.sizeBytes;
        count++;
      }
      assert.equal(cache.bytes, bytes);
      assert.equal(cache.count, count);
      assert.ok(cache.bytes <= limit);
    });
  }));
});
