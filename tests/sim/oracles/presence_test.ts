import assert from "node:assert/strict";
import { type PresenceAttempt, presenceProblems } from "./presence.ts";

let atMs = 0;

function attempt(
  kind: PresenceAttempt["kind"],
  name: string,
  outcome: PresenceAttempt["outcome"] = "ok",
): PresenceAttempt {
  atMs += 10;
  return { kind, name, outcome, invokedAtMs: atMs, endedAtMs: atMs + 5 };
}

Deno.test("what was added after every removal is there, and what nobody added is not", () => {
  const late = [attempt("add", "a"), attempt("remove", "a"), attempt("add", "a")];
  assert.deepEqual(presenceProblems("Flag", late, ["a"], true), []);
  assert.deepEqual(presenceProblems("Flag", late, [], false), [
    "Flag a was added with success and is lost",
  ]);
  const refused = [attempt("add", "a", "no")];
  assert.deepEqual(presenceProblems("Flag", refused, ["a"], true), ["Flag a was never added"]);
});

Deno.test("what was removed after every add is gone only if the removal saw them all", () => {
  const gone = [attempt("add", "a"), attempt("remove", "a")];
  assert.deepEqual(presenceProblems("Entry", gone, ["a"], false), []);
  assert.deepEqual(presenceProblems("Entry", gone, ["a"], true), [
    "Entry a was removed with success and has come back",
  ]);
  const open = [attempt("add", "a", "unknown"), attempt("remove", "a")];
  assert.deepEqual(presenceProblems("Entry", open, ["a"], true), [], "the add may come late");
});
