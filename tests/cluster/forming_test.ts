// How a cluster comes into being, and who is in it.

import assert from "node:assert/strict";
import { DenamoError, type RunningNode, startNode } from "../../src/mod.ts";
import { Cluster, DOORS, hasCode, isRefused } from "./in_process_cluster.ts";
import { freePortBase } from "./free_ports.ts";
import { waitFor } from "./wait_for.ts";

const NAMES = ["n1", "n2", "n3"];

Deno.test("a layout is refused while a member is missing, and every node says when it is ready", async () => {
  await using cluster = await Cluster.withoutLayout(2, DOORS);
  const [n1, n2] = cluster.nodes as [RunningNode, RunningNode];
  await waitFor("n1 and n2 to meet", () => {
    const members = n1.api.members();
    return members.length === 2 && members.every(({ isConnected }) => isConnected);
  });
  await assert.rejects(n1.api.initLayout(NAMES), (error) => {
    assert.match((error as Error).message, /does not see n3$/);
    return hasCode("layout_refused", "no")(error);
  });
  await assert.rejects(n1.api.initLayout([]), hasCode("bad_request", "no"));
  for (const { api, http } of cluster.nodes) {
    const { isReady, notReadyBecause, layoutVersion } = api.status();
    assert.deepEqual([isReady, layoutVersion, api.ring()], [false, 0, undefined]);
    assert.match(notReadyBecause!, /There is no layout/);
    assert.deepEqual(await statusesOf(http!), { healthz: 200, readyz: 503 });
  }

  const n3 = await cluster.start("n3");
  cluster.nodes.push(n3);
  const ring = await waitFor("the layout", () => n3.api.initLayout(NAMES).catch(isRefused));
  assert.deepEqual([ring.version, ring.members.map(({ node }) => node)], [1, NAMES]);
  await cluster.ready();
  for (const { api, http } of cluster.nodes) {
    assert.equal(api.ring()!.id, ring.id);
    assert.deepEqual(await statusesOf(http!), { healthz: 200, readyz: 200 });
    assert.deepEqual(api.members().map(({ node, inLayout }) => [node, inLayout]), [
      ["n1", true],
      ["n2", true],
      ["n3", true],
    ]);
  }
  await n2.put("k", "v", { w: "all" });
});

Deno.test("a node of one copy that is told to join nobody is a cluster of its own", async () => {
  const data = await Deno.makeTempDir();
  let id: string | undefined;
  for (let run = 1; run <= 2; run++) {
    await using db = await startNode({ name: "n1", data, replication: 1 });
    if (run === 1) await db.put("k", "v");
    assert.equal((await db.get("k")).value, "v");
    id ??= db.api.status().layoutId;
    assert.equal(db.api.status().layoutId, id);
    assert.equal((await db.api.initLayout(["n1"])).id, id, "it is as is asked for");
  }
  await Deno.remove(data, { recursive: true });
  for (const options of [{ replication: 3 }, { replication: 1, join: [] }]) {
    const other = await Deno.makeTempDir();
    {
      await using db = await startNode({ name: "n1", data: other, ...options });
      assert.equal(db.api.ring(), undefined, "it may be the first of several");
    }
    await Deno.remove(other, { recursive: true });
  }
});

Deno.test("a node that was stopped answers no call", async () => {
  const data = await Deno.makeTempDir();
  const db = await startNode({ name: "n1", data, replication: 1 });
  await db.stop();
  await assert.rejects(db.get("k"), hasCode("stopped", "no"));
  assert.throws(() => db.api.status(), hasCode("stopped", "no"));
  await Deno.remove(data, { recursive: true });
});

Deno.test("members that lost the address of each other meet again though the seed is gone", async () => {
  const directory = await Deno.makeTempDir();
  const base = freePortBase(NAMES.length);
  const start = (name: string, join: readonly string[]) => {
    const listen = [`/ip4/127.0.0.1/tcp/${base + 1 + NAMES.indexOf(name)}`];
    return startNode({ name, data: `${directory}/${name}`, join, listen });
  };
  const n1 = await start("n1", []);
  const seed = n1.p2p;
  const others = await Promise.all(["n2", "n3"].map((name) => start(name, seed)));
  const all = [n1, ...others];
  await waitFor("the layout", () => n1.api.initLayout(NAMES).catch(isRefused));
  await waitFor("all to be ready", () => all.every(({ api }) => api.status().isReady));
  // What a heartbeat says is on the disk a moment later.
  await waitFor("all to have met", () => all.every(({ api }) => api.status().membersUp === 3));
  await others[0]!.put("k", "v", { w: "all" });
  await Promise.all(all.map((node) => node.stop()));
  const again = await Promise.all(["n2", "n3"].map((name) => start(name, seed)));
  try {
    await waitFor(
      "the others to meet, without the seed",
      () => again.every(({ api }) => api.status().isReady && api.status().membersUp === 2),
    );
    assert.equal((await again[1]!.get("k")).value, "v");
  } finally {
    await Promise.all(again.map((node) => node.stop()));
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("two operators who make different layouts at once end with one, the same on every node", async () => {
  await using cluster = await Cluster.withoutLayout(3);
  const [n1, n2, n3] = cluster.nodes as [RunningNode, RunningNode, RunningNode];
  const init = (node: RunningNode, names: string[]) =>
    waitFor(`a layout at ${node.name}`, async () => {
      try {
        return await node.api.initLayout(names, { force: true });
      } catch (error) {
        if (error instanceof DenamoError && error.code === "layout_exists") return node.api.ring();
        return isRefused(error);
      }
    });
  const rings = await Promise.all([init(n1, NAMES), init(n2, ["n1", "n2"]), init(n3, NAMES)]);
  await cluster.ready();
  assert.deepEqual(new Set(rings.map(({ id }) => id)), new Set([n1.api.ring()!.id]));
  assert.equal(new Set(cluster.nodes.map(({ api }) => api.ring()!.id)).size, 1);
});

Deno.test("a cluster whose nodes have all been stopped comes back with its layout and its data", async () => {
  await using cluster = await Cluster.of(3);
  const ids = cluster.nodes.map(({ peerId }) => peerId);
  const ring = cluster.nodes[0]!.api.ring();
  await cluster.nodes[0]!.put(["cart", "alice"], { milk: 2 }, { w: "all" });
  const { context } = await cluster.nodes[1]!.get(["cart", "alice"]);
  await Promise.all(cluster.nodes.map((node) => node.stop()));

  for (const name of NAMES) await cluster.restart(name);
  await cluster.ready();
  assert.deepEqual(cluster.nodes.map(({ peerId }) => peerId), ids);
  for (const node of cluster.nodes) {
    assert.deepEqual(node.api.ring(), ring);
    assert.deepEqual((await node.get(["cart", "alice"], { r: 1 })).value, { milk: 2 });
  }
  await cluster.nodes[2]!.put(["cart", "alice"], { milk: 3 }, { context, w: "all" });
  const { siblings } = await cluster.nodes[0]!.get(["cart", "alice"], { r: "all" });
  assert.deepEqual(siblings, [{ milk: 3 }], "a context outlives the processes that gave it");
});

Deno.test("stop() ends what waits for a node, at once and twice", async () => {
  await using cluster = await Cluster.of(3);
  const [n1] = cluster.nodes as [RunningNode];
  const writes = Array.from({ length: 200 }, (_, i) => n1.put(`k${i}`, "v"));
  const stopped = [n1.stop(), n1.stop()];
  const outcomes = await Promise.allSettled(writes);
  await Promise.all(stopped);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") {
      assert.ok(outcome.reason instanceof DenamoError, String(outcome.reason));
    }
  }
  await assert.rejects(n1.get("k1"), DenamoError);
  const [, n2] = cluster.nodes as [RunningNode, RunningNode];
  for (const [i, { status }] of outcomes.entries()) {
    if (status === "fulfilled") assert.equal((await n2.get(`k${i}`)).value, "v");
  }
});

async function statusesOf(http: string): Promise<Record<string, number>> {
  const statuses: Record<string, number> = {};
  for (const path of ["healthz", "readyz"]) {
    const response = await fetch(`http://${http}/${path}`);
    await response.body?.cancel();
    statuses[path] = response.status;
  }
  return statuses;
}
