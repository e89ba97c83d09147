import assert from "node:assert/strict";
import { MadeHistory } from "./made_history.ts";
import { sessionRate } from "./sessions.ts";

function rate({ key, operations, writes }: MadeHistory) {
  return sessionRate(key, operations, writes);
}

Deno.test("a client that misses its own write, or what it was shown, has gone back", () => {
  const history = new MadeHistory();
  history.put("one");
  history.get(["one"]);
  assert.deepEqual(rate(history), { reads: 1, wentBack: 0 });
  history.get([]);
  assert.deepEqual(rate(history), { reads: 2, wentBack: 1 });
});

Deno.test("what was replaced, or was never acknowledged, need not be shown again", () => {
  const history = new MadeHistory();
  const one = history.put("one");
  history.put("two", { knowing: [one], outcome: "unknown" });
  history.get([]);
  assert.deepEqual(rate(history), { reads: 0, wentBack: 0 });
});
