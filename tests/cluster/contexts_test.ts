// Contexts at the doors of a real node: what was not given out is refused there and changes nothing.

import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { Cluster, DOORS } from "./in_process_cluster.ts";

/** It says that everything up to 2^53 has been seen of an actor, and has a right checksum of the kind before seals. */
const FORGED = "ASEIlSQelG_eAQ56en5BQUFBQUFBQUFBQYCAgIDw__8PSzxboQ";

Deno.test("a context that the cluster has not sealed is refused at both doors, with no effect", async () => {
  await using cluster = await Cluster.of(1, DOORS);
  const [node] = cluster.nodes;
  const [host, port] = node!.resp!.split(":");
  const client = new Redis({ host: host!, port: Number(port), maxRetriesPerRequest: 0 });
  try {
    await assert.rejects(
      client.call("DN.SET", "k", "v", "CONTEXT", FORGED),
      /^ReplyError: BADCONTEXT/,
    );
    await assert.rejects(client.call("DN.DEL", "k", "CONTEXT", FORGED), /BADCONTEXT/);
    await assert.rejects(client.call("DN.GET", "k", "ATLEAST", FORGED), /BADCONTEXT/);
    assert.equal(await client.exists("k"), 0);
    const headers = { "denamo-context": FORGED };
    const put = await fetch(`http://${node!.http}/kv/k`, { method: "PUT", body: "v", headers });
    assert.deepEqual([put.status, (await put.json()).code], [400, "bad_context"]);
    assert.equal(await client.exists("k"), 0);

    await client.set("k", "milk");
    const given = await fetch(`http://${node!.http}/kv/k`);
    await given.body?.cancel();
    const context = given.headers.get("denamo-context")!;
    assert.notEqual(await client.call("DN.SET", "k", "eggs", "CONTEXT", context), null);
    assert.equal(await client.get("k"), "eggs");
  } finally {
    client.disconnect();
  }
});
