import assert from "node:assert/strict";
import { type Attempt, counterProblem, setProblems } from "./merged_values.ts";

let atMs = 0;

function attempt(
  kind: Attempt["kind"],
  name: string,
  outcome: Attempt["outcome"] = "ok",
  amount = 0,
): Attempt {
  atMs += 10;
  return { kind, name, amount, outcome, invokedAtMs: atMs, endedAtMs: atMs + 5 };
}

Deno.test("a counter shows what was added with success, and of what nobody knows any part", () => {
  const attempts = [
    attempt("count", "c", "ok", 5),
    attempt("count", "c", "unknown", 3),
    attempt("count", "c", "unknown", -2),
    attempt("count", "c", "no", 100),
    attempt("count", "d", "ok", 1_000),
  ];
  for (const value of [3n, 5n, 6n, 8n]) {
    assert.equal(counterProblem("c", attempts, value), undefined);
  }
  for (const value of [2n, 9n, 108n]) assert.match(counterProblem("c", attempts, value)!, /shows/);
});

Deno.test("an element is there if its add came after every removal, and not if nobody added it", () => {
  const late = [attempt("add", "a"), attempt("remove", "a"), attempt("add", "a")];
  assert.deepEqual(setProblems(late, ["a"], true), []);
  assert.deepEqual(setProblems(late, [], true), ["Element a was added with success and is lost"]);
  assert.deepEqual(setProblems([], ["b"], true), ["Element b was never added"]);
  const open = [attempt("remove", "a", "unknown"), attempt("add", "a")];
  assert.deepEqual(setProblems(open, [], true), [], "the removal may come late");
  const refused = [attempt("add", "a", "no")];
  assert.deepEqual(setProblems(refused, ["a"], true), ["Element a was never added"]);
});

Deno.test("an element that was removed after every add is gone, if the removal has seen them", () => {
  const gone = [attempt("add", "a"), attempt("remove", "a")];
  assert.deepEqual(setProblems(gone, [], true), []);
  assert.deepEqual(setProblems(gone, ["a"], false), []);
  assert.deepEqual(setProblems(gone, ["a"], true), [
    "Element a was removed with success and has come back",
  ]);
  const [add, removal] = gone as [Attempt, Attempt];
  const beside = { ...removal, invokedAtMs: add.invokedAtMs };
  assert.deepEqual(setProblems([add, beside], ["a"], true), [], "they ran side by side");
});
