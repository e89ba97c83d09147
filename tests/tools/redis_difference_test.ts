// Replies beside those of a live redis-server, which is the judge of what was recorded too.

import assert from "node:assert/strict";
import { withDoor } from "../doors/resp/raw_client.ts";
import { Comparison, readExceptions } from "../redis/difference.ts";
import {
  begin,
  NODE_SESSIONS,
  Recording,
  SESSIONS,
  storyOf,
  TRANSACTION_SESSIONS,
} from "../redis/recording.ts";
import { RedisServer } from "../redis/redis_server.ts";

Deno.test("replies are those of Redis, but for what docs/redis.md says", async () => {
  const exceptions = await readExceptions();
  await using redis = await RedisServer.start();
  for (const session of [...NODE_SESSIONS, ...TRANSACTION_SESSIONS]) {
    await withDoor(async ({ client }) => {
      using theirs = await redis.connect();
      await theirs.call("FLUSHALL");
      await begin(session, client);
      await begin(session, theirs);
      const comparison = new Comparison(exceptions);
      for (const [i, command] of session.commands.entries()) {
        const difference = await comparison.differenceOf(command, client, theirs);
        if (difference === undefined) continue;
        const story = storyOf(session.commands, i);
        assert.fail(`${session.name}: ${JSON.stringify(difference)} after\n${story}`);
      }
    });
  }
});

Deno.test("what was recorded is what Redis says", async () => {
  const exceptions = await readExceptions();
  const recording = await Recording.read();
  await using redis = await RedisServer.start();
  using client = await redis.connect();
  for (const session of SESSIONS) {
    await begin(session, client);
    await client.call("FLUSHALL");
    const comparison = new Comparison(exceptions);
    const recorded = recording.play(session);
    for (const [i, command] of session.commands.entries()) {
      const difference = await comparison.differenceOf(command, client, recorded);
      if (difference === undefined) continue;
      const story = storyOf(session.commands, i);
      assert.fail(`${session.name}: ${JSON.stringify(difference)} after\n${story}`);
    }
  }
});

Deno.test("a difference is noticed", async () => {
  await using redis = await RedisServer.start();
  await withDoor(async ({ client }) => {
    using theirs = await redis.connect();
    const none = { ways: new Map<string, string>(), hasWrongType: false };
    await theirs.call("SADD k a");
    assert.deepEqual(await new Comparison(none).differenceOf(["SCARD", "k"], client, theirs), {
      ours: ":0\r\n",
      theirs: ":1\r\n",
    });
  });
});
