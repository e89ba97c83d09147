import assert from "node:assert/strict";
import {
  IDEMPOTENCY_WINDOW_MS,
  withIdempotencyKey,
} from "../../../src/doors/http/idempotency_key.ts";
import type { NestedOperation } from "../../../src/node/api.ts";
import { OpenDoor } from "./open_door.ts";

/** A UUID of version 7 that was drawn at a time. */
function uuidAt(ms: number): string {
  const hex = ms.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7abc-9def-0123456789ab`;
}

async function change(open: OpenDoor, key: string | undefined, ...operations: object[]) {
  const response = await open.fetch("/kv/visits", {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(key === undefined ? {} : { "idempotency-key": key }),
    },
    body: JSON.stringify({ operations }),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

const ADD = { type: "counter", add: 5 };

Deno.test("a request with an Idempotency-Key counts once, however often it is made", async () => {
  await using open = await OpenDoor.open();
  const key = uuidAt(open.api.now);
  const first = await change(open, key, ADD, ADD);
  assert.deepEqual(first.body.results, [{ changed: 1, value: 5 }, { changed: 1, value: 10 }]);
  const again = await change(open, `"${key.toUpperCase()}"`, ADD, ADD);
  assert.deepEqual(again.body.results, [{ changed: 0, value: 10 }, { changed: 0, value: 10 }]);
  await change(open, uuidAt(open.api.now + 1), ADD);
  await change(open, undefined, ADD);
  assert.equal((await open.json("/kv/visits")).body, 20);
});

Deno.test("an id in the body does the same for one operation", async () => {
  await using open = await OpenDoor.open();
  const id = { session: "q7Xw0", number: 1, untilMs: open.api.now + 60_000 };
  const nested = (number: number) => ({
    type: "map",
    key: "n",
    operation: { type: "counter", add: 3, id: { ...id, number } },
  });
  const { body } = await change(open, undefined, nested(1), nested(1), nested(2));
  assert.deepEqual(body.results.map(({ value }: { value: number }) => value), [3, 3, 6]);
});

Deno.test("what is tried too late is gone: no, whatever became of earlier tries", async () => {
  await using open = await OpenDoor.open();
  const late = await change(open, uuidAt(open.api.now - IDEMPOTENCY_WINDOW_MS - 1), ADD);
  assert.equal(late.status, 410);
  assert.equal(late.body.code, "too_late");
  assert.equal(late.body.outcome, "no");
  assert.match(late.body.detail, /whether an earlier one has counted is not known/);
  assert.equal((await open.json("/kv/visits")).status, 404);
  const inTime = await change(open, uuidAt(open.api.now - IDEMPOTENCY_WINDOW_MS + 1), ADD);
  assert.equal(inTime.status, 200);
});

Deno.test("keys and ids that promise nothing are refused", async () => {
  await using open = await OpenDoor.open();
  const { now } = open.api;
  const key = uuidAt(now);
  const id = { session: "s", number: 1, untilMs: now };
  const wrong: [string | undefined, object][] = [
    ["my-key", ADD],
    [key.replace("-7abc-", "-4abc-"), ADD],
    [uuidAt(now + 3_600_000), ADD],
    [key, { type: "set", add: ["a"] }],
    [key, { type: "map", key: "k", operation: { type: "flag", on: true } }],
    [key, { ...ADD, id }],
    [undefined, { ...ADD, id: 7 }],
    [undefined, { ...ADD, id: { session: "s", number: 1 } }],
    [undefined, { ...ADD, id: { ...id, session: "two words" } }],
    [undefined, { ...ADD, id: { ...id, number: 0.5 } }],
    [undefined, { ...ADD, id: { ...id, untilMs: now + 3_600_000 } }],
  ];
  for (const [header, operation] of wrong) {
    const { body, status } = await change(open, header, operation);
    assert.deepEqual([status, body.code, body.outcome], [400, "bad_request", "no"], body.detail);
  }
});

Deno.test("the ids of one request are its operations in their order", () => {
  const add: NestedOperation = {
    type: "counter",
    operation: { kind: "add", amount: 1, id: undefined },
  };
  assert.equal(withIdempotencyKey([add], null)[0], add);
  const session = uuidAt(1_000);
  const untilMs = 1_000 + IDEMPOTENCY_WINDOW_MS;
  assert.deepEqual(
    withIdempotencyKey([add, add], session).map(({ operation }) =>
      (operation as { id: unknown }).id
    ),
    [{ session, number: 0, untilMs }, { session, number: 1, untilMs }],
  );
});
