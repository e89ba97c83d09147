import assert from "node:assert/strict";
import { absenceProblem } from "./absences.ts";
import { MadeHistory } from "./made_history.ts";

const OWNERS = ["n1", "n2", "n3"];
const WRONG = /^Nothing is shown, and no owner has said so: #/;

Deno.test("a read that shows nothing was asked at an owner, or an owner has answered", () => {
  const history = new MadeHistory();
  assert.equal(absenceProblem(history.get([], { node: "n1" }), OWNERS), undefined);
  const far = history.get([], { node: "n4" });
  assert.match(absenceProblem(far, OWNERS)!, WRONG);
  far.answered.add("n5");
  assert.match(absenceProblem(far, OWNERS)!, WRONG, "a stand-in is not enough");
  far.answered.add("n2");
  assert.equal(absenceProblem(far, OWNERS), undefined);
});

Deno.test("a read that fails, or shows a value or a deletion, needs no owner", () => {
  const history = new MadeHistory();
  const deletion = history.delete();
  const reads = [
    history.get([], { node: "n4", outcome: "no" }),
    history.get(["one"], { node: "n4" }),
    history.get([], { node: "n4", covering: [deletion] }),
  ];
  for (const read of reads) assert.equal(absenceProblem(read, OWNERS), undefined);
});
