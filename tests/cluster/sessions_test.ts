// What a client has written at one node it reads at the others, with the weakest quorums, by every door.

import assert from "node:assert/strict";
import type { RunningNode } from "../../src/mod.ts";
import { RawClient, type Reply } from "../doors/resp/raw_client.ts";
import { Cluster, DOORS } from "./in_process_cluster.ts";

const WEAK = { r: "one", w: "one" } as const;

Deno.test("three nodes: who carries a context reads at any node what was written at another", async (t) => {
  await using cluster = await Cluster.of(3, { ...DOORS, ...WEAK });
  const [n1, n2, n3] = cluster.nodes as [RunningNode, RunningNode, RunningNode];
  const keys = Array.from({ length: 100 }, (_, i) => `key ${i}`);

  await t.step("a program", async () => {
    for (const key of keys) {
      const { atLeast, context } = await n1.put(key, "written");
      assert.equal(atLeast, context);
      for (const node of [n2, n3]) {
        assert.equal((await node.get(key, { atLeast })).value, "written");
      }
    }
  });

  await t.step("HTTP", async () => {
    for (const key of keys) {
      const path = `kv/${encodeURIComponent(key)}`;
      const put = await fetch(`http://${n2.http}/${path}`, { method: "PUT", body: "by HTTP" });
      await put.body?.cancel();
      const headers = { "denamo-at-least": put.headers.get("denamo-at-least")! };
      assert.equal(await (await fetch(`http://${n3.http}/${path}`, { headers })).text(), "by HTTP");
    }
  });

  await t.step("RESP", async () => {
    using writer = await connect(n3.resp!);
    using reader = await connect(n1.resp!);
    for (const key of keys) {
      const context = await writer.client.call("DN.SET", key, "by RESP");
      const reply = await reader.client.call("DN.GET", key, "ATLEAST", context as string);
      assert.deepEqual((reply as Reply[]).slice(0, 2), ["value", "by RESP"]);
    }
  });

  await t.step("a session, whose reads are of one owner each", async () => {
    const session = n1.session();
    for (const key of keys) {
      await session.put(key, "mine");
      assert.equal((await session.get(key)).value, "mine");
      await session.delete(key);
      assert.equal((await session.get(key)).value, undefined);
    }
  });
});

async function connect(address: string) {
  const [hostname, port] = address.split(":") as [string, string];
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const client = new RawClient(connection);
  return { client, [Symbol.dispose]: () => connection.close() };
}
