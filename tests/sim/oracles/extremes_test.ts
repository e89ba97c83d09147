import assert from "node:assert/strict";
import { type ExtremeAttempt, extremeProblem } from "./extremes.ts";

function attempt(value: number, outcome: ExtremeAttempt["outcome"] = "ok"): ExtremeAttempt {
  return { value, outcome, invokedAtMs: 0, endedAtMs: 10 };
}

Deno.test("an extreme is that of all that was put with success, or beyond it and unknown", () => {
  const attempts = [
    attempt(2),
    attempt(-1),
    attempt(5, "unknown"),
    attempt(1, "unknown"),
    attempt(9, "no"),
  ];
  for (const value of [2, 5]) assert.equal(extremeProblem("max", attempts, value), undefined);
  assert.match(extremeProblem("max", attempts, 1)!, /^Maximum shows 1, and 2 was put/);
  for (const value of [9, 3]) {
    assert.match(extremeProblem("max", attempts, value)!, /which nobody has put/);
  }
  assert.match(extremeProblem("max", attempts, undefined)!, /^Maximum shows nothing/);
  assert.equal(extremeProblem("min", attempts, -1), undefined);
  assert.match(extremeProblem("min", attempts, 1)!, /^Minimum shows 1, and -1 was put/);
  assert.equal(extremeProblem("min", attempts.slice(2), undefined), undefined);
});
