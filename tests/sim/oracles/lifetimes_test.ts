import assert from "node:assert/strict";
import { lifetimeProblem } from "./lifetimes.ts";
import { MadeHistory } from "./made_history.ts";

/** What is wrong with a read at this age of a value that lives for 8 s, give or take 3 s. */
function problem(ageMs: number, shown: readonly string[], outcome: "ok" | "no" = "ok") {
  const history = new MadeHistory();
  history.put("one");
  history.get([...shown]);
  const read = { ...history.operations.at(-1)!, outcome };
  return lifetimeProblem("one", 8_000, 3_000, [ageMs, ageMs + 10], read);
}

Deno.test("a value is shown while it lives and not after its end", () => {
  assert.equal(problem(1_000, ["one"]), undefined);
  assert.equal(problem(12_000, []), undefined);
  assert.match(problem(1_000, [])!, /one has ended 6990 ms too early/);
  assert.match(problem(12_000, ["one"])!, /one is shown 4000 ms after its end/);
});

Deno.test("near the end either is right, and a read that was refused says nothing", () => {
  for (const shown of [[], ["one"]]) {
    assert.equal(problem(6_000, shown), undefined);
    assert.equal(problem(10_000, shown), undefined);
  }
  assert.equal(problem(1_000, [], "no"), undefined);
});
