import assert from "node:assert/strict";
import { durabilityProblem } from "./durable_acks.ts";
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
