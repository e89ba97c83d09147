// Two nodes and two requests. Without a crash every order is run of each pair where a write must be on both. With one
// there are thousands of orders of each scenario: every order is run of two puts in turn, and a few are drawn of
// all others; `deno run -A scripts/exhaustive.ts` runs all of all.

import assert from "node:assert/strict";
import { EveryOrder } from "./every_order.ts";
import { explore } from "./explore.ts";
import { scenarioCalled, TWO_NODES } from "./scenarios.ts";
import { SomeOrders } from "./some_orders.ts";

const ORDERS_OF_EACH = 4;

Deno.test("two puts in turn keep every promise in every order with a crash", async () => {
  const three = scenarioCalled(
    "put, put, put in turn at n1, r one, w all, n1 dies, disk kept",
  );
  const scenario = { ...three, requests: three.requests.slice(0, 2) };
  const { firstBroken, isComplete, orderCount, results } = await explore(
    scenario,
    new EveryOrder(),
  );
  assert.equal(firstBroken, undefined);
  assert.ok(isComplete);
  assert.ok(orderCount > 50, `${orderCount} orders`);
  assert.ok(results.size > 5, `${results.size} results`);
});

for (const scenario of TWO_NODES) {
  const { crash, isInTurn, name, requests } = scenario;
  if (isInTurn || crash?.disk !== "emptied" || requests[1]!.at === "n1") continue;
  const pair = name.slice(0, name.indexOf(", n1 dies"));
  Deno.test(`${pair}: every promise is kept in every order without a crash`, async () => {
    const calm = { ...scenario, crash: undefined };
    const { firstBroken, isComplete } = await explore(calm, new EveryOrder());
    assert.equal(firstBroken, undefined);
    assert.ok(isComplete);
  });
}

Deno.test("all scenarios keep every promise in a few orders", async () => {
  for (const scenario of TWO_NODES) {
    const { name } = scenario;
    const { firstBroken } = await explore(scenario, new SomeOrders(name, ORDERS_OF_EACH));
    assert.equal(firstBroken, undefined, name);
  }
});
