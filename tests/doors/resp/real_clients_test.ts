import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { type Surroundings, withDoor } from "./raw_client.ts";

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

Deno.test("redis-cli reads and writes", () =>
  withDoor(async (surroundings) => {
    assert.equal(await redisCli(surroundings, ["SET", "k", "v w"]), "OK\n");
    assert.equal(await redisCli(surroundings, ["GET", "k"]), "v w\n");
    assert.equal(await redisCli(surroundings, ["-3", "--no-raw", "GET", "none"]), "(nil)\n");
    assert.match(
      await redisCli(surroundings, ["-3", "--no-raw", "DN.GET", "k"]),
      /^1# "value" => "v w"\n2# "siblings" => 1\) "v w"\n3# "context" => "[\w-]+"\n$/,
    );
    assert.equal(await redisCli(surroundings, ["--scan", "--pattern", "k*"]), "k\n");
    assert.match(await redisCli(surroundings, ["INFO", "denamo"]), /node:n1/);
    assert.match(await redisCli(surroundings, ["--bigkeys"]), /Biggest string found '"k"' has 3/);
    assert.match(await redisCli(surroundings, ["--pipe"], "SET p q\r\n"), /replies: 1/);
  }));

Deno.test("redis-cli reads commands line by line, and asks for their documentation", () =>
  withDoor(async (surroundings) => {
    const printed = await redisCli(surroundings, [], "SET k 1\nAPPEND k 2\nHELP GET\nGET k\n");
    assert.match(printed, /^OK\nUNSUPPORTED APPEND is not supported: .* \(outcome: no\)\n/);
    assert.match(printed, /summary:.* Get the value of a key\r?\n/);
    assert.match(printed, /\n1\n$/);
  }));

/** What redis-cli prints for these arguments. */
async function redisCli(
  { door }: Surroundings,
  words: readonly string[],
  input?: string,
): Promise<string> {
  let child;
  try {
    child = new Deno.Command("redis-cli", {
      args: ["-h", "127.0.0.1", "-p", String(door.port), ...words],
      stdin: input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error("redis-cli is missing: install the package redis-tools", { cause: error });
  }
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const problem = new TextDecoder().decode(stderr);
  assert.equal(code, 0, `redis-cli ${words.join(" ")}: ${problem}`);
  return new TextDecoder().decode(stdout);
}
