import assert from "node:assert/strict";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { RedisServer } from "./redis_server.ts";
import { withDoor } from "../doors/resp/raw_client.ts";
import { differenceOf, randomCommand, readExceptions } from "./difference.ts";

const SEEDS = 50;
const COMMANDS = 300;

Deno.test("replies are those of Redis, but for what docs/redis.md says", async () => {
  const exceptions = await readExceptions();
  assert.ok(exceptions.hasWrongType && exceptions.ways.get("HSCAN") === "scan 2");
  await using redis = await RedisServer.start();
  for (let seed = 0; seed < SEEDS; seed++) {
    await withDoor(async ({ client }) => {
      const random = new SeededRandom(`difference ${seed}`);
      using theirs = await redis.connect();
      await theirs.call("FLUSHALL");
      const told: string[] = [];
      for (let i = 0; i < COMMANDS; i++) {
        const command = randomCommand(random);
        told.push(command.map((word) => JSON.stringify(word)).join(" "));
        const difference = await differenceOf(command, client, theirs, exceptions);
        if (difference === undefined) continue;
        assert.fail(
          `seed ${seed}: ${JSON.stringify(difference)} after\n${told.slice(-25).join("\n")}`,
        );
      }
    });
  }
});

Deno.test("a difference is noticed", async () => {
  await using redis = await RedisServer.start();
  await withDoor(async ({ client }) => {
    using theirs = await redis.connect();
    const none = { ways: new Map<string, string>(), hasWrongType: false };
    await theirs.call("SADD k a");
    assert.deepEqual(await differenceOf(["SCARD", "k"], client, theirs, none), {
      ours: ":0\r\n",
      theirs: ":1\r\n",
    });
  });
});
