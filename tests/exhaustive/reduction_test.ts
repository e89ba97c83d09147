// That orders which are left out differ in nothing is proved where all can be run: with and without them there
// are the same results, down to the bytes on the disks, and the same promises are broken.

import assert from "node:assert/strict";
import { EveryOrder } from "./every_order.ts";
import { explore } from "./explore.ts";
import { BLIND, HASTY } from "./mistakes.ts";
import type { Scenario } from "./scenario.ts";
import { scenarioCalled } from "./scenarios.ts";
import type { Variation } from "./small_world.ts";

const both = scenarioCalled("put and get at n1 n2, r quorum, w quorum, n1 dies, disk kept");
const put = { ...both.requests[0]!, at: "n2" };

async function assertNothingLost(
  scenario: Scenario,
  variation: Variation,
): Promise<ReadonlySet<string>> {
  const all = await explore(scenario, new EveryOrder(false), { variation });
  const reduced = await explore(scenario, new EveryOrder(), { variation });
  assert.deepEqual(reduced.results, all.results);
  assert.deepEqual(reduced.brokenKinds, all.brokenKinds);
  assert.ok(reduced.orderCount < all.orderCount);
  return reduced.brokenKinds;
}

Deno.test("no result is left out where a node crashes", async () => {
  const broken = await assertNothingLost({ ...both, requests: [put] }, {});
  assert.equal(broken.size, 0);
});

Deno.test("no broken promise is left out where commits are acknowledged too early", async () => {
  const broken = await assertNothingLost(
    { ...both, requests: [put], crash: undefined },
    HASTY,
  );
  assert.deepEqual([...broken], ["Acknowledged while on * of * disks"]);
});

Deno.test("no broken promise is left out where records are not found", async () => {
  const broken = await assertNothingLost({ ...both, crash: undefined }, BLIND);
  assert.deepEqual([...broken], ["first was acknowledged and is not in a later read"]);
});
