// What the door does with connections, seen by clients without manners.

import assert from "node:assert/strict";
import { utf8 } from "../../../src/base/bytes.ts";
import { ClientMemory } from "../../../src/doors/client_memory.ts";
import { ClientSlots } from "../../../src/doors/client_slots.ts";
import { HTTP_LIMITS } from "../../../src/doors/http/http_limits.ts";
import { OpenDoor, until } from "./open_door.ts";

/** Short enough for a test that has to see them pass: the door looks once a second. */
const SHORT_TIMES = { headMs: 50, idleMs: 60_000, slowReaderMs: 50 };

async function send(open: OpenDoor, text: string): Promise<Deno.TcpConn> {
  const connection = await open.connect();
  await write(connection, text);
  return connection;
}

async function write(connection: Deno.TcpConn, text: string): Promise<void> {
  for (let rest = utf8(text); rest.length > 0;) {
    rest = rest.subarray(await connection.write(rest));
  }
}

/** Everything until the door closes the connection. */
async function rest(connection: Deno.TcpConn): Promise<string> {
  return await new Response(connection.readable).text();
}

const GET = "GET /kv/k HTTP/1.1\r\nHost: h\r\n\r\n";
const LAST_GET = GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");

Deno.test("requests that are sent at once are answered in their order", async () => {
  await using open = await OpenDoor.open();
  const put =
    "PUT /kv/k HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n";
  const connection = await send(open, `${put}1${GET}${put}2\r\n${LAST_GET}`);
  const answers = (await rest(connection)).split("HTTP/1.1 ").slice(1);
  assert.deepEqual(answers.map((answer) => answer.slice(0, 3)), ["204", "200", "204", "200"]);
  assert.ok(answers[1]!.endsWith("\r\n\r\n1"));
  assert.ok(answers[3]!.endsWith("\r\n\r\n2"));
});

Deno.test("HEAD is answered like GET, without the body", async () => {
  await using open = await OpenDoor.open();
  await (await open.put("/kv/k", "value")).body?.cancel();
  const connection = await send(open, LAST_GET.replace("GET", "HEAD"));
  const answer = await rest(connection);
  assert.match(answer, /^HTTP\/1.1 200 OK\r\n/);
  assert.match(answer, /\r\ncontent-length: 5\r\n/);
  assert.ok(answer.endsWith("\r\n\r\n"));
});

Deno.test("a client that waits for 100 Continue is told to go on", async () => {
  await using open = await OpenDoor.open();
  const connection = await send(
    open,
    "PUT /kv/k HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nConnection: close\r\n" +
      "Content-Length: 5\r\n\r\n",
  );
  const buffer = new Uint8Array(100);
  const count = await connection.read(buffer);
  assert.equal(
    new TextDecoder().decode(buffer.subarray(0, count!)),
    "HTTP/1.1 100 Continue\r\n\r\n",
  );
  await write(connection, "value");
  assert.match(await rest(connection), /^HTTP\/1.1 204 /);
});

Deno.test("HTTP/1.0 has a connection for each request unless it asks for more", async () => {
  await using open = await OpenDoor.open();
  const once = await send(open, "GET /healthz HTTP/1.0\r\n\r\n");
  assert.match(await rest(once), /\r\nconnection: close\r\n/);
  const more = await send(
    open,
    "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /healthz HTTP/1.0\r\n\r\n",
  );
  assert.equal((await rest(more)).split("HTTP/1.1 200").length, 3);
});

Deno.test("a malformed head is answered with 400 and ends its connection", async () => {
  await using open = await OpenDoor.open();
  for (
    const text of [
      "\x16\x03\x01\x02\x00\n",
      "GET / HTTP/1.1\nHost: h\n\n",
      "PRI * HTTP/2.0\r\n\r\n",
    ]
  ) {
    const answer = await rest(await send(open, text + GET));
    assert.match(answer, /^HTTP\/1.1 400 Bad Request\r\n/);
    assert.match(answer, /"outcome":"no"/);
    assert.equal(answer.split("HTTP/1.1 ").length, 2, "the rest is not read as a request");
  }
  assert.equal(open.api.calls.length, 0);
});

Deno.test("a head over the limit is answered with 431", async () => {
  await using open = await OpenDoor.open();
  const connection = await send(open, GET.replace("\r\n\r\n", `\r\nX: ${"x".repeat(40_000)}`));
  assert.match(await rest(connection), /^HTTP\/1.1 431 .*"code":"head_too_large"/s);
});

Deno.test("half a head that does not go on is answered with 408, an idle connection stays", async () => {
  await using open = await OpenDoor.open({ times: SHORT_TIMES });
  const idle = await open.connect();
  const half = await send(open, "GET /kv/k HT");
  assert.match(await rest(half), /^HTTP\/1.1 408 .*"code":"head_timeout"/s);
  await write(idle, LAST_GET);
  assert.match(await rest(idle), /^HTTP\/1.1 404 /);
  const metrics = await (await open.fetch("/metrics")).text();
  assert.match(metrics, /^denamo_http_stuck_connections_total 1$/m);
});

Deno.test("a client that takes nothing of its answer is cut off", async () => {
  await using open = await OpenDoor.open({ times: SHORT_TIMES });
  await (await open.put("/kv/k", new Uint8Array(500_000))).body?.cancel();
  const connection = await send(open, GET.repeat(100));
  await until(() => open.api.calls.length > 2, "answers to be written");
  await until(() => open.door.connections() <= 1, "the connection to be closed");
  assert.ok(open.api.calls.length < 100, "it was not read to its end");
  connection.close();
});

Deno.test("when there are too many connections the one that waits longest is closed", async () => {
  const slots = new ClientSlots(3);
  await using open = await OpenDoor.open({ slots });
  const [first, second, third] = await Promise.all([
    open.connect(),
    open.connect(),
    open.connect(),
  ]);
  await until(() => slots.count === 3, "three connections");
  const fourth = await send(open, LAST_GET);
  assert.match(await rest(fourth), /^HTTP\/1.1 404 /);
  const ended = await Promise.race(
    [first, second, third].map(async (
      connection,
      i,
    ) => [i, await connection!.read(new Uint8Array(1))]),
  );
  assert.equal(ended[1], null);
  assert.equal(slots.refusedCount, 0);
  for (const connection of [first, second, third]) connection!.close();
});

Deno.test("when all connections are busy a further one is refused with 503", async () => {
  const slots = new ClientSlots(1);
  await using open = await OpenDoor.open({ slots });
  const { promise, resolve } = Promise.withResolvers<void>();
  open.api.before = () => promise;
  const busy = await send(open, LAST_GET);
  await until(() => open.api.calls.length === 1, "the request to be under way");
  assert.match(await rest(await open.connect()), /^HTTP\/1.1 503 .*"code":"overloaded"/s);
  resolve();
  assert.match(await rest(busy), /^HTTP\/1.1 404 /);
  await until(() => slots.count === 0, "the slot to be free");
  assert.equal(slots.refusedCount, 1);
});

Deno.test("of half bodies the greediest gives way with 503, and small ones are stored", async () => {
  const memory = new ClientMemory(700_000);
  await using open = await OpenDoor.open({ memory });
  const put = (bytes: number) =>
    `PUT /kv/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: ${bytes}\r\n\r\n` +
    "x".repeat(bytes - 1);
  const small = await send(open, put(200_000));
  await until(() => memory.heldBytes >= 200_000, "the small body to be counted");
  const greedy = await send(open, put(400_000));
  await until(() => memory.heldBytes >= 600_000, "both to be counted");
  const third = await send(open, put(300_000));
  assert.match(await rest(greedy), /^HTTP\/1.1 503 .*Memory for clients is full/s);
  await write(small, "x");
  await write(third, "x");
  assert.match(await rest(small), /^HTTP\/1.1 204 /);
  assert.match(await rest(third), /^HTTP\/1.1 204 /);
  assert.equal(memory.evictedCount, 1);
  await until(() => memory.heldBytes === 0, "the memory to be free");
});

Deno.test("an announced length costs nothing until the bytes come", async () => {
  const memory = new ClientMemory(1_000_000);
  await using open = await OpenDoor.open({ memory });
  const connections: Deno.TcpConn[] = [];
  for (let i = 0; i < 20; i++) {
    const head = "PUT /kv/k HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\nx";
    connections.push(await send(open, head));
  }
  await until(() => memory.heldBytes >= 20 * 16 * 1024, "all bodies to have begun");
  assert.ok(memory.heldBytes < 20 * 40 * 1024, `${memory.heldBytes} bytes`);
  for (const connection of connections) connection.close();
  await until(() => memory.heldBytes === 0, "the memory to be free");
  assert.equal(memory.evictedCount, 0);
});

Deno.test("the limits leave room for a head with both tokens at their longest", () => {
  assert.ok(HTTP_LIMITS.head >= 32 * 1024);
});
