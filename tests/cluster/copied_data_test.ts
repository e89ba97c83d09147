// A data directory that was copied, and both copies started: one identity, two live processes.

import assert from "node:assert/strict";
import { copy } from "./copy_directory.ts";
import { Cluster } from "./in_process_cluster.ts";
import { waitFor } from "./wait_for.ts";

Deno.test("of two nodes with one identity the later stops with the other's address, the earlier goes on", async () => {
  await using cluster = await Cluster.of(3);
  const [n1] = cluster.nodes;
  await cluster.nodes[1]!.stop();
  await copy(cluster.dataOf("n2"), cluster.dataOf("copy of n2"));
  const n2 = await cluster.restart("n2");
  await cluster.ready();

  const data = cluster.dataOf("copy of n2");
  await using later = await cluster.start("n2", { data });
  assert.equal(later.peerId, n2.peerId);
  let reason: Error | undefined;
  void later.failed.then((error) => reason = error);
  let count = 0;
  await waitFor("the later node to give up", async () => {
    await n1!.put("k", ++count, { w: "all" });
    assert.equal((await n2.get("k", { r: "all" })).value, count);
    return reason !== undefined;
  });
  assert.match(reason!.message, /identity of this node lives at \/ip4\/127\.0\.0\.1\/tcp\/\d+/);
  assert.ok(!later.api.status().isReady, "nobody is sent there");
  const seen = n1!.api.members().find(({ node }) => node === "n2")!;
  assert.deepEqual([seen.state, seen.isConnected], ["up", true]);
  let hasFailed = false;
  void n2.failed.then(() => hasFailed = true);
  await Promise.resolve();
  assert.ok(!hasFailed, "the earlier one is not disturbed");
});
