import assert from "node:assert/strict";
import { LIMITS } from "../../../src/wire/limits.ts";
import { MadeHistory } from "./made_history.ts";
import { siblingProblems } from "./siblings.ts";

Deno.test("siblings did not know of each other", () => {
  const history = new MadeHistory();
  const one = history.put("one");
  history.put("two");
  history.put("three", { knowing: [one] });
  const problems = (...values: string[]) => siblingProblems(history.get(values), history.writeOf);
  assert.deepEqual(problems("one", "two"), []);
  assert.deepEqual(problems("two", "three"), []);
  assert.match(problems("one", "three")[0]!, /three has replaced one, and both are shown/);
});

Deno.test("there are no more siblings than the owners may hold together", () => {
  const history = new MadeHistory();
  const values = Array.from({ length: 3 * LIMITS.siblingCount + 1 }, (_, i) => `v${i}`);
  for (const value of values) history.put(value);
  assert.match(siblingProblems(history.get(values), history.writeOf)[0]!, /193 siblings/);
  assert.deepEqual(siblingProblems(history.get(values.slice(1)), history.writeOf), []);
});
