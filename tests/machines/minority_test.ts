import assert from "node:assert/strict";
import { waitFor } from "../cluster/wait_for.ts";
import { Machines } from "./machines.ts";
import { stepsOf } from "./steps.ts";

const FEW = [1, 2];
const MANY = [3, 4, 5];

Deno.test("a minority does not say of keys that it cannot reach that they are not there", async (t) => {
  const step = stepsOf(t);
  await using machines = await Machines.make(5);
  const start = { join: [1] };
  await machines.startAll({ 1: {}, 2: start, 3: start, 4: start, 5: start });
  await machines.layout();
  const across = await machines.keyOf(1, (owners) => owners.every((k) => MANY.includes(k)));
  const shared = await machines.keyOf(1, (owners) => owners.includes(1) && owners.includes(2));
  for (const key of [across, shared]) {
    assert.equal((await machines.http(1, "PUT", `/kv/${key}`, key)).status, 204);
  }
  const mend = await machines.cut(FEW, MANY);

  await step("once the others count as down, reads of their keys are refused", async () => {
    await waitFor("n1 to see n2 only", async () => {
      const members = await machines.members(1);
      return members.filter(({ state }) => state === "down").length === 3;
    });
    for (const k of FEW) {
      const overHttp = await machines.http(k, "GET", `/kv/${across}`);
      assert.equal(overHttp.status, 503, `n${k}: ${overHttp.text}`);
      assert.equal(JSON.parse(overHttp.text).code, "quorum");
      const { text } = await machines.resp(k, "GET", across);
      assert.match(text, /^QUORUM /, `n${k}`);
    }
  });

  await step("what a minority was told itself it shows", async () => {
    assert.equal((await machines.resp(2, "GET", shared)).reply, JSON.stringify(shared));
    const written = await machines.http(2, "PUT", `/kv/${across}`, "new");
    assert.equal(written.status, 204, written.text);
    const { status, text } = await machines.http(1, "GET", `/kv/${across}`);
    assert.deepEqual([status, text], [200, '"new"']);
  });

  await step("the majority serves everything", async () => {
    for (const k of MANY) {
      assert.equal((await machines.http(k, "GET", `/kv/${across}`)).text, JSON.stringify(across));
      assert.equal((await machines.http(k, "GET", `/kv/${shared}`)).text, JSON.stringify(shared));
      assert.equal((await machines.http(k, "GET", "/kv/none-at-all")).status, 404);
    }
  });

  await step("after the cut all show both", async () => {
    await mend();
    for (const k of [...FEW, ...MANY]) {
      await waitFor(`n${k} to show what both sides wrote`, async () => {
        const { text, status } = await machines.http(k, "GET", `/kv/${across}`);
        return (status === 200 || status === 300) && text.includes("new");
      });
    }
  });
});
