import assert from "node:assert/strict";
import { DenamoError } from "../../../src/wire/errors.ts";
import { drop, OpenDoor } from "./open_door.ts";

function post(body: string, contentType = "application/json"): RequestInit {
  return { method: "POST", body, headers: { "content-type": contentType } };
}

Deno.test("the door shows status, members and ring as the node says them", async () => {
  await using open = await OpenDoor.open();
  const { api } = open;
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
  assert.deepEqual((await open.json("/status")).body, plain(api.status()));
  assert.deepEqual((await open.json("/cluster/members")).body, { members: plain(api.members()) });
  assert.deepEqual((await open.json("/cluster/ring")).body, plain(api.ring()));
  assert.deepEqual((await open.json("/cluster/ring?key=a%FFb")).body, {
    ...plain(api.ring()),
    placement: plain(api.placement(Uint8Array.of(0x61, 0xff, 0x62))),
  });
});

Deno.test("POST /cluster/layout makes the first layout, once", async () => {
  await using open = await OpenDoor.open();
  open.api.ringView = undefined;
  const before = await open.json("/cluster/ring");
  assert.equal(before.status, 503);
  assert.equal(before.body.code, "not_ready");

  const request = post('{"members":["n1","n2","n3"]}', "application/json; charset=utf-8");
  const made = await open.json("/cluster/layout", request);
  assert.equal(made.status, 201);
  assert.equal(made.headers.get("location"), "/cluster/ring");
  assert.deepEqual(made.body, (await open.json("/cluster/ring")).body);

  const again = await open.json("/cluster/layout", request);
  assert.equal(again.status, 409);
  assert.equal(again.body.code, "layout_exists");
});

Deno.test("POST /cluster/layout names the members that are not seen", async () => {
  await using open = await OpenDoor.open();
  open.api.ringView = undefined;
  const { status, body } = await open.json("/cluster/layout", post('{"members":["n1","n9"]}'));
  assert.equal(status, 409);
  assert.equal(body.code, "layout_refused");
  assert.deepEqual(body.missing, ["n9"]);
});

Deno.test("POST /cluster/layout leaves out nodes that are seen only if it is forced", async () => {
  await using open = await OpenDoor.open();
  open.api.ringView = undefined;
  const refused = await open.json("/cluster/layout", post('{"members":["n1"]}'));
  assert.deepEqual([refused.status, refused.body.code], [409, "layout_refused"]);
  const forced = await open.json("/cluster/layout", post('{"members":["n1"],"force":true}'));
  assert.equal(forced.status, 201);
});

Deno.test("POST /cluster/layout refuses bodies that are no layout request", async () => {
  await using open = await OpenDoor.open();
  open.api.ringView = undefined;
  const refused: [body: string, named: RegExp][] = [
    ["", /not JSON/],
    ["{", /not JSON/],
    ["null", /body/],
    ["[]", /body/],
    ["{}", /members/],
    ['{"members":"n1"}', /members/],
    ['{"members":[]}', /members/],
    ['{"members":[1]}', /members\.0/],
    ['{"members":["n1",""]}', /members\.1/],
    ['{"members":["n1","n1"]}', /named twice/],
    ['{"members":["n1"],"force":1}', /force/],
    [JSON.stringify({ members: ["é".repeat(33)] }), /longer than 64 bytes/],
  ];
  for (const [text, named] of refused) {
    const { status, body } = await open.json("/cluster/layout", post(text));
    assert.equal(status, 400, text);
    assert.equal(body.code, "bad_request");
    assert.match(body.detail, named);
  }
  assert.equal(open.api.ring(), undefined);
});

Deno.test("POST /cluster/layout takes only what a foreign web page cannot send", async () => {
  await using open = await OpenDoor.open();
  open.api.ringView = undefined;
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
    const { status, body } = await open.json("/cluster/layout", post('{"members":["n1"]}', type));
    assert.equal(status, 415);
    assert.equal(body.code, "unsupported_media_type");
  }
  assert.equal(open.api.ring(), undefined);
});

Deno.test("/healthz says that the process lives, /readyz whether it can serve", async () => {
  await using open = await OpenDoor.open();
  assert.deepEqual((await open.json("/readyz")).body, { status: "ready" });
  open.api.isReady = false;
  assert.deepEqual((await open.json("/healthz")).body, { status: "ok" });
  const { status, body } = await open.json("/readyz");
  assert.equal(status, 503);
  assert.equal(body.code, "not_ready");
  assert.equal(body.detail, "There is no layout yet");
});

Deno.test("unknown routes and methods are named, and the methods of a route are listed", async () => {
  await using open = await OpenDoor.open();
  for (const path of ["/", "/nope", "/kv2", "/status/", "//kv/a", "/KV/a", "/cluster"]) {
    const { status, body } = await open.json(path);
    assert.equal(status, 404, path);
    assert.equal(body.code, "unknown_route");
    assert.ok(body.detail.includes(path));
  }
  const allowed: [path: string, method: string, allow: string][] = [
    ["/kv/k", "PATCH", "GET, HEAD, PUT, DELETE, POST"],
    ["/kv/k", "OPTIONS", "GET, HEAD, PUT, DELETE, POST"],
    ["/kv", "DELETE", "GET, HEAD"],
    ["/status", "PUT", "GET, HEAD"],
    ["/cluster/layout", "GET", "POST"],
    ["/cluster/layout", "HEAD", "POST"],
  ];
  for (const [path, method, allow] of allowed) {
    const response = await open.fetch(path, { method });
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("allow"), allow);
    if (method === "HEAD") await drop(response);
    else assert.equal((await response.json()).code, "method_not_allowed");
  }
  const unknown = await open.json("/status?verbose=1");
  assert.equal(unknown.body.parameter, "verbose");
});

Deno.test("answers allow no foreign page to read them, and no cache to keep them", async () => {
  await using open = await OpenDoor.open();
  open.api.failNext(new DenamoError("overloaded", "no", "A queue is full"));
  for (const path of ["/kv/k", "/kv/k", "/status", "/nope"]) {
    const headers = { origin: "http://elsewhere.example" };
    const response = await drop(await open.fetch(path, { headers }));
    assert.equal(response.headers.get("access-control-allow-origin"), null);
    assert.equal(response.headers.get("cache-control"), "no-store");
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  }
});
