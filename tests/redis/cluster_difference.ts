// Random commands to a cluster of three processes, each to another node, and to Redis: the replies differ only as
// docs/redis.md says. Keys live on all three and are read and written by two, so any node knows what the one before
// it was told.

import assert from "node:assert/strict";
import { freePortBase } from "../cluster/free_ports.ts";
import { DenamoProcess } from "../cluster/processes.ts";
import { RawClient } from "../doors/resp/raw_client.ts";
import { Comparison, readExceptions, type Replier } from "./difference.ts";
import { CLUSTER_SESSIONS, type Session, storyOf } from "./recording.ts";

const NODES = 3;

/** @param redis what Redis answers to the commands of a session */
export async function compareCluster(redis: (session: Session) => Replier): Promise<void> {
  const exceptions = await readExceptions();
  const data = await Deno.makeTempDir();
  const base = freePortBase(NODES);
  await using cluster = new DenamoProcess(["cluster", "--data", data, "--port-base", `${base}`]);
  try {
    await cluster.line(/^cluster ready$/);
    const ports = Array.from({ length: NODES }, (_, i) => base + 101 + i);
    const ours = await Promise.all(ports.map(async (port) => {
      return new RawClient(await Deno.connect({ hostname: "127.0.0.1", port }));
    }));
    for (const session of CLUSTER_SESSIONS) {
      const comparison = new Comparison(exceptions);
      const theirs = redis(session);
      for (const [i, command] of session.commands.entries()) {
        const difference = await comparison.differenceOf(command, ours[i % NODES]!, theirs);
        if (difference === undefined) continue;
        const story = storyOf(session.commands, i);
        assert.fail(
          `${session.name} at n${i % NODES + 1}: ${JSON.stringify(difference)} after\n${story}`,
        );
      }
    }
    for (const client of ours) client.close();
  } finally {
    cluster.kill("SIGTERM");
    await cluster.status;
    await Deno.remove(data, { recursive: true });
  }
}
