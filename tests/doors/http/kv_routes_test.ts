import assert from "node:assert/strict";
import { utf8 } from "../../../src/base/bytes.ts";
import { LIMITS } from "../../../src/wire/limits.ts";
import { DenamoError, QuorumError, TimeoutError } from "../../../src/wire/errors.ts";
import { drop, OpenDoor } from "./open_door.ts";

const JSON_HEADERS = { "content-type": "application/json" };

Deno.test("a value that is put is read with its type, its context and its siblings", async () => {
  await using open = await OpenDoor.open();
  const put = await drop(await open.put("/kv/greeting", "hello"));
  assert.equal(put.status, 204);
  assert.equal(put.headers.get("denamo-siblings"), "1");
  const context = put.headers.get("denamo-context")!;

  const get = await open.fetch("/kv/greeting");
  assert.equal(get.status, 200);
  assert.equal(get.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.equal(get.headers.get("denamo-siblings"), "1");
  assert.equal(get.headers.get("denamo-expires-at-ms"), null);
  assert.equal(await get.text(), "hello");

  const again = await open.put("/kv/greeting", "hi", { "denamo-context": context });
  assert.equal((await drop(again)).headers.get("denamo-siblings"), "1");

  const gone = await drop(await open.fetch("/kv/greeting", { method: "DELETE" }));
  assert.equal(gone.status, 204);
  assert.equal(gone.headers.get("denamo-existed"), "true");
  const goneAgain = await drop(await open.fetch("/kv/greeting", { method: "DELETE" }));
  assert.equal(goneAgain.headers.get("denamo-existed"), "false");
});

Deno.test("the longest context that a node gives out goes through the door both ways", async () => {
  await using open = await OpenDoor.open();
  await drop(await open.put("/kv/k", "milk"));
  const longest = "x".repeat(LIMITS.contextToken);
  const { api } = open;
  const [get, put] = [api.get.bind(api), api.put.bind(api)];
  const taken: (string | undefined)[] = [];
  api.get = async (key, options) => {
    taken.push(options?.atLeast);
    const read = await get(key, {});
    return { ...read, exists: true, merged: read.merged, context: () => longest };
  };
  api.put = (key, value, options) => {
    taken.push(options?.context);
    return put(key, value, {});
  };
  const read = await drop(await open.fetch("/kv/k", { headers: { "denamo-at-least": longest } }));
  assert.equal(read.headers.get("denamo-context"), longest);
  const written = await drop(await open.put("/kv/k", "eggs", { "denamo-context": longest }));
  assert.equal(written.status, 204);
  assert.deepEqual(taken, [longest, longest]);
});

Deno.test("JSON and bytes come back as they were put", async () => {
  await using open = await OpenDoor.open();
  await drop(await open.put("/kv/j", '{"a":[1,{"b":null}]}', JSON_HEADERS));
  const { body, headers } = await open.json("/kv/j");
  assert.deepEqual(body, { a: [1, { b: null }] });
  assert.equal(headers.get("content-type"), "application/json");

  await drop(await open.put("/kv/b", Uint8Array.of(0, 255, 10)));
  const bytes = await open.fetch("/kv/b");
  assert.equal(bytes.headers.get("content-type"), "application/octet-stream");
  assert.deepEqual(await bytes.bytes(), Uint8Array.of(0, 255, 10));

  await drop(await open.fetch("/kv/none", { method: "PUT" }));
  assert.equal((await (await open.fetch("/kv/none")).bytes()).length, 0);
});

Deno.test("GET answers 300 and all siblings, or with siblings=latest the latest", async () => {
  await using open = await OpenDoor.open();
  open.api.addSibling("k", { kind: "text", bytes: utf8("one") });
  open.api.addSibling("k", { kind: "bytes", bytes: Uint8Array.of(255) });
  open.api.addSibling("k", { kind: "msgpack", bytes: Uint8Array.of(0x93, 1, 2, 3) });

  const { status, body, headers } = await open.json("/kv/k");
  assert.equal(status, 300);
  assert.equal(headers.get("denamo-siblings"), "3");
  assert.equal(headers.get("denamo-context"), body.context);
  assert.deepEqual(body.siblings, [
    { type: "application/json", value: [1, 2, 3] },
    { type: "application/octet-stream", base64: "/w==" },
    { type: "text/plain; charset=utf-8", value: "one" },
  ]);

  const latest = await open.json("/kv/k?siblings=latest");
  assert.equal(latest.status, 200);
  assert.deepEqual(latest.body, [1, 2, 3]);
  assert.equal(latest.headers.get("denamo-siblings"), "3");

  await drop(await open.put("/kv/k", "merged", { "denamo-context": body.context }));
  assert.equal(await (await open.fetch("/kv/k")).text(), "merged");
});

Deno.test("a put whose context covers only a part leaves siblings, and no context", async () => {
  await using open = await OpenDoor.open();
  const first = await drop(await open.put("/kv/k", "a"));
  const context = first.headers.get("denamo-context")!;
  await drop(await open.put("/kv/k", "b", { "denamo-context": context }));
  const third = await drop(await open.put("/kv/k", "c", { "denamo-context": context }));
  assert.equal(third.headers.get("denamo-siblings"), "2");
  assert.equal(third.headers.get("denamo-context"), null);
});

Deno.test("a read that carries Denamo-At-Least answers with nothing older than what gave it", async () => {
  await using open = await OpenDoor.open();
  await using behind = await OpenDoor.open();
  const written = await drop(await open.put("/kv/k", "a"));
  const context = written.headers.get("denamo-context")!;
  assert.equal(written.headers.get("denamo-at-least"), context);
  const read = await drop(await open.fetch("/kv/k"));
  for (const token of [context, read.headers.get("denamo-context")!]) {
    const headers = { "denamo-at-least": token };
    assert.equal(await (await open.fetch("/kv/k", { headers })).text(), "a");
    const { status, body } = await behind.json("/kv/k", { headers });
    assert.deepEqual([status, body.code, body.outcome], [503, "stale", "no"]);
  }
  const headers = { "denamo-at-least": "nonsense" };
  assert.equal((await open.json("/kv/k", { headers })).body.code, "bad_context");
});

Deno.test("a write that leaves siblings, and a delete, can be asked for by a later read", async () => {
  await using open = await OpenDoor.open();
  const first = await drop(await open.put("/kv/k", "a"));
  const context = first.headers.get("denamo-context")!;
  await drop(await open.put("/kv/k", "b", { "denamo-context": context }));
  const third = await drop(await open.put("/kv/k", "c", { "denamo-context": context }));
  assert.equal(third.headers.get("denamo-context"), null);
  const headers = { "denamo-at-least": third.headers.get("denamo-at-least")! };
  assert.equal((await open.json("/kv/k", { headers })).status, 300);
  const deleted = await drop(await open.fetch("/kv/k", { method: "DELETE" }));
  assert.ok(deleted.headers.get("denamo-at-least"));
});

Deno.test("GET of an absent key answers 404, a context, and the outcome ok", async () => {
  await using open = await OpenDoor.open();
  const { status, body, headers } = await open.json("/kv/absent");
  assert.equal(status, 404);
  assert.equal(headers.get("content-type"), "application/problem+json");
  assert.equal(body.code, "not_found");
  assert.equal(body.outcome, "ok");
  assert.ok(headers.get("denamo-context"));
});

Deno.test("HEAD answers the headers of GET and no body", async () => {
  await using open = await OpenDoor.open();
  await drop(await open.put("/kv/k", "hello"));
  const head = await open.fetch("/kv/k", { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get("content-length"), "5");
  assert.equal(head.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.ok(head.headers.get("denamo-context"));
  assert.equal(await head.text(), "");
  assert.equal((await drop(await open.fetch("/kv/none", { method: "HEAD" }))).status, 404);
});

Deno.test("options of a request reach the node as they were given", async () => {
  await using open = await OpenDoor.open();
  const { api } = open;
  const lastOptions = () =>
    Object.fromEntries(
      Object.entries(api.calls.at(-1)!.options).filter(([, value]) => value !== undefined),
    );
  await drop(await open.fetch("/kv/k?r=2&strict=true&timeoutMs=700"));
  assert.deepEqual(lastOptions(), { r: 2, strict: true, timeoutMs: 700 });
  await drop(await open.put("/kv/k?w=all&strict=false&ttlMs=5000", "v"));
  assert.deepEqual(lastOptions(), { w: "all", strict: false, expiresAtMs: api.now + 5000 });
  await drop(await open.put(`/kv/k?expiresAtMs=${api.now + 7}`, "v"));
  assert.deepEqual(lastOptions(), { expiresAtMs: api.now + 7 });
  const read = await drop(await open.fetch("/kv/k"));
  assert.equal(read.headers.get("denamo-expires-at-ms"), String(api.now + 7));
  await drop(await open.fetch("/kv/k?w=1&timeoutMs=60000", { method: "DELETE" }));
  assert.deepEqual(lastOptions(), { w: 1, timeoutMs: 60000 });
});

Deno.test("requests that make no sense are refused before they reach the node", async () => {
  await using open = await OpenDoor.open();
  const text = { "content-type": "text/plain" };
  const refused: [path: string, init: RequestInit, named: RegExp][] = [
    ["/kv/", {}, /key in the path is empty/],
    ["/kv/%zz", {}, /hexadecimal/],
    ["/kv/k?w=1", {}, /"w"/],
    ["/kv/k?r=0", {}, /"r"/],
    ["/kv/k?r=1&r=1", {}, /"r" is given twice/],
    ["/kv/k?timeoutMs=60001", {}, /"timeoutMs"/],
    ["/kv/k?siblings=some", {}, /"siblings"/],
    ["/kv/k?r=1", { method: "PUT", body: "v" }, /"r"/],
    ["/kv/k?ttlMs=-1", { method: "PUT", body: "v" }, /"ttlMs"/],
    ["/kv/k?ttlMs=1&expiresAtMs=1", { method: "PUT", body: "v" }, /exclude each other/],
    ["/kv/k", { method: "PUT", body: "{", headers: JSON_HEADERS }, /JSON/],
    ["/kv/k", { method: "PUT", body: Uint8Array.of(255), headers: text }, /not UTF-8/],
    ["/kv/k?ttlMs=1", { method: "DELETE" }, /"ttlMs"/],
  ];
  for (const [path, init, named] of refused) {
    const { status, body, headers } = await open.json(path, init);
    assert.equal(status, 400, path);
    assert.equal(headers.get("content-type"), "application/problem+json");
    assert.equal(body.code, "bad_request", path);
    assert.equal(body.outcome, "no");
    assert.match(body.detail, named);
  }
  assert.equal(open.api.calls.length, 0);
});

Deno.test("a damaged context, or one of another key, is refused", async () => {
  await using open = await OpenDoor.open();
  const other = await drop(await open.put("/kv/other", "v"));
  for (const context of ["nonsense", other.headers.get("denamo-context")!]) {
    for (const method of ["PUT", "DELETE"]) {
      const headers = { "denamo-context": context };
      const { status, body } = await open.json("/kv/k", { method, headers });
      assert.equal(status, 400);
      assert.equal(body.code, "bad_context");
    }
  }
});

Deno.test("what the node throws becomes a problem with its numbers and its outcome", async () => {
  await using open = await OpenDoor.open();
  const numbers = { needed: 2, got: 1, asked: 3, causes: ["n2 timed out", "n3 refused"] };
  open.api.failNext(new QuorumError("write quorum", "unknown", numbers));
  const quorum = await open.json("/kv/k", { method: "PUT", body: "v" });
  assert.equal(quorum.status, 503);
  assert.deepEqual(quorum.body, {
    type: "urn:denamo:problem:quorum",
    title: "Too few owners answered",
    status: 503,
    detail: "Cannot reach write quorum: 1 of 2 needed from 3 asked, n2 timed out, n3 refused",
    code: "quorum",
    outcome: "unknown",
    ...numbers,
  });

  open.api.failNext(new TimeoutError("Reading", "no", 50));
  const timeout = await open.json("/kv/k");
  assert.equal(timeout.status, 504);
  assert.equal(timeout.body.timeoutMs, 50);

  // Details cannot pass for the members that clients decide by.
  open.api.failNext(
    new DenamoError("conflict", "no", "Conflict", { code: "x", status: 200, n: 5n }),
  );
  const conflict = await open.json("/kv/k");
  assert.equal(conflict.body.status, 409);
  assert.equal(conflict.body.code, "conflict");
  assert.equal(conflict.body.n, "5");
  assert.deepEqual(open.logged, []);
});

Deno.test("a mistake in Denamo itself answers 500, outcome unknown, and is logged without the key", async () => {
  await using open = await OpenDoor.open();
  for (const mistake of [new TypeError("x is not a function"), "no Error at all"]) {
    open.api.failNext(mistake);
    const { status, body } = await open.json("/kv/secret");
    assert.equal(status, 500);
    assert.equal(body.code, "internal");
    assert.equal(body.outcome, "unknown");
    const line = open.logged.pop()!;
    assert.match(line, /^error HTTP request failed .*"\/kv\/\{key\}"/);
    assert.doesNotMatch(line, /secret/);
  }
});

Deno.test("a key over its limit answers 413 with the limit", async () => {
  await using open = await OpenDoor.open();
  const { status, body } = await open.json(`/kv/${"k".repeat(1025)}`);
  assert.equal(status, 413);
  assert.equal(body.limit, 1024);
  assert.equal(body.size, 1025);
});
