import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { ExistenceFilter } from "../../src/storage/existence_filter.ts";

Deno.test("a key that was added may be there, and an empty filter has none", () => {
  const filter = new ExistenceFilter();
  assert.equal(filter.mayHave(utf8("cart:alice")), false);
  filter.add(utf8("cart:alice"));
  assert.equal(filter.mayHave(utf8("cart:alice")), true);
});

Deno.test("no key that was added is ever denied", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), (keys) => {
    const filter = new ExistenceFilter();
    for (const key of keys) filter.add(key);
    for (const key of keys) assert.ok(filter.mayHave(key));
  }));
});

Deno.test("through several layers no key is denied, and few others are taken for added", () => {
  const filter = new ExistenceFilter();
  const count = 200_000;
  for (let i = 0; i < count; i++) filter.add(utf8(`key:${i}`));
  for (let i = 0; i < count; i++) assert.ok(filter.mayHave(utf8(`key:${i}`)));
  let mistakes = 0;
  for (let i = 0; i < 20_000; i++) if (filter.mayHave(utf8(`other:${i}`))) mistakes++;
  assert.ok(mistakes < 20_000 * 0.04, `${mistakes} of 20000`);
});
