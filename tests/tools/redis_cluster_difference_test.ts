import { compareCluster } from "../redis/cluster_difference.ts";
import { RedisServer } from "../redis/redis_server.ts";

Deno.test("replies of a cluster are those of Redis, whichever node is asked", async () => {
  await using redis = await RedisServer.start();
  using client = await redis.connect();
  await compareCluster(() => client);
});
