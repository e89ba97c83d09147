import assert from "node:assert/strict";
import { startHttpDoor } from "../../../src/doors/http/server.ts";
import { LIMITS } from "../../../src/wire/limits.ts";
import { drop, OpenDoor, until } from "./open_door.ts";

const encoder = new TextEncoder();

/** A gate before every call of the node: calls wait until it opens. */
function closeGate({ api }: OpenDoor): { open(): void; waiting(): number } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let waiting = 0;
  api.before = async () => {
    waiting++;
    await promise;
  };
  return { open: resolve, waiting: () => waiting };
}

/** Reads what comes until it contains `end`. */
async function readUntil(connection: Deno.TcpConn, end: string): Promise<string> {
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!text.includes(end)) {
    const length = await connection.read(buffer);
    assert.ok(length !== null, `The connection ended after ${text}`);
    text += new TextDecoder().decode(buffer.subarray(0, length));
  }
  return text;
}

Deno.test("startHttpDoor() tells where it listens, and stop() ends it", async () => {
  const open = await OpenDoor.open();
  assert.equal(open.door.hostname, "127.0.0.1");
  assert.ok(open.door.port > 0);
  assert.equal((await drop(await open.fetch("/healthz"))).status, 200);
  await Promise.all([open.door.stop(), open.door.stop()]);
  await open.door.stop();
  await assert.rejects(open.connect(), Deno.errors.ConnectionRefused);
});

Deno.test("startHttpDoor() names the address that it cannot listen on", async () => {
  await using open = await OpenDoor.open();
  const { api } = open;
  const { port } = open.door;
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  await assert.rejects(
    startHttpDoor({ api, hostname: "127.0.0.1", port, log }),
    new RegExp(
      `^Error: Cannot listen for HTTP on 127.0.0.1:${port}: another process uses this port$`,
    ),
  );
  await assert.rejects(
    startHttpDoor({ api, hostname: "192.0.2.1", port: 0, log }),
    /Cannot listen for HTTP on 192.0.2.1:0: /,
  );
});

Deno.test("stop() lets answers under way end and refuses further requests", async () => {
  const open = await OpenDoor.open({ drainMs: 60_000 });
  const gate = closeGate(open);
  open.api.addSibling("large", { kind: "bytes", bytes: new Uint8Array(LIMITS.value) });
  const underWay = open.fetch("/kv/large");
  await until(() => gate.waiting() === 1, "the request to be under way");
  const stopped = open.door.stop();
  const refused = await open.json("/kv/other");
  assert.equal(refused.status, 503);
  assert.equal(refused.body.code, "stopped");
  assert.equal(refused.body.outcome, "no");
  gate.open();
  const answer = await underWay;
  assert.equal(answer.status, 200);
  assert.equal((await answer.bytes()).length, LIMITS.value);
  await stopped;
});

Deno.test("stop() ends in bounded time whatever clients hold open", async () => {
  const open = await OpenDoor.open({ drainMs: 20 });
  const gate = closeGate(open);
  const idle = await open.connect();
  await idle.write(encoder.encode("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"));
  await idle.read(new Uint8Array(1000));
  const halfHead = await open.connect();
  await halfHead.write(encoder.encode("GET /healthz HT"));
  const halfBody = await open.connect();
  await halfBody.write(
    encoder.encode("PUT /kv/k HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"),
  );
  const stuck = assert.rejects(open.fetch("/kv/k"));
  await until(() => gate.waiting() === 1, "the request to be under way");

  await open.door.stop();
  await stuck;
  for (const connection of [idle, halfHead, halfBody]) {
    assert.equal(await connection.read(new Uint8Array(10)).catch(() => null), null);
    connection.close();
  }
  gate.open();
});

Deno.test("a body at the limit is taken, one above is refused at its announced length", async () => {
  await using open = await OpenDoor.open();
  const largest = new Uint8Array(LIMITS.value);
  assert.equal((await drop(await open.put("/kv/k", largest))).status, 204);
  assert.equal((await (await open.fetch("/kv/k")).bytes()).length, LIMITS.value);

  const connection = await open.connect();
  const announced = LIMITS.value + 1;
  await connection.write(
    encoder.encode(`PUT /kv/k HTTP/1.1\r\nHost: h\r\nContent-Length: ${announced}\r\n\r\n`),
  );
  // Not one byte of the body has been sent.
  const answer = await readUntil(connection, "}");
  connection.close();
  assert.match(answer, /^HTTP\/1.1 413 /);
  assert.match(answer, new RegExp(`"limit":${LIMITS.value}`));
  assert.equal(open.api.calls.filter(({ method }) => method === "put").length, 1);
});

Deno.test("a body of unknown length is refused while it streams", async () => {
  await using open = await OpenDoor.open();
  const piece = new Uint8Array(64 * 1024);
  const endless = new ReadableStream({
    pull(controller) {
      controller.enqueue(piece);
    },
  });
  const response = await open.fetch("/kv/k", { method: "PUT", body: endless });
  assert.equal(response.status, 413);
  assert.equal((await response.json()).limit, LIMITS.value);
  assert.equal(open.api.calls.length, 0);
});

Deno.test("a body in many pieces arrives as one value", async () => {
  await using open = await OpenDoor.open();
  const pieces = ["one ", "two ", "three"];
  const body = new ReadableStream({
    async pull(controller) {
      const piece = pieces.shift();
      // One event-loop turn apart, so that they travel apart.
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (piece === undefined) controller.close();
      else controller.enqueue(encoder.encode(piece));
    },
  });
  await drop(await open.put("/kv/k", body, { "content-type": "text/plain" }));
  assert.equal(await (await open.fetch("/kv/k")).text(), "one two three");
});

Deno.test("an encoded body is refused, for it would be stored as it is", async () => {
  await using open = await OpenDoor.open();
  const { status, body } = await open.json("/kv/k", {
    method: "PUT",
    body: "v",
    headers: { "content-encoding": "gzip" },
  });
  assert.equal(status, 415);
  assert.equal(body.code, "unsupported_media_type");
  assert.equal(open.api.calls.length, 0);
});

Deno.test("a body that does not arrive in time answers 408", async () => {
  await using open = await OpenDoor.open({ bodyTimeoutMs: 20 });
  const connection = await open.connect();
  await connection.write(
    encoder.encode(
      "PUT /kv/k HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc",
    ),
  );
  const answer = await readUntil(connection, "}");
  connection.close();
  assert.match(answer, /^HTTP\/1.1 408 /);
  assert.match(answer, /"code":"body_timeout"/);
  assert.equal(open.api.calls.length, 0);
});

Deno.test("clients that go away leave nothing behind", async () => {
  await using open = await OpenDoor.open();
  const inFlight = async () => {
    const text = await (await open.fetch("/metrics")).text();
    return Number(/^denamo_http_requests_in_flight (\d+)$/m.exec(text)![1]);
  };
  // One goes while it sends its body, one while the node works for it.
  const halfBody = await open.connect();
  await halfBody.write(
    encoder.encode("PUT /kv/k HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"),
  );
  const gate = closeGate(open);
  const controller = new AbortController();
  const aborted = assert.rejects(open.fetch("/kv/k", { signal: controller.signal }));
  await until(() => gate.waiting() === 1, "the request to be under way");
  controller.abort();
  halfBody.close();
  await aborted;
  gate.open();

  const deadline = performance.now() + 10_000;
  while (await inFlight() > 1) assert.ok(performance.now() < deadline, "requests never ended");
  assert.deepEqual(open.api.calls.map(({ method }) => method), ["get"]);
  assert.deepEqual(open.logged, []);
});

Deno.test("requests for data beyond the limit are refused at once, those for health are not", async () => {
  await using open = await OpenDoor.open({ maxInFlight: 2 });
  const gate = closeGate(open);
  const underWay = [open.fetch("/kv/a"), open.fetch("/kv/b")];
  await until(() => gate.waiting() === 2, "two requests to be under way");
  const { status, body, headers } = await open.json("/kv/c");
  assert.equal(status, 503);
  assert.equal(body.code, "overloaded");
  assert.equal(body.limit, 2);
  assert.equal(headers.get("retry-after"), "1");
  assert.equal((await drop(await open.fetch("/healthz"))).status, 200);
  gate.open();
  for (const response of await Promise.all(underWay)) await drop(response);
  assert.equal((await drop(await open.fetch("/kv/c"))).status, 404);
});
