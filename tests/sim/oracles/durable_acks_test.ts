import assert from "node:assert/strict";
import { disksFor, durabilityProblem, placesTaken } from "./durable_acks.ts";
import { MadeHistory } from "./made_history.ts";

Deno.test("an acknowledged write is on as many disks as it needed", () => {
  const history = new MadeHistory();
  const { operation } = history.put("one", { needed: 2 });
  assert.equal(durabilityProblem(operation, 2), undefined);
  assert.match(durabilityProblem(operation, 1)!, /while on 1 of 2 disks: .*one/);
});

Deno.test("a write that was not acknowledged may be nowhere", () => {
  const history = new MadeHistory();
  const { operation } = history.put("one", { outcome: "unknown" });
  assert.equal(durabilityProblem(operation, 0), undefined);
});

Deno.test("of an operation that two nodes have coordinated one has its disks, and all of its dots", () => {
  const [first] = new MadeHistory().put("one", { needed: 2 }).operation.writes;
  const [other, third] = [{ ...first!, node: "n2" }, { ...first!, node: "n2" }];
  const disks = new Map([[first, 1], [other, 2], [third, 2]]);
  const count = () => disksFor([first!, other, third], (write) => disks.get(write)!);
  assert.equal(count(), 2);
  disks.set(third, 0);
  assert.equal(count(), 1);
});

Deno.test("a disk takes one owner's place, and gives it up for another that cannot take any other", () => {
  const places: Record<string, string[]> = {
    n1: ["n1"],
    n2: ["n2"],
    n4: ["n1"],
    n5: ["n1", "n2", "n3"],
    n6: [],
  };
  const taken = (...holders: string[]) => placesTaken(holders, (node) => places[node]!);
  assert.equal(taken("n1", "n2"), 2);
  assert.equal(taken("n1", "n4"), 1, "a stand-in and its owner are one");
  assert.equal(taken("n4", "n2"), 2);
  assert.equal(taken("n5", "n1"), 2);
  assert.equal(taken("n5", "n1", "n2"), 3);
  assert.equal(taken("n5"), 1);
  assert.equal(taken("n2", "n6"), 1);
});

Deno.test("an operation for which nobody has drawn a dot is on no disk by its dots", () => {
  assert.equal(disksFor([], () => 3), 0);
});
