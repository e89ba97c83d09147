// Lists over thousands of keys, from every node.

import assert from "node:assert/strict";
import type { Key, RunningNode } from "../../src/mod.ts";
import { Cluster, hasCode } from "./in_process_cluster.ts";

Deno.test("five nodes: every node lists thousands of keys, each once, and only those that are asked for", async (t) => {
  await using cluster = await Cluster.of(5, { partitions: 256 });
  const { nodes } = cluster;
  const texts = Array.from({ length: 1_800 }, (_, i) => `text:${i}`);
  const arrays = Array.from({ length: 150 }, (_, i): Key => ["users", i % 3, `name ${i}`]);
  const others: Key[] = [["users2", 1], ["users"], "users", "text", ["text", 1n], [true, "x"]];
  const binary = Array.from({ length: 64 }, (_, i) => new Uint8Array([0xfe, i, 0]));
  const all: Key[] = [...texts, ...arrays, ...others, ...binary];
  await inTurn(nodes, all, (node, key) => node.put(key, named(key)));

  await t.step("without a prefix", async () => {
    await Promise.all(nodes.map(async (node) => {
      const found = await listed(node);
      assert.deepEqual(found, all.map(named).sort(), node.name);
    }));
  });

  await t.step("with a prefix of a text, of parts of an array, of bytes", async () => {
    const users: Key[] = [["users"], ...arrays];
    const expected: [Key, Key[]][] = [
      ["text:179", texts.filter((key) => key.startsWith("text:179"))],
      [["users"], users],
      [["users", 1], arrays.filter((key) => key[1] === 1)],
      [new Uint8Array([0xfe]), binary],
      [new Uint8Array([0xfe, 7]), [binary[7]!]],
      ["there is none", []],
    ];
    await Promise.all(nodes.map(async (node, i) => {
      for (const [prefix, keys] of expected.filter((_, k) => (i + k) % 2 === 0)) {
        assert.deepEqual(await listed(node, { prefix }), keys.map(named).sort(), named(prefix));
      }
    }));
  });

  await t.step("with a limit, and from all or one of the owners", async () => {
    const [n1] = nodes as [RunningNode];
    for (const limit of [1, 99, 100, 101]) {
      assert.equal((await listed(n1, { limit, prefix: "text:" })).length, limit);
    }
    const one = arrays.filter((key) => key[1] === 1).map(named).sort();
    for (const r of ["all", 1] as const) {
      // A write is acknowledged by two of three: with r = 1 a list may miss what the third has not got yet.
      const found = await listed(n1, { prefix: ["users", 1], r });
      assert.deepEqual(r === 1 ? one.filter((key) => found.includes(key)) : one, found);
    }
    await assert.rejects(listed(n1, { r: 4 }), hasCode("bad_request", "no"));
  });

  await t.step("what was deleted or has ended is not there, at once", async () => {
    const gone = texts.filter((_, i) => i % 10 === 0);
    await inTurn(nodes, gone, (node, key) => node.delete(key));
    const ended = texts.filter((_, i) => i % 10 === 1);
    await inTurn(nodes, ended, (node, key) => node.put(key, "x", { expiresAtMs: Date.now() - 1 }));
    const left = texts.filter((_, i) => i % 10 > 1);
    await Promise.all(nodes.map(async (node) => {
      assert.deepEqual(await listed(node, { prefix: "text:" }), left.map(named).sort());
    }));
  });

  await t.step(
    "what is there all the time is seen once, whatever is written meanwhile",
    async () => {
      const steady = texts.filter((_, i) => i % 10 > 5);
      let isListed = false;
      const writing = (async () => {
        for (let i = 0; !isListed; i++) {
          await nodes[i % 5]!.put(`text:new ${i}`, "x");
          await nodes[(i + 1) % 5]!.put(steady[i % steady.length]!, i);
        }
      })();
      const keys: Key[] = [];
      for await (const { key } of nodes[2]!.list({ prefix: "text:" })) keys.push(key);
      isListed = true;
      await writing;
      const found = new Set(keys);
      assert.equal(found.size, keys.length, "each once");
      for (const key of steady) assert.ok(found.has(key), key);
    },
  );
});

/** Does something with each key at one node after the other, some at a time. */
async function inTurn<K extends Key>(
  nodes: readonly RunningNode[],
  keys: readonly K[],
  act: (node: RunningNode, key: K) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: 64 }, async () => {
    while (next < keys.length) {
      const at = next++;
      await act(nodes[at % nodes.length]!, keys[at]!);
    }
  }));
}

/** The names of all keys that a node lists, in order. Repeated ones stay. */
async function listed(
  node: RunningNode,
  options: Parameters<RunningNode["list"]>[0] = {},
): Promise<string[]> {
  const names: string[] = [];
  for await (const { key, value } of node.list(options)) {
    names.push(named(key));
    if (typeof value === "string" && value !== "x") assert.equal(value, named(key));
  }
  return names.sort();
}

/** A text that no other key has. */
function named(key: Key): string {
  if (key instanceof Uint8Array) return `bytes ${key.toHex()}`;
  if (typeof key === "string") return `text ${key}`;
  return `array ${key.map((part) => `${typeof part} ${part}`).join(", ")}`;
}
