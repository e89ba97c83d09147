import assert from "node:assert/strict";
import { MadeHistory } from "./made_history.ts";
import { readAfterWriteProblems } from "./read_after_write.ts";

function problems({ key, operations, writes }: MadeHistory): string[] {
  return readAfterWriteProblems(key, operations, writes, 3);
}

Deno.test("a read shows what was acknowledged before it", () => {
  const history = new MadeHistory();
  history.put("one");
  history.get(["one"]);
  assert.deepEqual(problems(history), []);
  history.get([]);
  assert.match(problems(history)[0]!, /one was acknowledged and is not in a later read: #2/);
});

Deno.test("a read may miss what was replaced, even by a write of which nobody knows", () => {
  const history = new MadeHistory();
  const one = history.put("one");
  history.put("two", { knowing: [one], outcome: "unknown" });
  history.get([]);
  assert.deepEqual(problems(history), []);
});

Deno.test("a write that was drawn after the read had ended explains nothing", () => {
  const history = new MadeHistory();
  const one = history.put("one", { from: 0, until: 5 });
  history.get([], { from: 10, until: 15 });
  history.put("two", { knowing: [one], from: 20, until: 25 });
  assert.equal(problems(history).length, 1);
});

Deno.test("nothing is promised to a read beside the write, nor where R + W is not above N", () => {
  const history = new MadeHistory();
  history.put("one", { from: 0, until: 20 });
  history.get([], { from: 10, until: 15 });
  history.get([], { from: 30, until: 35, needed: 1 });
  assert.deepEqual(problems(history), []);
  history.get([], { from: 40, until: 45, needed: 2 });
  assert.equal(problems(history).length, 1);
});
