import assert from "node:assert/strict";
import { Database } from "../../src/client/database.ts";
import { OperationIds, RETRY_MS_MAX, untilKnown } from "../../src/client/repeated_add.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import { FakeNodeApi } from "../doors/fake_node_api.ts";

const UNKNOWN = new DenamoError("timeout", "unknown", "The request took longer than 1 ms");
const NO = new DenamoError("overloaded", "no", "The queue is full");

/** A node whose time is ours. */
function nodeOfToday(): FakeNodeApi {
  const api = new FakeNodeApi();
  api.now = Date.now();
  return api;
}

/** A node that carries out the next update and loses the answer. */
function losesAnswer(api: FakeNodeApi): void {
  const { update } = api;
  api.update = async (...args) => {
    api.update = update;
    await update.apply(api, args);
    throw UNKNOWN;
  };
}

Deno.test("what is added with retryMs counts once though the answer was lost", async () => {
  const api = nodeOfToday();
  const db = new Database(api);
  losesAnswer(api);
  assert.equal(await db.counter("visits").add(5, { retryMs: 10_000 }), 5n);
  losesAnswer(api);
  assert.equal(await db.map("user").add("logins", 2, { retryMs: 10_000, w: "all" }), 2n);
  assert.equal(api.calls.at(-1)!.options.w, "all");
  losesAnswer(api);
  await assert.rejects(db.counter("visits").add(1), { outcome: "unknown" });
  assert.equal(await db.counter("visits").value(), 6n, "tried once, and it had been done");
});

Deno.test("a program tries again itself with an id, through any node", async () => {
  const api = nodeOfToday();
  const [db, other] = [new Database(api), new Database(api)];
  const id = db.operationId(60_000);
  losesAnswer(api);
  await assert.rejects(db.counter("visits").add(5, { id }), { outcome: "unknown" });
  assert.equal(await other.counter("visits").add(5, { id }), 5n);
  api.now += 3_600_000;
  assert.equal(await other.counter("visits").add(5, { id }), 5n, "the node knows it still");
  await assert.rejects(other.counter("visits").add(5, { id: db.operationId() }), {
    code: "too_late",
    outcome: "no",
  });
});

Deno.test("ids are never the same, and are tried for a bounded time", () => {
  const [one, other] = [new OperationIds(), new OperationIds()];
  const ids = [one.next(1_000), one.next(1_000), other.next(1_000)];
  assert.equal(new Set(ids.map(({ number, session }) => `${number} ${session}`)).size, 3);
  assert.ok(ids[0]!.untilMs >= Date.now());
  for (const wrong of [0, -1, NaN, RETRY_MS_MAX + 1]) {
    assert.throws(() => one.next(wrong), RangeError);
  }
});

Deno.test("untilKnown() ends with what is known of the operation, not of the last try", async () => {
  const attempts = (...outcomes: (DenamoError | string)[]) => () => {
    const outcome = outcomes.shift()!;
    return outcome instanceof DenamoError ? Promise.reject(outcome) : Promise.resolve(outcome);
  };
  assert.equal(await untilKnown(attempts(UNKNOWN, NO, "done"), 10_000), "done");
  await assert.rejects(untilKnown(attempts(NO), 10_000), NO);
  await assert.rejects(untilKnown(attempts(UNKNOWN, NO), 60), UNKNOWN);
  const mistake = new TypeError("This is no answer");
  await assert.rejects(untilKnown(() => Promise.reject(mistake), 10_000), mistake);
});
