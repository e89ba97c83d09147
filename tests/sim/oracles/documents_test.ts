import assert from "node:assert/strict";
import { documentProblems, type EditAttempt } from "./documents.ts";

function attempt(
  inserted: readonly string[],
  deleted: readonly string[] = [],
  outcome: EditAttempt["outcome"] = "ok",
): EditAttempt {
  return { inserted, deleted, outcome, invokedAtMs: 0, endedAtMs: 10 };
}

Deno.test("a document has what was inserted with success, and nothing that nobody inserted", () => {
  const attempts = [attempt(["a", "b"]), attempt(["c"], [], "unknown"), attempt(["d"], [], "no")];
  assert.deepEqual(documentProblems(attempts, ["b", "a"]), []);
  assert.deepEqual(documentProblems(attempts, ["c", "b", "a"]), []);
  assert.deepEqual(documentProblems(attempts, ["b"]), [
    "Document lacks a, which was inserted with success",
  ]);
  assert.deepEqual(documentProblems(attempts, ["a", "b", "d"]), [
    "Document shows d, which nobody inserted",
  ]);
  assert.deepEqual(documentProblems(attempts, ["a", "b", "a"]), ["Document shows a word twice"]);
});

Deno.test("a deleted word is gone, and may be where nobody knows", () => {
  const attempts = [attempt(["a", "b", "c"]), attempt([], ["a"]), attempt([], ["b"], "unknown")];
  assert.deepEqual(documentProblems(attempts, ["c"]), []);
  assert.deepEqual(documentProblems(attempts, ["b", "c"]), []);
  assert.deepEqual(documentProblems(attempts, ["a", "c"]), [
    "Document shows a, which was deleted with success",
  ]);
});
