import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { utf8 } from "../../../src/base/bytes.ts";
import { withDoor } from "./raw_client.ts";

Deno.test("ioredis reads and writes", () =>
  withDoor(async ({ door }) => {
    const redis = new Redis({ port: door.port, host: "127.0.0.1", connectionName: "worker" });
    try {
      assert.equal(await redis.set("k", "v", "EX", 100), "OK");
      assert.equal(await redis.get("k"), "v");
      assert.equal(await redis.ttl("k"), 100);
      assert.deepEqual(await redis.getBuffer("k"), Buffer.from("v"));
      await redis.mset({ a: "1", b: "2" });
      assert.deepEqual(await redis.mget("a", "none", "b"), ["1", null, "2"]);
      assert.equal(await redis.client("GETNAME"), "worker");
      const replies = await redis.pipeline().set("p", "q").get("p").append("p", "r").exec();
      assert.deepEqual(replies?.slice(0, 2), [[null, "OK"], [null, "q"]]);
      assert.match(String(replies?.[2]?.[0]), /UNSUPPORTED APPEND is not supported/);
      const found: string[] = [];
      for await (const keys of redis.scanStream({ match: "*" })) found.push(...keys);
      assert.deepEqual(found.sort(), ["a", "b", "k", "p"]);
      assert.equal(await redis.del("a", "b", "none"), 2);
      assert.equal(await redis.quit(), "OK");
    } finally {
      redis.disconnect();
    }
  }));

Deno.test("ioredis with a database of its own and with transactions", () =>
  withDoor(async ({ door }) => {
    const redis = new Redis({ port: door.port, host: "127.0.0.1" });
    const second = new Redis({ port: door.port, host: "127.0.0.1", db: 1 });
    try {
      await redis.set("k", "zero");
      assert.equal(await second.get("k"), null);
      await second.set("k", "one");
      assert.equal(await redis.get("k"), "zero");
      assert.deepEqual(await second.keys("*"), ["k"]);
      const replies = await second.multi().incr("c").incr("c").get("k").exec();
      assert.deepEqual(replies, [[null, 1], [null, 2], [null, "one"]]);
      await assert.rejects(
        second.multi().incr("c").setnx("k", "x").exec(),
        /EXECABORT Transaction discarded because of previous errors/,
      );
      assert.equal(await second.get("c"), "2");
      assert.equal(await second.flushdb(), "OK");
      assert.equal(await second.dbsize(), 0);
      assert.equal(await redis.get("k"), "zero");
    } finally {
      redis.disconnect();
      second.disconnect();
    }
  }));

Deno.test("ioredis waits for a node that is not ready", () =>
  withDoor(async ({ api, door }) => {
    // INFO asks for the status several times: after some of them the node becomes ready.
    api.isReady = false;
    const status = api.status.bind(api);
    let asked = 0;
    api.status = () => {
      if (++asked < 10) assert.deepEqual(api.calls, []);
      else api.isReady = true;
      return status();
    };
    const redis = new Redis({ port: door.port, host: "127.0.0.1", maxLoadingRetryTime: 20 });
    try {
      assert.equal(await redis.set("k", "v"), "OK");
      assert.ok(api.isReady);
    } finally {
      redis.disconnect();
    }
  }));

for (const RESP of [2, 3] as const) {
  Deno.test(`node-redis has a database of its own and transactions with RESP${RESP}`, () =>
    withDoor(async ({ api, door }) => {
      const socket = { port: door.port, host: "127.0.0.1" };
      const client = createClient({ RESP, database: 1, socket });
      await client.connect();
      try {
        const replies = await client.multi().set("k", "v").incr("c").get("k").exec();
        assert.deepEqual([...replies], ["OK", 1, "v"]);
        assert.ok((await api.get(utf8("\x1edb1\x1ek"))).exists);
        await assert.rejects(client.watch("k"), /UNSUPPORTED WATCH/);
        await assert.rejects(client.multi().incr("c").exec(), /EXECABORT/);
        assert.equal(await client.get("c"), "1");
      } finally {
        await client.close();
      }
    }));

  Deno.test(`node-redis reads and writes with RESP${RESP}`, () =>
    withDoor(async ({ door }) => {
      const client = createClient({
        RESP,
        name: "worker",
        socket: { port: door.port, host: "127.0.0.1" },
      });
      await client.connect();
      try {
        assert.equal(await client.set("k", "v", { expiration: { type: "PX", value: 5000 } }), "OK");
        assert.equal(await client.get("k"), "v");
        assert.equal(await client.pTTL("k"), 5000);
        assert.deepEqual(await client.mGet(["k", "none"]), ["v", null]);
        assert.match(String(await client.info()), /denamo_version/);
        assert.equal({ ...await client.configGet("save") }.save, "");
        assert.ok((await client.commandCount()) > 30);
        const found: string[] = [];
        for await (const keys of client.scanIterator({ MATCH: "k*" })) found.push(...keys);
        assert.deepEqual(found, ["k"]);
        await assert.rejects(client.append("k", "l"), /UNSUPPORTED APPEND/);
        await client.sendCommand(["DN.SET", "k", "w"]);
        const answer = await client.sendCommand(["DN.GET", "k"]);
        assert.match(JSON.stringify(answer), /"w"/);
      } finally {
        await client.close();
      }
    }));
}
