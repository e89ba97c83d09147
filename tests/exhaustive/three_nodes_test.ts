// Three nodes and three requests. Without a crash every order within one or two delays is run of some scenarios; of
// all, with a crash and without, a few are drawn; `deno run -A scripts/exhaustive.ts` runs all of all.

import assert from "node:assert/strict";
import { DelayBounded } from "./delay_bounded.ts";
import { explore } from "./explore.ts";
import { DELAYS, scenarioCalled, THREE_NODES } from "./scenarios.ts";
import { SomeOrders } from "./some_orders.ts";

const ORDERS_OF_EACH = 4;

const COMPLETE = [
  ["put, delete and get at n1 n2 n3, r quorum, w quorum, no crash", 1],
  ["get, put, put in turn at n1 n2 n3, r quorum, w quorum, no crash", DELAYS],
] as const;

for (const [name, delays] of COMPLETE) {
  Deno.test(`${name}: every promise is kept within ${delays} delays`, async () => {
    const { firstBroken, isComplete, orderCount } = await explore(
      scenarioCalled(name),
      new DelayBounded(delays),
    );
    assert.equal(firstBroken, undefined);
    assert.ok(isComplete);
    assert.ok(orderCount > 10, `${orderCount} orders`);
  });
}

Deno.test("all scenarios keep every promise in a few orders", async () => {
  for (const scenario of THREE_NODES) {
    const { name } = scenario;
    const { firstBroken } = await explore(scenario, new SomeOrders(name, ORDERS_OF_EACH));
    assert.equal(firstBroken, undefined, name);
  }
});
