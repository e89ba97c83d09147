import assert from "node:assert/strict";
import { checkedNames, planFirst, planProblem } from "../../src/node/plan_first.ts";
import type { NodeSettings } from "../../src/node/settings.ts";

const SETTINGS = { node: "n1", replication: 3 };
const NAMES = ["n1", "n2", "n3", "n4", "n5"];
const OTHERS = NAMES.slice(1);

Deno.test("planProblem() says what a layout would mean that leaves out nodes that are there", () => {
  assert.equal(planProblem(SETTINGS, NAMES, OTHERS), undefined);
  assert.match(
    planProblem(SETTINGS, ["n1"], OTHERS)!,
    /^A layout cannot be changed, and with this one n2, n3, n4, n5 would never keep any data, and every key would have one copy for ever, not 3: /,
  );
  assert.match(planProblem(SETTINGS, OTHERS, OTHERS)!, /with this one n1 would never keep any/);
});

Deno.test("planProblem() knows how many nodes the copies need", () => {
  assert.equal(planProblem(SETTINGS, ["n1", "n2", "n3"], ["n2", "n3"]), undefined);
  assert.equal(planProblem({ node: "n1", replication: 1 }, ["n1"], []), undefined);
  assert.match(
    planProblem(SETTINGS, ["n1", "n2"], ["n2"])!,
    /with this one every key would have 2 copies for ever, not 3/,
  );
});

Deno.test("planFirst() plans a layout of the members, and refuses what cannot be one", () => {
  const settings = { partitions: 256, replication: 3 } as NodeSettings;
  const members = ["n1", "n2"].map((node) => ({ node, zone: "dc1/rack1", weight: 1 }));
  const layout = planFirst(settings, members);
  assert.deepEqual([layout.version, layout.members.length], [1, 2]);
  assert.throws(() => planFirst({ ...settings, partitions: 3 }, members), { code: "bad_request" });
  assert.throws(() => checkedNames([]), { code: "bad_request" });
  assert.deepEqual(checkedNames(["n1", "n2", "n1"]), ["n1", "n2"]);
});
