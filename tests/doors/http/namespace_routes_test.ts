import assert from "node:assert/strict";
import { OpenDoor } from "./open_door.ts";

function order(settings: unknown, contentType = "application/json"): RequestInit {
  const body = typeof settings === "string" ? settings : JSON.stringify(settings);
  return { method: "PUT", body, headers: { "content-type": contentType } };
}

Deno.test("a namespace is set, shown with the defaults, and removed", async () => {
  await using open = await OpenDoor.open();
  const set = await open.json("/namespaces/cart%3A", order({ w: "all", ttlMs: 60_000 }));
  assert.equal(set.status, 200);
  assert.deepEqual(set.body.settings, { w: "all", ttlMs: 60_000 });
  const inForce = { compress: false, n: 3, r: "quorum", w: "all", strict: false, timeoutMs: 5_000 };
  assert.deepEqual(set.body.inForce, { ...inForce, conflicts: "siblings", ttlMs: 60_000 });

  open.api.namespaces.differing = ["n3"];
  const { body } = await open.json("/namespaces");
  assert.deepEqual(body.defaults, { ...inForce, w: "quorum", conflicts: "siblings" });
  assert.deepEqual(body.namespaces, [set.body]);
  assert.deepEqual(body.differing, ["n3"]);

  const remove = { method: "DELETE" };
  assert.deepEqual((await open.json("/namespaces/cart%3A", remove)).body, { existed: true });
  assert.deepEqual((await open.json("/namespaces/cart%3A", remove)).body, { existed: false });
  assert.deepEqual((await open.json("/namespaces")).body.namespaces, []);
});

Deno.test("a prefix in a path is any text, percent-encoded or not", async () => {
  await using open = await OpenDoor.open();
  for (const [path, prefix] of [["a/b", "a/b"], ["%2F", "/"], ["%C3%BC%20", "ü "], ["%25", "%"]]) {
    const { body } = await open.json(`/namespaces/${path}`, order({ n: 2 }));
    assert.equal(body.prefix, prefix);
  }
});

Deno.test("PUT lists every mistake at once and sets nothing", async () => {
  await using open = await OpenDoor.open();
  const refused = await open.json("/namespaces/p", order({ n: 0, conflict: "lww", ttlMs: "1h" }));
  assert.deepEqual([refused.status, refused.body.code, refused.body.outcome], [
    400,
    "bad_request",
    "no",
  ]);
  assert.equal(refused.headers.get("content-type"), "application/problem+json");
  assert.deepEqual(refused.body.mistakes, [
    "n is 0, but must be a whole number from 1 to 16",
    "conflict is no setting of a namespace",
    'ttlMs is "1h", but must be a whole number from 1 to 315360000000',
  ]);
  const bad: [path: string, init: RequestInit, status: number][] = [
    ["/namespaces/", order({ n: 2 }), 400],
    ["/namespaces/%FF", order({ n: 2 }), 400],
    ["/namespaces/%zz", order({ n: 2 }), 400],
    ["/namespaces/p", order("[]"), 400],
    ["/namespaces/p", order("{"), 400],
    ["/namespaces/p", order({ n: 2 }, "text/plain"), 415],
    ["/namespaces/p", order({ n: 2, x: "x".repeat(5_000) }), 413],
    ["/namespaces/p?n=2", order({}), 400],
    ["/namespaces/p", { method: "POST" }, 405],
  ];
  for (const [path, init, status] of bad) {
    assert.equal((await open.json(path, init)).status, status, `${init.method} ${path}`);
  }
  assert.deepEqual((await open.json("/namespaces")).body.namespaces, []);
});
