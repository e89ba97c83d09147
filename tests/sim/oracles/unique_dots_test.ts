import assert from "node:assert/strict";
import { MadeHistory } from "./made_history.ts";
import { dotProblems } from "./unique_dots.ts";

Deno.test("the times of an actor rise, whatever other actors do", () => {
  const history = new MadeHistory();
  history.put("one", { actor: "a", time: 5 });
  history.put("two", { actor: "b", time: 2, node: "n2" });
  history.put("three", { actor: "a", time: 6 });
  assert.deepEqual(dotProblems(history.writes), []);
  history.put("four", { actor: "a", time: 6 });
  assert.deepEqual(dotProblems(history.writes), ["Dot a:6 was drawn after a:6"]);
});

Deno.test("an actor ends with the run of its process", () => {
  const history = new MadeHistory();
  history.put("one", { actor: "a", time: 5, run: 1 });
  history.put("two", { actor: "a", time: 6, run: 2 });
  assert.deepEqual(dotProblems(history.writes), [
    "Actor a wrote in run 1 of n1 and run 2 of n1",
  ]);
});

Deno.test("an actor writes in one partition", () => {
  const history = new MadeHistory();
  history.put("one", { actor: "a", time: 5, partition: 1 });
  history.put("two", { actor: "a", time: 6, partition: 2 });
  assert.deepEqual(dotProblems(history.writes), ["Actor a wrote in partitions 1 and 2"]);
});
