import assert from "node:assert/strict";
import { lostWriteProblems } from "./lost_writes.ts";
import { MadeHistory } from "./made_history.ts";

function problems(history: MadeHistory, ...found: string[]): string[] {
  return lostWriteProblems(history.key, history.operations, history.writes, found);
}

Deno.test("what was acknowledged and not replaced is there, and what was replaced is not", () => {
  const history = new MadeHistory();
  const one = history.put("one");
  history.put("two", { knowing: [one] });
  history.put("three");
  assert.deepEqual(problems(history, "two", "three"), []);
  assert.match(problems(history, "two")[0]!, /lost write .*three/);
  assert.match(problems(history, "one", "two", "three")[0]!, /resurrected .*one/);
});

Deno.test("a delete replaces what it saw and nothing else", () => {
  const history = new MadeHistory();
  const one = history.put("one");
  history.put("two");
  history.delete({ knowing: [one] });
  assert.deepEqual(problems(history, "two"), []);
  assert.match(problems(history)[0]!, /lost write .*two/);
});

Deno.test("what a write saw counts with all that this had replaced", () => {
  const history = new MadeHistory();
  const one = history.put("one");
  const two = history.put("two", { knowing: [one], outcome: "unknown" });
  history.put("three", { knowing: [two] });
  assert.deepEqual(problems(history, "three"), []);
  assert.match(problems(history, "one", "three")[0]!, /resurrected .*one/);
});

Deno.test("an unknown write is there or not, but not by halves", () => {
  const history = new MadeHistory();
  const one = history.put("one");
  const two = history.put("two");
  history.put("three", { knowing: [one, two], outcome: "unknown" });
  assert.deepEqual(problems(history, "one", "two"), []);
  assert.deepEqual(problems(history, "three"), []);
  assert.match(problems(history, "one")[0]!, /no choice of the unknown writes/);
  assert.match(problems(history, "one", "three")[0]!, /no choice of the unknown writes/);
  assert.match(problems(history)[0]!, /no choice of the unknown writes/);
});

Deno.test("an unknown delete may explain that a value is gone", () => {
  const history = new MadeHistory();
  const one = history.put("one");
  history.delete({ knowing: [one], outcome: "unknown" });
  assert.deepEqual(problems(history), []);
  assert.deepEqual(problems(history, "one"), []);
});

Deno.test("unknown writes that replaced each other in a chain are explained from its end", () => {
  const history = new MadeHistory();
  const one = history.put("one");
  const two = history.put("two", { knowing: [one], outcome: "unknown" });
  history.put("three", { knowing: [two], outcome: "unknown" });
  for (const value of ["one", "two", "three"]) assert.deepEqual(problems(history, value), []);
  assert.match(problems(history)[0]!, /no choice/);
});

Deno.test("a refused write has no dot, an acknowledged one has, and nothing comes from nowhere", () => {
  const history = new MadeHistory();
  history.put("one", { outcome: "no" });
  assert.match(problems(history)[0]!, /refused and yet written .*one/);
  const other = new MadeHistory();
  other.putInVain("one");
  assert.match(problems(other)[0]!, /acknowledged and never written .*one/);
  assert.match(problems(new MadeHistory(), "ghost")[0]!, /ghost is there and was never written/);
});

Deno.test("a value that is there twice is one too many", () => {
  const history = new MadeHistory();
  history.put("one");
  assert.match(problems(history, "one", "one")[0]!, /there twice/);
});
