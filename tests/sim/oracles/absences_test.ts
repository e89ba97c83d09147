import assert from "node:assert/strict";
import { absenceProblem } from "./absences.ts";
import { MadeHistory } from "./made_history.ts";

const OWNERS = ["n1", "n2", "n3"];
const WRONG = /^Nothing is shown, and no owner has said so: #/;

Deno.test("a read that shows nothing was asked at an owner, or an owner has answered", () => {
  const history = new MadeHistory();
  const nobody = new Set<string>();
  assert.equal(absenceProblem(history.get([], { node: "n1" }), OWNERS, nobody), undefined);
  const far = history.get([], { node: "n4" });
  assert.match(absenceProblem(far, OWNERS, nobody)!, WRONG);
  assert.match(absenceProblem(far, OWNERS, new Set(["n5"]))!, WRONG, "a stand-in is not enough");
  assert.equal(absenceProblem(far, OWNERS, new Set(["n5", "n2"])), undefined);
});

Deno.test("a read that fails, or shows a value or a deletion, needs no owner", () => {
  const history = new MadeHistory();
  const deletion = history.delete();
  const reads = [
    history.get([], { node: "n4", outcome: "no" }),
    history.get(["one"], { node: "n4" }),
    history.get([], { node: "n4", covering: [deletion] }),
  ];
  for (const read of reads) assert.equal(absenceProblem(read, OWNERS, new Set()), undefined);
});
