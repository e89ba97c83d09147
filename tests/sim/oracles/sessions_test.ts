import assert from "node:assert/strict";
import { MadeHistory } from "./made_history.ts";
import { sessionProblems, sessionRate } from "./sessions.ts";

function rate({ key, operations, writes }: MadeHistory) {
  return sessionRate(key, operations, writes);
}

function problems({ key, operations, writes }: MadeHistory) {
  return sessionProblems(key, operations, writes).map((problem) => problem.split(": #")[0]);
}

const SESSION = { isSession: true } as const;

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

Deno.test("a session that is shown what it wrote, or what replaced it, has not gone back", () => {
  const history = new MadeHistory();
  const one = history.put("one");
  history.get(["one"], { ...SESSION, covering: [one] });
  const two = history.put("two", { client: "c2", knowing: [one] });
  history.get(["two"], { ...SESSION, covering: [one, two] });
  const gone = history.delete({ knowing: [two] });
  history.get([], { ...SESSION, covering: [gone] });
  assert.deepEqual(problems(history), []);
});

Deno.test("a session goes back whose read covers less than it wrote, deleted or was shown", () => {
  const written = new MadeHistory();
  written.put("one");
  written.get([], SESSION);
  assert.deepEqual(problems(written), [
    "A session of c1 goes back behind one in k",
    "A session of c1 does not show one in k",
  ]);

  const deleted = new MadeHistory();
  const one = deleted.put("one", { client: "c2" });
  deleted.delete({ knowing: [one], actor: "n2~b" });
  deleted.get(["one"], { ...SESSION, covering: [one] });
  assert.deepEqual(problems(deleted), [
    "A session of c1 goes back behind the tombstone n2~b:2 in k",
  ]);

  const shown = new MadeHistory();
  const other = shown.put("one", { client: "c2" });
  shown.get(["one"], { ...SESSION, covering: [other] });
  shown.put("two", { client: "c2", knowing: [other] });
  shown.get([], SESSION);
  assert.deepEqual(problems(shown), ["A session of c1 goes back behind one in k"]);
});

Deno.test("a session that is told of a value and not shown it is shown less", () => {
  const history = new MadeHistory();
  const one = history.put("one");
  history.get([], { ...SESSION, covering: [one] });
  assert.deepEqual(problems(history), ["A session of c1 does not show one in k"]);
});

Deno.test("a session is promised nothing of what others wrote, of what is not certain, or of failed reads", () => {
  const history = new MadeHistory();
  history.put("one", { client: "c2" });
  history.put("two", { outcome: "unknown" });
  history.get([], SESSION);
  history.put("three");
  history.get([], { ...SESSION, outcome: "no" });
  history.get([]);
  assert.deepEqual(problems(history), []);
});

Deno.test("reads that carry what was seen are not counted among those that may go back", () => {
  const history = new MadeHistory();
  const one = history.put("one");
  history.get(["one"], { ...SESSION, covering: [one] });
  assert.deepEqual(rate(history), { reads: 0, wentBack: 0 });
});

Deno.test("what was shown before it was acknowledged may be lost, once it is below the floor", () => {
  const lost = (outcome: "ok" | "unknown", floor: number) => {
    const history = new MadeHistory();
    const one = history.put("one", { client: "c2", outcome, time: 5 });
    history.get(["one"], { ...SESSION, covering: [one] });
    history.get([], { ...SESSION, covering: [one], floor });
    return problems(history);
  };
  assert.deepEqual(lost("unknown", 5), []);
  assert.deepEqual(lost("unknown", 4), ["A session of c1 does not show one in k"]);
  assert.deepEqual(lost("ok", 5), ["A session of c1 does not show one in k"]);
});
