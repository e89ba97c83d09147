// ioredis as its users have it: a database of its own, auto-pipelining, pipelines, MULTI, streams of a scan.

import assert from "node:assert/strict";
import process from "node:process";
import { Redis } from "ioredis";

const nodes = process.env.NODES.split(" ").map((address) => {
  const [host, port] = address.split(":");
  return { host, port: Number(port) };
});
const clients = [];
const connect = (i, options = {}) => {
  const client = new Redis({ ...nodes[i], ...options });
  clients.push(client);
  return client;
};

try {
  const first = connect(0);
  const second = connect(1);

  console.log("values");
  assert.equal(await first.set("io:k", "v", "EX", 100), "OK");
  assert.equal(await second.get("io:k"), "v");
  assert.equal(await second.ttl("io:k") > 97, true);
  await first.set("io:bytes", Buffer.from([0, 255, 13, 10]));
  assert.deepEqual(await second.getBuffer("io:bytes"), Buffer.from([0, 255, 13, 10]));
  await first.hset("io:h", { a: 1, b: 2 });
  assert.deepEqual(await second.hgetall("io:h"), { a: "1", b: "2" });
  await first.sadd("io:s", "x", "y");
  assert.deepEqual((await second.smembers("io:s")).sort(), ["x", "y"]);
  assert.equal(await second.pexpire("io:k", 40), 1);
  await until(async () => await first.get("io:k") === null);

  console.log("a pipeline, and one as MULTI");
  assert.deepEqual(
    await first.pipeline().set("io:p", 1).incr("io:p").get("io:p").exec(),
    [[null, "OK"], [null, 2], [null, "2"]],
  );
  assert.deepEqual(
    await first.multi().set("io:m", 1).incr("io:m").get("io:m").exec(),
    [[null, "OK"], [null, 2], [null, "2"]],
  );
  assert.equal(await second.get("io:m"), "2");
  await assert.rejects(first.multi().incr("io:m").call("NO-SUCH-COMMAND").exec());
  assert.equal(await second.get("io:m"), "2", "what was refused has run");
  await assert.rejects(first.watch("io:m"));

  console.log("auto-pipelining");
  const quick = connect(2, { enableAutoPipelining: true });
  const names = Array.from({ length: 200 }, (_, i) => `io:auto:${i}`);
  await Promise.all(names.map((name, i) => quick.set(name, i)));
  assert.deepEqual(
    await Promise.all(names.map((name) => quick.get(name))),
    [...names.keys()].map(String),
  );
  const found = [];
  for await (const keys of second.scanStream({ match: "io:auto:*", count: 50 })) {
    found.push(...keys);
  }
  assert.deepEqual(found.sort(), names.sort());
  assert.equal(await first.unlink(...names), 200);

  console.log("db: 1");
  const other = connect(1, { db: 1 });
  await first.set("io:db", "zero");
  await other.set("io:db", "one");
  assert.equal(await first.get("io:db"), "zero");
  assert.equal(await other.get("io:db"), "one");
  assert.equal(await connect(2, { db: 1, enableAutoPipelining: true }).get("io:db"), "one");
  await other.select(2);
  assert.equal(await other.get("io:db"), null);
} finally {
  for (const client of clients) client.disconnect();
}

async function until(condition) {
  const deadline = Date.now() + 10_000;
  while (!await condition()) {
    assert.ok(Date.now() < deadline, "waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
