// What one door writes every other reads, at every node: TypeScript, HTTP, and RESP as ioredis speaks it.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Redis } from "ioredis";
import { utf8 } from "../../src/base/bytes.ts";
import { keyBytes } from "../../src/client/keys_and_values.ts";
import { keyPath } from "../../src/doors/http/key_path.ts";
import { type Key, type RunningNode, UndecodedValue } from "../../src/mod.ts";
import { Cluster, DOORS, hasCode } from "./in_process_cluster.ts";

/** Keys that some protocol, path or pattern could take for something else. */
const KEYS: readonly Key[] = [
  "plain",
  "with space and ü and 日本",
  "slash/es//and/../dots",
  "%41%2F percent",
  "?query=1&b#fragment",
  "nul\0inside\0",
  "\r\n*1\r\n$4\r\nPING\r\n",
  " ",
  '["users",42]',
  new Uint8Array([0]),
  new Uint8Array([0xff]),
  new Uint8Array([0xff, 0xfe, 0, 0x80, 0x2f, 0x25]),
  ["users", 42, true],
  ["users", 42n, new Uint8Array([0, 255])],
  [-1.5, "a\0b", false],
  "k".repeat(1024),
];

Deno.test("what one door writes every other reads, whatever the key and the kind of value", async (t) => {
  await using cluster = await Cluster.of(3, DOORS);
  const { nodes } = cluster;
  const [n1, n2, n3] = nodes as [RunningNode, RunningNode, RunningNode];
  const clients = nodes.map(({ resp }) => redisAt(resp!));
  try {
    await t.step("bytes", async () => {
      const value = new Uint8Array([0, 255, 13, 10, 0xc0]);
      for (const [i, key] of KEYS.entries()) {
        await doorsOf(nodes, clients, i).put(key, value);
        for (const seen of await readEverywhere(nodes, clients, key)) {
          assert.deepEqual(seen.typescript, value);
          assert.deepEqual(seen.http, ["application/octet-stream", value]);
          assert.deepEqual(seen.resp, value);
        }
      }
    });

    await t.step("text", async () => {
      const value = "milk ü\0\r\n日本";
      for (const [i, key] of KEYS.entries()) {
        await (i % 2 === 0 ? n1.put(key, value) : putHttp(n2, key, "text/plain", utf8(value)));
        for (const seen of await readEverywhere(nodes, clients, key)) {
          assert.equal(seen.typescript, value);
          assert.deepEqual(seen.http, ["text/plain; charset=utf-8", utf8(value)]);
          assert.deepEqual(seen.resp, utf8(value));
        }
      }
    });

    await t.step("structures", async () => {
      const value = { milk: 2, eggs: [1.5, null, true, "ü"], at: 1_800_000_000_000, no: -1 };
      const json = JSON.stringify(value);
      for (const [i, key] of KEYS.entries()) {
        await (i % 2 === 0 ? n3.put(key, value) : putHttp(n1, key, "application/json", utf8(json)));
        for (const seen of await readEverywhere(nodes, clients, key)) {
          assert.deepEqual(seen.typescript, value);
          assert.deepEqual(seen.http, ["application/json", utf8(json)]);
          assert.deepEqual(seen.resp, utf8(json));
        }
      }
    });

    await t.step(
      "what JSON cannot say comes back whole by TypeScript and is shown by the others",
      async () => {
        const value = { big: 2n ** 60n, bytes: new Uint8Array([1, 2]), at: new Date(0) };
        await n1.put("rich", value);
        const [seen] = await readEverywhere(nodes, clients, "rich");
        assert.deepEqual(seen!.typescript, value);
        const shown = `{"big":${2n ** 60n},"bytes":"AQI=","at":"1970-01-01T00:00:00.000Z"}`;
        assert.deepEqual(seen!.http, ["application/json", utf8(shown)]);
        assert.deepEqual(seen!.resp, utf8(shown));
      },
    );

    await t.step(
      "a map whose keys are lists is refused by name where it cannot be shown",
      async () => {
        const bytes = new Uint8Array([0x81, 0x91, 1, 0xa1, 97]);
        await n2.api.put(utf8("odd"), { kind: "msgpack", bytes });
        assert.deepEqual(await getHttp(n3, "odd"), ["application/msgpack", bytes]);
        await assert.rejects(n1.get("odd"), hasCode("unsupported", "no"));
        await assert.rejects(clients[0]!.get("odd"), /^ReplyError: UNSUPPORTED/);
        const [entry] = await Array.fromAsync(n1.list({ prefix: "odd" }));
        assert.ok(entry!.value instanceof UndecodedValue);
        assert.deepEqual(entry!.value.bytes, bytes);
        assert.equal(await n1.delete("odd"), true);
      },
    );

    await t.step("ends of values, deletes and contexts", async () => {
      await clients[0]!.set("ends", "x", "EX", 1000);
      const { expiresAtMs } = await n2.get("ends");
      assert.ok(expiresAtMs! > Date.now() + 900_000 && expiresAtMs! <= Date.now() + 1_000_000);
      const response = await fetch(`http://${n3.http}/kv/ends`);
      assert.equal(response.headers.get("denamo-expires-at-ms"), String(expiresAtMs));
      await response.body?.cancel();
      assert.equal(await n1.expire("ends", undefined), true);
      assert.equal(await clients[2]!.ttl("ends"), -1);

      assert.equal(await clients[1]!.del("ends"), 1);
      assert.equal((await n3.get("ends")).value, undefined);
      const gone = await fetch(`http://${n1.http}/kv/ends`);
      assert.equal(gone.status, 404);
      await gone.body?.cancel();

      await n1.put("cart", "milk", { w: "all" });
      const read = await fetch(`http://${n2.http}/kv/cart`);
      const context = read.headers.get("denamo-context")!;
      await read.body?.cancel();
      await clients[2]!.call("DN.SET", "cart", "eggs", "CONTEXT", context);
      await n1.put("cart", "bread", { context });
      const both = await fetch(`http://${n3.http}/kv/cart?r=all`);
      assert.equal(both.status, 300);
      const { siblings } = await both.json();
      assert.equal(siblings.length, 2);
    });

    await t.step("lists of one door name what the others have put", async () => {
      const expected = new Set(KEYS.map((key) => keyBytes(key).toHex()));
      const listed = new Set<string>();
      for await (const { key } of n2.list()) listed.add(keyBytes(key).toHex());
      const scanned = new Set<string>();
      let cursor = "0";
      do {
        const [next, keys] = await clients[0]!.scanBuffer(cursor);
        for (const key of keys) scanned.add(new Uint8Array(key).toHex());
        cursor = next.toString();
      } while (cursor !== "0");
      for (const key of expected) assert.ok(listed.has(key) && scanned.has(key), key);
      assert.deepEqual(scanned, listed);
    });
  } finally {
    for (const client of clients) client.disconnect();
  }
});

/** One of nine ways to write bytes: a node and one of its doors. */
function doorsOf(nodes: readonly RunningNode[], clients: readonly Redis[], turn: number) {
  const [node, client] = [nodes[turn % 3]!, clients[turn % 3]!];
  const ways = [
    (key: Key, value: Uint8Array) => node.put(key, value),
    (key: Key, value: Uint8Array) => putHttp(node, key, "application/octet-stream", value),
    (key: Key, value: Uint8Array) => client.set(Buffer.from(keyBytes(key)), Buffer.from(value)),
  ];
  return { put: ways[Math.floor(turn / 3) % 3]! };
}

/** A key as every door of every node shows it. */
function readEverywhere(nodes: readonly RunningNode[], clients: readonly Redis[], key: Key) {
  return Promise.all(nodes.map(async (node, i) => {
    const bytes = await clients[i]!.getBuffer(Buffer.from(keyBytes(key)));
    return {
      typescript: (await node.get(key)).value,
      http: await getHttp(node, key),
      resp: bytes === null ? null : new Uint8Array(bytes),
    };
  }));
}

async function getHttp(node: RunningNode, key: Key): Promise<[string | null, Uint8Array]> {
  const response = await fetch(`http://${node.http}${keyPath(keyBytes(key))}`);
  assert.equal(response.status, 200, `GET ${response.url}`);
  return [response.headers.get("content-type"), await response.bytes()];
}

async function putHttp(node: RunningNode, key: Key, type: string, body: Uint8Array): Promise<void> {
  const response = await fetch(`http://${node.http}${keyPath(keyBytes(key))}`, {
    method: "PUT",
    headers: { "content-type": type },
    body: body.slice(),
  });
  assert.equal(response.status, 204, await response.text());
}

function redisAt(address: string): Redis {
  const [host, port] = address.split(":") as [string, string];
  return new Redis({ host, port: Number(port) });
}
