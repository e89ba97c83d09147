// Records anew what Redis answers to the commands of the comparison (tests/redis/recording.ts).
//
//   deno run -A scripts/record_redis.ts
//
// Needs redis-server of release 7.

import { begin, Recording, repliesTo, SESSIONS } from "../tests/redis/recording.ts";
import { RedisServer } from "../tests/redis/redis_server.ts";

await using redis = await RedisServer.start();
using client = await redis.connect();
const info = String(await client.call("INFO server"));
const version = /redis_version:(\S+)/.exec(info)?.[1];
if (!version?.startsWith("7.")) throw new Error(`Redis 7 is the judge, this is ${version}`);
const replies = new Map();
for (const session of SESSIONS) {
  await begin(session, client);
  await client.call("FLUSHALL");
  replies.set(session, await repliesTo(session, client));
}
await Recording.write(version, replies);
console.log(`Recorded ${replies.size} sessions with Redis ${version}`);
