// Writers who do not know of each other, at different nodes, and what becomes of their values.

import assert from "node:assert/strict";
import type { RunningNode } from "../../src/mod.ts";
import { Cluster } from "./in_process_cluster.ts";
import { waitFor } from "./wait_for.ts";

Deno.test("three nodes: concurrent writes leave a winner or siblings, the same at every node", async (t) => {
  const namespaces = [{ prefix: "lww:", conflicts: "lww" as const }];
  await using cluster = await Cluster.of(3, { namespaces });
  const { nodes } = cluster;
  const [n1, n2, n3] = nodes as [RunningNode, RunningNode, RunningNode];

  await t.step("of writes without a context nothing is lost that nobody replaced", async () => {
    const keys = Array.from({ length: 100 }, (_, i) => `blind:${i}`);
    await Promise.all(keys.flatMap((key) => [n1.put(key, "a"), n2.put(key, "b")]));
    for (const key of keys) {
      const seen = await everywhere(nodes, key);
      assert.ok(seen.length >= 1 && seen.every((value) => value === "a" || value === "b"));
      assert.equal(new Set(seen).size, seen.length, "each value once");
    }
  });

  await t.step(
    "of writes with the same context both are kept until a write covers them",
    async () => {
      const keys = Array.from({ length: 50 }, (_, i) => `seen:${i}`);
      await Promise.all(keys.map(async (key) => {
        await n3.put(key, "first", { w: "all" });
        const { context } = await n3.get(key);
        await Promise.all([n1.put(key, "a", { context }), n2.put(key, "b", { context })]);
        const read = await n3.get(key, { r: "all" });
        assert.deepEqual([...read.siblings].sort(), ["a", "b"]);
        assert.deepEqual((await everywhere(nodes, key)).sort(), ["a", "b"]);
        await n2.put(key, "both", { context: read.context });
        assert.deepEqual(await everywhere(nodes, key), ["both"]);
      }));
    },
  );

  await t.step(
    "a delete with a context deletes what it saw, and not what came meanwhile",
    async () => {
      await n1.put("cart", "milk", { w: "all" });
      const { context } = await n2.get("cart");
      await n3.put("cart", "eggs", { context });
      assert.equal(await n2.delete("cart", { context }), true);
      assert.deepEqual(await everywhere(nodes, "cart"), ["eggs"]);
      assert.equal(await n2.delete("cart"), true);
      assert.deepEqual(await everywhere(nodes, "cart"), []);
      const { context: afterwards } = await n1.get("cart");
      await n1.put("cart", "bread", { context: afterwards });
      assert.deepEqual(await everywhere(nodes, "cart"), ["bread"]);
    },
  );

  await t.step(
    "the context of a write covers it, so a chain of writes leaves one value",
    async () => {
      let context: string | undefined;
      for (let i = 0; i < 30; i++) {
        ({ context } = await nodes[i % 3]!.put("chain", i, { context }));
        assert.ok(context !== undefined);
      }
      assert.deepEqual(await everywhere(nodes, "chain"), [29]);
    },
  );

  await t.step(
    "where the last writer wins there is one value, and all nodes name the same",
    async () => {
      const keys = Array.from({ length: 50 }, (_, i) => `lww:${i}`);
      await Promise.all(
        keys.flatMap((key) => [n1.put(key, "a"), n2.put(key, "b"), n3.put(key, "c")]),
      );
      for (const key of keys) assert.equal((await everywhere(nodes, key)).length, 1, key);
    },
  );

  await t.step(
    "a value that ends is gone at every node, and what is put afterwards stays",
    async () => {
      await n1.put("short", "x", { expiresAtMs: Date.now() + 300, w: "all" });
      assert.equal((await n2.get("short")).value, "x");
      await waitFor("the end of the value", async () => {
        return (await Promise.all(nodes.map((node) => node.get("short"))))
          .every(({ value, siblings }) => value === undefined && siblings.length === 0);
      });
      assert.equal(await n3.delete("short"), false);
      await n3.put("short", "y");
      assert.deepEqual(await everywhere(nodes, "short"), ["y"]);
      assert.equal((await n1.get("short")).expiresAtMs, undefined);
    },
  );

  await t.step("expire() sets and takes back the end of a value from any node", async () => {
    const endsAtMs = Date.now() + 3_600_000;
    await n1.put("long", "x");
    assert.equal(await n2.expire("long", endsAtMs), true);
    assert.equal((await n3.get("long")).expiresAtMs, endsAtMs);
    await n1.put("long", "y", { keepExpiry: true });
    assert.equal((await n2.get("long")).expiresAtMs, endsAtMs);
    assert.equal(await n3.expire("long", undefined), true);
    assert.equal((await n1.get("long")).expiresAtMs, undefined);
    assert.deepEqual(await everywhere(nodes, "long"), ["y"]);
    assert.equal(await n1.expire("never there", endsAtMs), false);
  });

  await t.step("a delete of what is not there is no write", async () => {
    assert.equal(await n1.delete("nothing"), false);
    const { siblings, value } = await n2.get("nothing", { r: "all" });
    assert.deepEqual([siblings, value], [[], undefined]);
  });
});

/** The siblings of a key, after every node has given the same. */
async function everywhere(nodes: readonly RunningNode[], key: string): Promise<unknown[]> {
  const [first, ...others] = await Promise.all(nodes.map((node) => node.get(key, { r: "all" })));
  for (const other of others) {
    assert.deepEqual(other.siblings, first!.siblings, key);
    assert.deepEqual(other.context, first!.context, key);
  }
  return [...first!.siblings];
}
