import assert from "node:assert/strict";
import { OpenDoor } from "./open_door.ts";

async function change(open: OpenDoor, key: string, ...operations: object[]) {
  const response = await open.fetch(`/kv/${key}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ operations }),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

Deno.test("POST changes values that merge, and GET shows them as JSON", async () => {
  await using open = await OpenDoor.open();
  const counted = await change(open, "c", { type: "counter", add: 5 }, {
    type: "counter",
    add: -7,
  });
  assert.deepEqual(counted, {
    status: 200,
    body: { results: [{ changed: 1, value: 5 }, { changed: 1, value: -2 }] },
  });
  assert.equal((await open.json("/kv/c")).body, -2);

  const base64 = "/w==";
  await change(open, "s", { type: "set", add: ["milk", { base64 }, "tea"] });
  const removed = await change(open, "s", { type: "set", remove: ["tea", "none"] });
  assert.deepEqual(removed.body.results, [{ changed: 1 }]);
  assert.deepEqual((await open.json("/kv/s")).body, ["milk", { base64 }]);

  await change(
    open,
    "m",
    { type: "map", key: "n", operation: { type: "counter", add: 3 } },
    { type: "map", key: "t", operation: { type: "register", set: "Ada" } },
    { type: "map", key: "gone", operation: { type: "flag", on: true } },
    { type: "map", remove: ["gone"] },
  );
  assert.deepEqual((await open.json("/kv/m")).body, [
    { key: "n", type: "counter", value: 3 },
    { key: "t", type: "register", value: { type: "text/plain; charset=utf-8", value: "Ada" } },
  ]);

  await change(open, "x", { type: "max", put: 2.5 }, { type: "max", put: 1 });
  assert.equal((await open.json("/kv/x")).body, 2.5);
  await change(open, "h", { type: "hyperloglog", add: ["a", "b", "a"] });
  assert.equal((await open.json("/kv/h")).body, 2);
  const { body } = await open.json("/kv?values=true&prefix=c");
  assert.deepEqual(body.keys, [{ key: "c", type: "counter", value: -2, siblings: 1 }]);
});

Deno.test("what is no operation is refused, and changes nothing", async () => {
  await using open = await OpenDoor.open();
  const wrong: object[] = [
    {},
    { type: "list", add: ["a"] },
    { type: "counter", add: 1.5 },
    { type: "counter", add: "1" },
    { type: "set", add: "a" },
    { type: "set", add: [{ base64: "?" }] },
    { type: "map", key: "a" },
    { type: "flag", on: 1 },
    { type: "document", update: 7 },
  ];
  for (const operation of wrong) {
    const { body, status } = await change(open, "k", { type: "counter", add: 1 }, operation);
    assert.equal(status, 400, JSON.stringify(operation));
    assert.equal(body.outcome, "no");
  }
  assert.equal((await open.json("/kv/k")).status, 404);
  await open.put("/kv/k", "hello");
  const { body, status } = await change(open, "k", { type: "set", add: ["a"] });
  assert.deepEqual([status, body.code, body.outcome], [409, "wrong_type", "no"]);
});
