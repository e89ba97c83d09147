// Lists where nearly all keys have expired: a page ends in time, with fewer keys than were asked for or none.

import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { utf8 } from "../../src/base/bytes.ts";
import type { RunningNode } from "../../src/mod.ts";
import { Cluster, DOORS } from "./in_process_cluster.ts";

const COUNT = 20_000;
const AT_ONCE = 200;

Deno.test("20,000 expired keys keep no page waiting, and what lives among them is found", async (t) => {
  await using cluster = await Cluster.of(3, DOORS);
  const { nodes } = cluster;
  const [n1] = nodes as [RunningNode];
  const value = { kind: "text", bytes: utf8("x") } as const;
  const expiresAtMs = Date.now() - 1;
  for (let at = 0; at < COUNT; at += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => {
      const { api } = nodes[i % 3]!;
      return api.put(utf8(`dead:${at + i}`), value, { expiresAtMs, timeoutMs: 30_000 });
    }));
  }
  const living = ["alive:1", "alive:2", "alive:3"];
  for (const name of living) await n1.api.put(utf8(name), value, { w: "all" });

  await t.step("SCAN 0 COUNT 10, again and again", async () => {
    const redis = new Redis({ host: "127.0.0.1", port: portOf(n1.resp!), lazyConnect: true });
    try {
      const found: string[] = [];
      let cursor = "0";
      do {
        const beganAtMs = performance.now();
        const [next, keys] = await redis.scan(cursor, "COUNT", 10);
        const tookMs = performance.now() - beganAtMs;
        assert.ok(tookMs < 1_500, `${tookMs} ms`);
        found.push(...keys);
        cursor = next;
      } while (cursor !== "0");
      assert.deepEqual(found.sort(), living);
    } finally {
      redis.disconnect();
    }
  });

  await t.step("GET /kv?limit=10&timeoutMs=1000, again and again", async () => {
    const found: string[] = [];
    let query = "limit=10&timeoutMs=1000";
    for (;;) {
      const beganAtMs = performance.now();
      const response = await fetch(`http://${n1.http}/kv?${query}`);
      const page = await response.json();
      const tookMs = performance.now() - beganAtMs;
      assert.equal(response.status, 200, JSON.stringify(page));
      assert.ok(tookMs < 1_500, `${tookMs} ms`);
      found.push(...page.keys.map(({ key }: { key: string }) => key));
      if (page.cursor === null) break;
      query = `limit=10&timeoutMs=1000&cursor=${page.cursor}`;
    }
    assert.deepEqual(found.sort(), living);
  });
});

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}
