import assert from "node:assert/strict";
import { type RegisterAttempt, registerProblem } from "./registers.ts";

function attempt(
  value: string,
  times: readonly number[],
  outcome: RegisterAttempt["outcome"] = "ok",
): RegisterAttempt {
  const dots = times.map((time) => ({ actor: `of ${value}`, time }));
  return { value, dots, outcome, invokedAtMs: 0, endedAtMs: 10 };
}

Deno.test("a register shows the last of what was written, by dot and not by the clock", () => {
  const attempts = [attempt("a", [5]), attempt("b", [7]), attempt("c", [6])];
  assert.equal(registerProblem("r", attempts, "b"), undefined);
  for (const value of ["a", "c"]) {
    assert.match(registerProblem("r", attempts, value)!, /and b was written later with success/);
  }
  assert.match(registerProblem("r", attempts, undefined)!, /shows nothing/);
  assert.match(registerProblem("r", attempts, "d")!, /which nobody has written/);
});

Deno.test("an unknown write may be shown if it is later, and need not be", () => {
  const attempts = [
    attempt("a", [5]),
    attempt("b", [7], "unknown"),
    attempt("c", [3], "unknown"),
    attempt("d", [9], "no"),
  ];
  assert.equal(registerProblem("r", attempts, "a"), undefined);
  assert.equal(registerProblem("r", attempts, "b"), undefined);
  assert.match(registerProblem("r", attempts, "c")!, /a was written later/);
  assert.match(registerProblem("r", attempts, "d")!, /nobody has written/);
  assert.equal(registerProblem("r", attempts.slice(1, 3), undefined), undefined);
});

Deno.test("of a write that drew two dots one is there", () => {
  const attempts = [attempt("a", [5, 9]), attempt("b", [7])];
  assert.equal(registerProblem("r", attempts, "a"), undefined);
  assert.equal(registerProblem("r", attempts, "b"), undefined);
  const actors = [attempt("a", [5]), attempt("b", [5])];
  assert.match(registerProblem("r", actors, "a")!, /b was written later/, "actors decide");
});
