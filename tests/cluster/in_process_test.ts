// Whole clusters in one process: real libp2p over loopback, real Deno KV, three and five nodes.

import assert from "node:assert/strict";
import {
  type Key,
  type NodeOptions,
  QuorumError,
  type RunningNode,
  startNode,
  TooLargeError,
} from "../../src/mod.ts";
import { Cluster, hasCode } from "./in_process_cluster.ts";
import { waitFor, within } from "./wait_for.ts";

Deno.test("three nodes: what one takes the others give, of every kind and by every door", async () => {
  await using cluster = await Cluster.of(3, { http: "127.0.0.1:0", resp: "127.0.0.1:0" });
  const [n1, n2, n3] = cluster.nodes as [RunningNode, RunningNode, RunningNode];
  const values: [Key, unknown][] = [
    ["text", "milk ü"],
    ["bytes", new Uint8Array([0, 255, 1])],
    ["object", { milk: 2, at: Date.UTC(2026, 0) }],
    [["users", 42, true], "Ada"],
    [new Uint8Array([1, 0, 254]), "binary key"],
    ["with space/and slash", [1, "two"]],
  ];
  for (const [key, value] of values) await n1.put(key, value);
  for (const node of [n2, n3]) {
    for (const [key, value] of values) assert.deepEqual((await node.get(key)).value, value);
  }

  const put = await fetch(`http://${n2.http}/kv/by%20http`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: '{"eggs":6}',
  });
  assert.equal(put.status, 204);
  await put.body?.cancel();
  assert.deepEqual((await n3.get("by http")).value, { eggs: 6 });
  assert.equal(await resp(n1.resp!, ["GET", "by http"]), '$10\r\n{"eggs":6}\r\n');
  assert.equal(await resp(n3.resp!, ["SET", "by resp", "bread"]), "+OK\r\n");
  assert.equal(await (await fetch(`http://${n1.http}/kv/by%20resp`)).text(), "bread");
  assert.deepEqual((await n2.get("by resp")).value, new TextEncoder().encode("bread"));

  const listed = [];
  for await (const entry of n3.list()) listed.push(entry.key);
  assert.equal(listed.length, values.length + 2);
  const users = [];
  for await (const entry of n2.list({ prefix: ["users"] })) users.push(entry.key);
  assert.deepEqual(users, [["users", 42, true]]);
});

Deno.test("three nodes: a layout is made once, when all see each other, and reaches whoever comes later", async () => {
  await using cluster = await Cluster.of(3);
  const [n1, n2] = cluster.nodes as [RunningNode, RunningNode];
  await assert.rejects(n2.api.initLayout(["n1", "n2", "n3"]), hasCode("layout_exists", "no"));
  const late = await cluster.start("n4");
  cluster.nodes.push(late);
  await waitFor("n4 to have the layout", () => late.api.ring()?.id === n1.api.ring()!.id);
  await n1.put("k", "v");
  assert.equal((await late.get("k")).value, "v", "a node outside the layout forwards");
  await waitFor("n1 to see n4", () => n1.api.members().length === 4);
});

Deno.test("a node without a layout is alive, not ready, and says so", async () => {
  const data = await Deno.makeTempDir();
  {
    await using node = await startNode({ name: "n1", data, http: "127.0.0.1:0" });
    const health = await fetch(`http://${node.http}/healthz`);
    assert.equal(health.status, 200);
    await health.body?.cancel();
    const ready = await fetch(`http://${node.http}/readyz`);
    assert.equal(ready.status, 503);
    assert.match(await ready.text(), /layout init/);
    await assert.rejects(node.put("k", "v"), hasCode("not_ready", "no"));
    await assert.rejects(node.api.initLayout(["n1", "n2"]), hasCode("layout_refused", "no"));
  }
  await Deno.remove(data, { recursive: true });
});

Deno.test("three nodes: contexts replace what was read, stale ones leave siblings, foreign ones are refused", async () => {
  await using cluster = await Cluster.of(3, { w: "all", r: "all" });
  const [n1, n2, n3] = cluster.nodes as [RunningNode, RunningNode, RunningNode];
  await n1.put("cart", "milk");
  const { context } = await n2.get("cart");
  await n3.put("cart", "milk and eggs", { context });
  assert.deepEqual((await n1.get("cart")).siblings, ["milk and eggs"]);
  const stale = await n2.put("cart", "milk and bread", { context });
  assert.equal(stale.context, undefined, "no context for what nobody was shown");
  const both = await n1.get<string>("cart");
  assert.deepEqual([...both.siblings].sort(), ["milk and bread", "milk and eggs"]);
  await n3.put("cart", "all of it", { context: both.context });
  assert.deepEqual((await n2.get("cart")).siblings, ["all of it"]);
  await assert.rejects(
    n1.put("other", "x", { context: both.context }),
    hasCode("bad_context", "no"),
  );

  assert.equal(await n2.delete("cart"), true);
  assert.equal(await n1.delete("cart"), false);
  assert.equal((await n3.get("cart")).value, undefined);

  await n1.put("short", "x", { expiresAtMs: Date.now() + 60_000 });
  assert.ok((await n2.get("short")).expiresAtMs! > Date.now());
  assert.equal(await n3.expire("short", Date.now() - 1), true);
  assert.equal((await n1.get("short")).value, undefined);
  assert.equal(await n3.expire("short", undefined), false);
});

Deno.test("three nodes: limits and levels are refused before any effect", async () => {
  await using cluster = await Cluster.of(3);
  const [n1, n2] = cluster.nodes as [RunningNode, RunningNode];
  await assert.rejects(n1.put("k".repeat(1025), "v"), TooLargeError);
  await assert.rejects(
    n1.put("k", new Uint8Array(512 * 1024 + 1)),
    (error) =>
      error instanceof TooLargeError && error.limit === 512 * 1024 && error.size === 512 * 1024 + 1,
  );
  await assert.rejects(n1.put("k", "v", { w: 4 }), hasCode("bad_request", "no"));
  await assert.rejects(n1.get("k", { timeoutMs: 0 }), hasCode("bad_request", "no"));
  const whole = randomBytes(512 * 1024);
  await n1.put("large", whole, { w: "all" });
  assert.deepEqual((await n2.get("large")).value, whole);
});

Deno.test("three nodes: the empty key is a key as any other, also after a restart", async () => {
  await using cluster = await Cluster.of(3);
  const [n1, n2, n3] = cluster.nodes as [RunningNode, RunningNode, RunningNode];
  await n1.put("", "nothing", { w: "all" });
  assert.equal((await n2.get("")).value, "nothing");
  await n3.stop();
  const again = await cluster.restart("n3");
  await cluster.ready();
  assert.equal((await again.get("", { r: 1 })).value, "nothing");
  const listed = [];
  for await (const { key } of n2.list()) listed.push(key);
  assert.deepEqual(listed, [""]);
});

Deno.test("three nodes: with one gone quorums go on, and what it missed is repaired by reads", async () => {
  await using cluster = await Cluster.of(3);
  const [n1, n2, n3] = cluster.nodes as [RunningNode, RunningNode, RunningNode];
  await n1.put("k", "before", { w: "all" });
  await n3.stop();
  await waitFor("n1 to notice", () => n1.api.members().some(({ isConnected }) => !isConnected));
  await n1.put("k", "after");
  assert.equal((await n2.get("k")).value, "after");
  await assert.rejects(n1.put("k", "never", { w: "all" }), hasCode("quorum", "no"));
  assert.deepEqual((await n2.get("k")).siblings, ["after"], "no means no effect");

  const again = await cluster.start("n3");
  cluster.nodes[2] = again;
  assert.equal(again.peerId, n3.peerId);
  await cluster.ready();
  assert.equal((await again.get("k", { r: 1 })).value, "before", "its own data is there");
  assert.equal((await again.get("k", { r: "all" })).value, "after");
  await waitFor(
    "n3 to be repaired",
    async () => (await again.get("k", { r: 1 })).value === "after",
  );

  await again.stop();
  await n2.stop();
  await waitFor("n1 to be alone", () => n1.api.members().every((m) => m.isSelf || !m.isConnected));
  await assert.rejects(n1.put("k", "x"), (error) => {
    assert.ok(error instanceof QuorumError && error.outcome === "no");
    assert.deepEqual([error.needed, error.asked, error.causes.length], [2, 3, 2]);
    return true;
  });
  await assert.rejects(n1.get("k"), QuorumError);
  assert.equal((await n1.get("k", { r: 1 })).value, "after");
});

Deno.test("five nodes: any node takes any request for keys that it does not own", async () => {
  const namespaces = [
    { prefix: "one:", n: 1, w: 1, r: 1 },
    { prefix: "five:", n: 5, w: "all" as const },
    { prefix: "last:", conflicts: "lww" as const },
  ];
  await using cluster = await Cluster.of(5, { namespaces });
  const { nodes } = cluster;
  const keys = Array.from({ length: 200 }, (_, i) => `key:${i}`);
  await Promise.all(keys.map((key, i) => nodes[i % 5]!.put(key, key)));
  await Promise.all(
    keys.flatMap((key) =>
      nodes.map(async (node) => assert.equal((await node.get(key)).value, key))
    ),
  );
  const placement = nodes[0]!.api.placement(new TextEncoder().encode("key:1"))!;
  assert.equal(placement.owners.length, 3);
  assert.equal(placement.fallbacks.length, 2);
  for (const node of nodes) {
    const listed = new Set<Key>();
    for await (const { key } of node.list({ prefix: "key:" })) listed.add(key);
    assert.equal(listed.size, keys.length);
  }
  for (const key of ["one:a", "five:a", "last:a"]) {
    await nodes[3]!.put(key, key);
    for (const node of nodes) assert.equal((await node.get(key)).value, key);
  }
  const owners = (key: string) => nodes[0]!.api.placement(new TextEncoder().encode(key))!.owners;
  assert.deepEqual([owners("one:a").length, owners("five:a").length], [1, 5]);
  const outsider = nodes.find(({ name }) => !owners("key:7").includes(name))!;
  const whole = randomBytes(512 * 1024);
  await outsider.put("key:7", whole, { w: "all" });
  assert.deepEqual((await outsider.get("key:7")).value, whole);
});

Deno.test("who has other namespaces, another cluster's name or a name in use gives up, and disturbs nobody", async () => {
  await using cluster = await Cluster.of(3);
  const [n1, n2] = cluster.nodes as [RunningNode, RunningNode];
  const strangers: [Partial<NodeOptions>, RegExp][] = [
    [{ name: "n8", namespaces: [{ prefix: "x", n: 1 }] }, /namespaces differ/],
    [{ name: "n9", cluster: "elsewhere" }, /cluster "denamo"/],
    [{ name: "n2" }, /name "n2" is in use by (the )?live peer/],
  ];
  let waitingCount = strangers.length;
  const givingUp = strangers.map(async ([options, reason]) => {
    const data = cluster.dataOf(`stranger ${options.name}`);
    await using stranger = await cluster.start(options.name!, { ...options, data });
    const { message } = await within(`${options.name} to give up`, stranger.failed);
    assert.match(message, reason);
    await assert.rejects(stranger.put("k", "x"), hasCode("not_ready", "no"));
    waitingCount--;
  });
  let count = 0;
  const serving = waitFor("all strangers to give up", async () => {
    await n1.put("k", ++count, { w: "all" });
    assert.equal((await n2.get("k", { r: "all" })).value, count);
    return waitingCount === 0;
  });
  await Promise.all([...givingUp, serving]);
  const views = n1.api.members();
  assert.deepEqual(views.map(({ node }) => node), ["n1", "n2", "n3"]);
  assert.equal(views[1]!.peerId, n2.peerId);
});

Deno.test("garbage on a port ends that connection only", async () => {
  await using cluster = await Cluster.of(3, { http: "127.0.0.1:0", resp: "127.0.0.1:0" });
  const [n1, n2] = cluster.nodes as [RunningNode, RunningNode];
  const p2pPort = /\/tcp\/(\d+)/.exec(n1.p2p[0]!)![1]!;
  for (const address of [`127.0.0.1:${p2pPort}`, n1.http!, n1.resp!]) {
    const [hostname, port] = address.split(":") as [string, string];
    using connection = await Deno.connect({ hostname, port: Number(port) });
    await connection.write(crypto.getRandomValues(new Uint8Array(4096)));
    await connection.closeWrite();
    try {
      while (await connection.read(new Uint8Array(1024)) !== null);
    } catch (error) {
      assert.ok(error instanceof Deno.errors.ConnectionReset, String(error));
    }
  }
  await n1.put("k", "v", { w: "all" });
  assert.equal((await n2.get("k")).value, "v");
});

/** Bytes that nothing can compress. */
function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes;
}

/** What a RESP door answers to one command. */
async function resp(address: string, command: readonly string[]): Promise<string> {
  const [hostname, port] = address.split(":") as [string, string];
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const words = command.map((word) => `$${word.length}\r\n${word}\r\n`);
  await connection.write(new TextEncoder().encode(`*${command.length}\r\n${words.join("")}`));
  const buffer = new Uint8Array(4096);
  const length = await connection.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, length ?? 0));
}
