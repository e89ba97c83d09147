import assert from "node:assert/strict";
import { DelayBounded } from "./delay_bounded.ts";
import { EveryOrder, type Explorer } from "./every_order.ts";
import { explore } from "./explore.ts";
import { BLIND, HASTY, RESUMED } from "./mistakes.ts";
import type { Scenario } from "./scenario.ts";
import { DELAYS, scenarioCalled } from "./scenarios.ts";
import { SomeOrders } from "./some_orders.ts";
import type { Variation } from "./small_world.ts";

/** In so many orders a mistake must show: one takes a loss that is met in one of 1,500, the others show within 50. */
const WITHIN_ORDERS = 10_000;

const drawn = () => new SomeOrders("resumed", WITHIN_ORDERS);

async function assertFound(
  scenario: Scenario,
  explorer: Explorer,
  variation: Variation,
  expected: RegExp,
): Promise<void> {
  const isFound = (kinds: ReadonlySet<string>) => [...kinds].some((kind) => expected.test(kind));
  const { brokenKinds } = await explore(scenario, explorer, {
    variation,
    isEnough: ({ brokenKinds, orderCount }) => {
      return isFound(brokenKinds) || orderCount >= WITHIN_ORDERS;
    },
  });
  assert.ok(isFound(brokenKinds), `Found are: ${[...brokenKinds].join("; ") || "no problems"}`);
}

const inTurn = scenarioCalled("put, put, put in turn at n1, r one, w one, n1 dies, disk kept");

Deno.test("commits that are acknowledged too early are found", async () => {
  const scenario = scenarioCalled(
    "put and put with one context at n1 n2, r one, w all, n1 dies, disk kept",
  );
  await assertFound(scenario, new EveryOrder(), HASTY, /^Acknowledged while on/);
});

Deno.test("records that are not found are found missing", async () => {
  const scenario = scenarioCalled("put and get at n1 n2, r one, w all, n1 dies, disk kept");
  await assertFound(scenario, drawn(), BLIND, /is not in a later read/);
});

Deno.test("an actor that is resumed is found", async () => {
  const scenario = { ...inTurn, requests: inTurn.requests.slice(0, 2) };
  await assertFound(scenario, new EveryOrder(), RESUMED, /^Actor \* wrote in run/);
});

Deno.test("what becomes of the writes of an actor that is resumed is found", async () => {
  await assertFound(inTurn, drawn(), RESUMED, /lost write/);
});

Deno.test("commits that are acknowledged too early are found among three nodes", async () => {
  const scenario = scenarioCalled(
    "three puts with one context at n1 n2 n3, r quorum, w quorum, no crash",
  );
  await assertFound(scenario, new DelayBounded(DELAYS), HASTY, /^Acknowledged while on/);
});
