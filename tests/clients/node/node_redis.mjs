// node-redis as its users have it: database 1, commands of one turn in a pipeline, MULTI, RESP2 and RESP3.

import assert from "node:assert/strict";
import process from "node:process";
import { createClient } from "redis";

const nodes = process.env.NODES.split(" ");
const clients = [];
const connect = async (i, options = {}) => {
  const client = createClient({ url: `redis://${nodes[i]}`, ...options });
  client.on("error", (error) => console.error(error.message));
  clients.push(client);
  return await client.connect();
};

try {
  for (const RESP of [2, 3]) {
    console.log(`RESP${RESP}`);
    const first = await connect(0, { RESP });
    const second = await connect(1, { RESP });
    const key = `nr:${RESP}`;
    assert.equal(await first.set(key, "v", { expiration: { type: "EX", value: 100 } }), "OK");
    assert.equal(await second.get(key), "v");
    assert.equal(await second.expire(key, 50), 1);
    assert.ok(await first.ttl(key) <= 50);
    await first.hSet(`${key}:h`, { a: "1", b: "2" });
    assert.deepEqual({ ...await second.hGetAll(`${key}:h`) }, { a: "1", b: "2" });
    await first.sAdd(`${key}:s`, ["x", "y"]);
    assert.deepEqual([...await second.sMembers(`${key}:s`)].sort(), ["x", "y"]);

    const names = Array.from({ length: 200 }, (_, i) => `${key}:auto:${i}`);
    await Promise.all(names.map((name, i) => first.set(name, String(i))));
    const values = await Promise.all(names.map((name) => second.get(name)));
    assert.deepEqual(values, [...names.keys()].map(String));
    const found = [];
    for await (const keys of second.scanIterator({ MATCH: `${key}:auto:*`, COUNT: 50 })) {
      found.push(...keys);
    }
    assert.deepEqual(found.sort(), names.sort());
    assert.equal(await first.del(names), 200);

    const replies = await first.multi().set(`${key}:m`, "1").incr(`${key}:m`).get(`${key}:m`)
      .exec();
    assert.deepEqual(replies, ["OK", 2, "2"]);
    await assert.rejects(first.multi().incr(`${key}:m`).addCommand(["NO-SUCH-COMMAND"]).exec());
    assert.equal(await second.get(`${key}:m`), "2", "what was refused has run");
    const piped = await first.multi().incr(`${key}:m`).get(`${key}:m`).execAsPipeline();
    assert.deepEqual(piped, [3, "3"]);
  }

  console.log("database: 1");
  const zero = await connect(0);
  const one = await connect(1, { database: 1 });
  await zero.set("nr:db", "zero");
  await one.set("nr:db", "one");
  assert.equal(await zero.get("nr:db"), "zero");
  assert.equal(await one.get("nr:db"), "one");
  const byPath = await connect(2, { url: `redis://${nodes[2]}/1` });
  assert.equal(await byPath.get("nr:db"), "one");
} finally {
  for (const client of clients) client.destroy();
}
