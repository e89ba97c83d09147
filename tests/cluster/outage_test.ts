// Nodes that are away: what goes on without them, what is refused, and how they come back.

import assert from "node:assert/strict";
import { QuorumError, type RunningNode } from "../../src/mod.ts";
import { Cluster, hasCode } from "./in_process_cluster.ts";
import { waitFor } from "./wait_for.ts";

/** Short, so that a test need not wait long until silence means something. */
const HEARTBEAT_MS = 200;

Deno.test("one of three away: quorums go on, and what all must take is refused without effect", async (t) => {
  await using cluster = await Cluster.of(3, { heartbeatMs: HEARTBEAT_MS });
  const [n1, n2, n3] = cluster.nodes as [RunningNode, RunningNode, RunningNode];
  await n1.put("k", "before", { w: "all" });
  await n1.put("deleted", "x", { w: "all" });
  await n3.stop();
  await unseen(n3, n1, n2);

  await t.step("writes, reads, deletes and lists", async () => {
    await Promise.all(Array.from({ length: 50 }, async (_, i) => {
      await n1.put(`new:${i}`, i);
      assert.equal((await n2.get(`new:${i}`)).value, i);
      if (i % 2 === 0) assert.equal(await n2.delete(`new:${i}`), true);
    }));
    assert.equal(await n1.delete("deleted"), true);
    for (const node of [n1, n2]) {
      let count = 0;
      for await (const _entry of node.list({ prefix: "new:" })) count++;
      assert.equal(count, 25);
    }
  });

  await t.step("w: all and r: all name who is missing, and nothing was written", async () => {
    for (const node of [n1, n2]) {
      await assert.rejects(node.put("never", "x", { w: "all" }), isShort(3, 3, ["n3"]));
      await assert.rejects(node.put("k", "never", { w: 3 }), isShort(3, 3, ["n3"]));
      await assert.rejects(node.delete("k", { w: "all" }), isShort(3, 3, ["n3"]));
      await assert.rejects(node.expire("k", 1, { w: "all" }), isShort(3, 3, ["n3"]));
      await assert.rejects(node.get("k", { r: "all" }), isShort(3, 3, ["n3"]));
    }
    for (const node of [n1, n2]) {
      assert.deepEqual((await node.get("never", { r: 1 })).siblings, []);
      assert.deepEqual((await node.get("k", { r: 1 })).siblings, ["before"]);
    }
  });

  await t.step("a second one away: nothing is promised that one node cannot keep", async () => {
    await n2.stop();
    await unseen(n2, n1);
    await assert.rejects(n1.put("alone", "x"), isShort(2, 3, ["n2", "n3"]));
    await assert.rejects(n1.get("k"), isShort(2, 3, ["n2", "n3"]));
    await assert.rejects(n1.delete("k"), QuorumError);
    await assert.rejects(n1.list().next(), hasCode("quorum", "no"));
    assert.deepEqual((await n1.get("alone", { r: 1 })).siblings, [], "no means no effect");
    assert.equal((await n1.get("k", { r: "one" })).value, "before");
    await n1.put("alone", "by one", { w: 1 });
    assert.equal((await n1.get("alone", { r: 1 })).value, "by one");
  });

  await t.step("they return as who they were, and reads bring them what they missed", async () => {
    const again = await cluster.restart("n3");
    await cluster.restart("n2");
    await cluster.ready();
    assert.equal(again.peerId, n3.peerId);
    assert.equal((await again.get("k", { r: 1 })).value, "before", "its own data is there");
    assert.equal((await again.get("new:1", { r: 1 })).value, undefined, "it has missed this");
    assert.equal((await again.get("deleted", { r: 1 })).value, "x", "this too");
    for (const node of cluster.nodes) {
      const prefix = new TextEncoder().encode("deleted");
      const { keys } = await node.api.scan({ from: { partition: 0 }, prefix, limit: 10 });
      assert.deepEqual(keys, [], "what only the one who was away still has is not there");
    }
    for (const key of ["new:1", "alone"]) {
      const { value } = await again.get(key, { r: "all" });
      assert.equal(value, key === "alone" ? "by one" : 1);
      for (const node of cluster.nodes) {
        await waitFor(`${node.name} to be repaired`, async () => {
          return (await node.get(key, { r: 1 })).value === value;
        });
      }
    }
    assert.deepEqual((await again.get("new:2", { r: "all" })).siblings, []);
    await again.put("k", "after", { w: "all" });
  });
});

Deno.test("one of five away: whoever owns nothing of a key still serves it, and others stand in", async () => {
  const namespaces = [{ prefix: "one:", n: 1 }, { prefix: "five:", n: 5 }];
  await using cluster = await Cluster.of(5, { heartbeatMs: HEARTBEAT_MS, namespaces });
  const gone = cluster.nodes[4]!;
  const [n1, ...rest] = cluster.nodes.slice(0, 4) as [RunningNode, ...RunningNode[]];
  const left = [n1, ...rest];
  const ownersOf = (key: string) => n1.api.placement(new TextEncoder().encode(key))!.owners;
  const keys = Array.from({ length: 60 }, (_, i) => `key:${i}`);
  const ones = Array.from({ length: 30 }, (_, i) => `one:${i}`);
  for (const key of [...keys, ...ones]) await n1.put(key, "before", { w: "all" });
  await gone.stop();
  await unseen(gone, ...left);

  for (const [i, key] of keys.entries()) {
    await left[i % 4]!.put(key, i);
    for (const node of left) assert.equal((await node.get(key)).value, i);
  }
  assert.ok(keys.some((key) => ownersOf(key).includes("n5")));
  assert.ok(keys.some((key) => !ownersOf(key).includes("n1")), "some were forwarded");

  let standInCount = 0;
  for (const [i, key] of ones.entries()) {
    const node = left[i % 4]!;
    const isGone = ownersOf(key)[0] === "n5";
    if (isGone) {
      standInCount++;
      await assert.rejects(node.put(key, "never", { strict: true }), (error) => {
        assert.match((error as Error).message, /^Cannot reach an owner of "one:\d+": .*n5/);
        return hasCode("quorum", "no")(error);
      });
      await assert.rejects(node.get(key, { strict: true }), hasCode("quorum", "no"));
    }
    await node.put(key, "after");
    for (const other of left) {
      assert.equal((await other.get(key)).value, "after", "all ask the same node that stands in");
    }
  }
  assert.ok(standInCount > 0, "n5 owned some of them");

  for (const node of left) {
    await node.put("five:a", node.name);
    assert.equal((await n1.get("five:a")).value, node.name);
    await assert.rejects(node.put("five:a", "x", { w: "all" }), isShort(5, 5, ["n5"]));
  }
});

Deno.test("a node that has lost its disk comes back under its name as another peer", async () => {
  await using cluster = await Cluster.of(3, { heartbeatMs: HEARTBEAT_MS });
  const [n1, n2, n3] = cluster.nodes as [RunningNode, RunningNode, RunningNode];
  await n1.put("k", "kept", { w: "all" });
  const layout = n1.api.ring()!.id;
  await n3.stop();
  await Deno.remove(cluster.dataOf("n3"), { recursive: true });
  const again = await cluster.restart("n3");
  assert.notEqual(again.peerId, n3.peerId);
  for (const { api } of [n1, n2]) {
    await waitFor("the other peer to have the name", () => {
      const view = api.members().find(({ node }) => node === "n3");
      return view?.peerId === again.peerId && view.isConnected && view.state === "up";
    });
  }
  await waitFor("n3 to have the layout", () => again.api.ring()?.id === layout);
  await cluster.ready();

  await n2.put("k2", "new", { w: "all" });
  for (const key of ["k", "k2"]) {
    const { value } = await again.get(key, { r: 1 });
    assert.equal(value, key === "k" ? "kept" : "new", "others answer until it has filled its copy");
  }
  await waitFor("n3 to have filled its copies", () => {
    const gauge = again.api.measurements().find(({ name }) => name === "filling_partitions_count");
    return gauge?.value === 0;
  });
  for (const node of [n1, n2]) await node.stop();
  await unseen(n1, again);
  assert.equal((await again.get("k", { r: 1 })).value, "kept", "nobody has asked it for this key");
});

/** Waits until these nodes know that one has gone. */
async function unseen(gone: RunningNode, ...by: RunningNode[]): Promise<void> {
  for (const { name, api } of by) {
    await waitFor(`${name} to miss ${gone.name}`, () => {
      return !api.members().some(({ node, isConnected }) => node === gone.name && isConnected);
    });
  }
}

/** Whether an error is a QuorumError without effect: what was needed, of how many, and who was missing. */
function isShort(needed: number, asked: number, missing: readonly string[]) {
  return (error: unknown) => {
    assert.ok(error instanceof QuorumError, String(error));
    assert.deepEqual([error.outcome, error.needed, error.asked], ["no", needed, asked]);
    assert.ok(error.got < needed, error.message);
    assert.deepEqual(error.causes.map((cause) => cause.split(" ")[0]).sort(), missing);
    return true;
  };
}
