import assert from "node:assert/strict";
import { drop, OpenDoor } from "./open_door.ts";

Deno.test("If-Match with the ETag of a read puts where nothing has changed, and is refused elsewhere", async () => {
  await using open = await OpenDoor.open();
  await drop(await open.put("/kv/k", "one"));
  const first = await drop(await open.fetch("/kv/k"));
  const etag = first.headers.get("etag")!;
  assert.equal(etag, `"${first.headers.get("denamo-context")}"`);

  const put = await drop(await open.put("/kv/k", "two", { "if-match": etag }));
  assert.equal(put.status, 204);
  const refused = await open.put("/kv/k", "three", { "if-match": etag });
  assert.equal(refused.status, 412);
  const problem = await refused.json();
  assert.equal(problem.code, "precondition_failed");
  assert.equal(problem.outcome, "no");
  const found = await open.fetch("/kv/k");
  assert.equal(await found.text(), "two");
  assert.equal(refused.headers.get("denamo-context"), found.headers.get("denamo-context"));

  const remove = { method: "DELETE", headers: { "if-match": etag } };
  assert.equal((await drop(await open.fetch("/kv/k", remove))).status, 412);
  const current = {
    method: "DELETE",
    headers: { "if-match": `"x", W/${found.headers.get("etag")}` },
  };
  assert.equal((await drop(await open.fetch("/kv/k", current))).status, 204);
  assert.equal((await drop(await open.put("/kv/k", "four", { "if-match": "*" }))).status, 412);
});

Deno.test("If-None-Match spares a reader what it has", async () => {
  await using open = await OpenDoor.open();
  await drop(await open.put("/kv/k", "one"));
  const etag = (await drop(await open.fetch("/kv/k"))).headers.get("etag")!;
  const known = await open.fetch("/kv/k", { headers: { "if-none-match": etag } });
  assert.equal(known.status, 304);
  assert.equal(await known.text(), "");
  assert.equal(known.headers.get("etag"), etag);
  await drop(await open.put("/kv/k", "two"));
  const changed = await open.fetch("/kv/k", { headers: { "if-none-match": etag } });
  assert.equal(changed.status, 200);
  assert.equal(await changed.text(), "two");
});

Deno.test("a value that merges has an ETag too", async () => {
  await using open = await OpenDoor.open();
  const operations = JSON.stringify({ operations: [{ type: "counter", add: 5 }] });
  const headers = { "content-type": "application/json" };
  await drop(await open.fetch("/kv/c", { method: "POST", body: operations, headers }));
  const etag = (await drop(await open.fetch("/kv/c"))).headers.get("etag")!;
  const known = await drop(await open.fetch("/kv/c", { headers: { "if-none-match": etag } }));
  assert.equal(known.status, 304);
});

Deno.test("conditions that nobody can decide are refused, without effect", async () => {
  await using open = await OpenDoor.open();
  const date = "Tue, 01 Sep 2026 00:00:00 GMT";
  const cases: [Record<string, string>, number][] = [
    [{ "if-none-match": "*" }, 501],
    [{ "if-none-match": '"x"' }, 501],
    [{ "if-unmodified-since": date }, 501],
    [{ "if-modified-since": date }, 501],
    [{ "if-range": '"x"' }, 501],
    [{ "content-range": "bytes 0-1/2" }, 400],
    [{ "if-match": "*", "denamo-context": "x" }, 400],
  ];
  for (const [headers, status] of cases) {
    const put = await open.put("/kv/k", "v", headers);
    assert.equal(put.status, status, JSON.stringify(headers));
    assert.equal((await put.json()).outcome, "no");
  }
  assert.equal((await drop(await open.fetch("/kv/k"))).status, 404);
  const body = JSON.stringify({ operations: [{ type: "counter", add: 5 }] });
  const headers = { "content-type": "application/json", "if-match": "*" };
  const update = await drop(await open.fetch("/kv/c", { method: "POST", body, headers }));
  assert.equal(update.status, 501);
});
