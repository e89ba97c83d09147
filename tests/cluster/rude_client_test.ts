// Clients that send what no client should: their connection ends, and everybody else is served.

import assert from "node:assert/strict";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import type { RunningNode } from "../../src/mod.ts";
import { Cluster, DOORS } from "./in_process_cluster.ts";
import { within } from "./wait_for.ts";

Deno.test("garbage at any port ends its own connection, while others write and read", async (t) => {
  await using cluster = await Cluster.of(3, DOORS);
  const [n1, n2, n3] = cluster.nodes as [RunningNode, RunningNode, RunningNode];
  const p2p = `127.0.0.1:${/\/tcp\/(\d+)/.exec(n1.p2p[0]!)![1]}`;
  const random = new SeededRandom("garbage");

  await t.step("bytes without any meaning", async () => {
    for (const address of [p2p, n1.http!, n1.resp!]) {
      for (const length of [1, 100, 70_000]) {
        // So few bytes may be the beginning of something: the client says that there is no more.
        await served(cluster, () => ended(address, [garbage(random, length)], length < 70_000));
      }
    }
  });

  await t.step("the beginning of the right protocol, and then none", async () => {
    // What a libp2p peer says first, with a length before it; a request line; a command.
    const beginnings: [string, string][] = [
      [p2p, "\x13/multistream/1.0.0\n\xff\xff\xff\xff\x0f"],
      [n1.http!, "GET /kv/k HTTP/1.1\r\nHost: x\r\nContent-Length: nonsense\r\n\r\n"],
      [n1.http!, "PUT /kv/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
      [n1.resp!, "*2\r\n$3\r\nGET\r\n+k\r\n"],
      [n1.resp!, "*1\r\n$99999999999\r\n"],
      [n1.resp!, "*-7\r\n*99999999\r\n"],
    ];
    for (const [address, words] of beginnings) {
      const bytes = Uint8Array.from(words, (character) => character.charCodeAt(0));
      await served(cluster, () => ended(address, [bytes, garbage(random, 5_000)]));
    }
  });

  await t.step("connections that say nothing, half a request, or take no answers", async () => {
    const idle: Deno.TcpConn[] = [];
    try {
      for (const address of [p2p, n1.http!, n1.resp!]) {
        for (let i = 0; i < 20; i++) idle.push(await connect(address));
      }
      for (const [i, connection] of idle.entries()) {
        const words = BEGINNINGS[i % BEGINNINGS.length]!;
        if (words !== "") await connection.write(new TextEncoder().encode(words));
      }
      for (let i = 0; i < 20; i++) await served(cluster);
    } finally {
      for (const connection of idle) connection.close();
    }
  });

  await t.step("nothing of it has disturbed the cluster", () => {
    for (const { api } of [n1, n2, n3]) {
      assert.ok(api.status().isReady);
      assert.deepEqual(
        api.members().map(({ node, isConnected, state }) => [node, isConnected, state]),
        [["n1", true, "up"], ["n2", true, "up"], ["n3", true, "up"]],
      );
    }
  });
});

/** What a patient reader waits for the rest of. */
const BEGINNINGS = [
  "",
  "\x13/multistream/1.0.0\n\x07/noise\n",
  "GET /kv/k HT",
  "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$500000\r\n...",
];

let written = 0;

/** Writes and reads at every node by every door, while something else goes on. */
async function served(cluster: Cluster, meanwhile?: () => Promise<void>): Promise<void> {
  const others = cluster.nodes.map(async (node, i) => {
    const [key, value] = [`k${i}`, `value ${++written}`];
    await node.put(key, value, { w: "all" });
    const response = await fetch(`http://${node.http}/kv/${key}`);
    assert.equal(await response.text(), value);
    const reply = await converse(node.resp!, `GET ${key}\r\nQUIT\r\n`);
    assert.equal(reply, `$${value.length}\r\n${value}\r\n+OK\r\n`);
  });
  await within("all to be served", Promise.all([...others, meanwhile?.()]));
}

/** Sends bytes, and perhaps that there is no more; resolves when the other side has ended the connection. */
async function ended(
  address: string,
  parts: readonly Uint8Array[],
  isAll = false,
): Promise<void> {
  using connection = await connect(address);
  try {
    for (const part of parts) {
      for (let sent = 0; sent < part.length;) sent += await connection.write(part.subarray(sent));
    }
    if (isAll) await connection.closeWrite();
    await readAll(connection);
  } catch (error) {
    if (!isEnd(error)) throw error;
  }
}

async function converse(address: string, words: string): Promise<string> {
  using connection = await connect(address);
  await connection.write(new TextEncoder().encode(words));
  return await readAll(connection);
}

async function readAll(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(64 * 1024);
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return text;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
}

function connect(address: string): Promise<Deno.TcpConn> {
  const [hostname, port] = address.split(":") as [string, string];
  return Deno.connect({ hostname, port: Number(port) });
}

/** Whether the other side has closed the connection in the middle of what we sent. */
function isEnd(error: unknown): boolean {
  const { BrokenPipe, ConnectionReset, NotConnected } = Deno.errors;
  return [BrokenPipe, ConnectionReset, NotConnected].some((kind) => error instanceof kind);
}

function garbage(random: SeededRandom, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.uint32() & 0xff);
}
