import assert from "node:assert/strict";
import { Book } from "./book.ts";

const AT = { client: "c1", node: "n1", key: "k" };

Deno.test("what was acknowledged and not replaced must be there, and what was replaced must not", () => {
  const book = new Book();
  const first = book.begin(AT, "one", undefined, 0);
  book.end(first, "ok", undefined, 1);
  const second = book.begin(AT, "two", [first], 2);
  book.end(second, "ok", undefined, 3);
  assert.deepEqual(book.problems("k", ["two"]), []);
  assert.match(book.problems("k", [])[0]!, /lost write .*two/);
  assert.match(book.problems("k", ["one", "two"])[0]!, /resurrected .*one/);
  assert.equal(book.writeOf("one"), first);
});

Deno.test("a write of which nobody knows may be there or not, whole", () => {
  const book = new Book();
  const first = book.begin(AT, "one", undefined, 0);
  book.end(first, "ok", undefined, 1);
  const second = book.begin(AT, "two", [first], 2);
  book.end(second, "unknown", "no answer", 3);
  assert.deepEqual(book.problems("k", ["one"]), []);
  assert.deepEqual(book.problems("k", ["two"]), []);
  assert.notDeepEqual(book.problems("k", ["one", "two"]), []);
  assert.notDeepEqual(book.problems("k", []), []);
});

Deno.test("a write that was refused must never be seen, and a delete replaces what it was shown", () => {
  const book = new Book();
  const first = book.begin(AT, "one", undefined, 0);
  book.end(first, "ok", undefined, 1);
  const refused = book.begin(AT, "two", [first], 2);
  book.end(refused, "no", "refused", 3);
  assert.notDeepEqual(book.problems("k", ["two"]), []);
  const gone = book.begin(AT, undefined, [first], 4);
  book.end(gone, "ok", undefined, 5);
  assert.deepEqual(book.problems("k", []), []);
  assert.match(book.problems("k", ["one"])[0]!, /resurrected/);
  assert.deepEqual(book.outcomes(), { ok: 2, no: 1, unknown: 0 });
});

Deno.test("a write without a context is the only one of its key", () => {
  const book = new Book();
  book.end(book.begin(AT, "one", undefined, 0), "unknown", "no answer", 1);
  // The first may come late, find the second, and replace it, though that was acknowledged.
  assert.throws(() => book.begin(AT, "two", undefined, 2), /Nobody knows what/);
});
