// Random commands to a cluster of three processes, each to another node, and to redis-server: the replies differ only as
// docs/redis.md says. Keys live on all three and are read and written by two, so any node knows what the one before
// it was told.

import assert from "node:assert/strict";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { RawClient } from "../doors/resp/raw_client.ts";
import {
  type Difference,
  differenceOf,
  randomCommand,
  readExceptions,
} from "../redis/difference.ts";
import { RedisServer } from "../redis/redis_server.ts";
import { freePortBase } from "./free_ports.ts";
import { DenamoProcess } from "./processes.ts";

const SEEDS = 6;
const COMMANDS = 250;
const NODES = 3;

Deno.test("replies of a cluster are those of Redis, whichever node is asked", async () => {
  const exceptions = await readExceptions();
  const data = await Deno.makeTempDir();
  const base = freePortBase(NODES);
  await using redis = await RedisServer.start();
  await using cluster = new DenamoProcess(["cluster", "--data", data, "--port-base", `${base}`]);
  try {
    await cluster.line(/^cluster ready$/);
    const ports = Array.from({ length: NODES }, (_, i) => base + 101 + i);
    const ours = await Promise.all(ports.map(async (port) => {
      return new RawClient(await Deno.connect({ hostname: "127.0.0.1", port }));
    }));
    using theirs = await redis.connect();
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = new SeededRandom(`cluster difference ${seed}`);
      const told: string[] = [];
      for (let i = 0; i < COMMANDS; i++) {
        // A cluster cannot be emptied, so each seed has keys of its own.
        const command = randomCommand(random, (key) => `${seed}:${key}`);
        const node = i % NODES;
        told.push(`n${node + 1}: ${command.map((word) => JSON.stringify(word)).join(" ")}`);
        const difference = await differenceOf(command, ours[node]!, theirs, exceptions);
        if (difference === undefined || isOneSecond(command, difference)) continue;
        assert.fail(
          `seed ${seed}: ${JSON.stringify(difference)} after\n${told.slice(-25).join("\n")}`,
        );
      }
    }
    for (const client of ours) client.close();
  } finally {
    cluster.kill("SIGTERM");
    await cluster.status;
    await Deno.remove(data, { recursive: true });
  }
});

/** Times to live are rounded to seconds, and a cluster is not asked at the very moment when Redis is. */
function isOneSecond([name]: readonly string[], { ours, theirs }: Difference): boolean {
  const [our, their] = [ours, theirs].map((reply) => Number(/^:(\d+)\r\n$/.exec(reply)?.[1]));
  return name === "TTL" && Math.abs(our! - their!) <= 1;
}
