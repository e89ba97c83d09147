import { nodesIn, withClients, type Workplace } from "./outside.ts";

const KEYV = ["keyv@5.6.0", "@keyv/redis@5.1.6"] as const;

Deno.test("clients of Node.js find what they are used to", (t) =>
  withClients(t, {
    "ioredis": (place) => node(place, "ioredis.mjs", "ioredis@6.0.0"),
    "node-redis": (place) => node(place, "node_redis.mjs", "redis@6.3.1"),
    "connect-redis": (place) =>
      node(
        place,
        "connect_redis.mjs",
        "connect-redis@10.0.0",
        "express-session@1.19.0",
        "redis@6.3.1",
      ),
    "keyv": (place) => node(place, "keyv.mjs", ...KEYV),
    "cache-manager": (place) => node(place, "cache_manager.mjs", "cache-manager@7.2.9", ...KEYV),
    "unstorage": (place) => node(place, "unstorage.mjs", "unstorage@1.17.6", "ioredis@5.8.2"),
  }));

async function node(place: Workplace, script: string, ...packages: string[]) {
  await place.run("npm", [
    ...[
      "install",
      "--prefix",
      ".",
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
      "--prefer-offline",
    ],
    ...packages,
  ]);
  await place.copy(`node/${script}`);
  return (nodes: Parameters<typeof nodesIn>[0]) => place.run("node", [script], nodesIn(nodes));
}
