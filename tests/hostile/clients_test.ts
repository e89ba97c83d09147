// Clients that make a node hold what they sent in part, or what they do not take.

import assert from "node:assert/strict";
import { waitFor } from "../cluster/wait_for.ts";
import { residentBytes, startLocalNodes } from "./local_nodes.ts";
import { connect, converse, HonestClients, writeAll } from "./served.ts";

const LIMIT_BYTES = 64 * 1024 * 1024;

Deno.test("300 clients with half a command of 15 MB each take a bounded memory, which comes back", async () => {
  await using nodes = await startLocalNodes(["--client-memory-bytes", String(LIMIT_BYTES)]);
  const [victim] = nodes.pids as [number];
  const [address] = nodes.addresses.resp as [string];
  const honest = new HonestClients(nodes.addresses);
  await warmUp(address);
  await waitFor("the node to do its usual work", () => honest.served > 500);
  const before = await residentBytes(victim);
  let most = before;
  const watching = new AbortController();
  const watch = watchMost(victim, watching.signal, (bytes) => most = Math.max(most, bytes));
  const open: Deno.TcpConn[] = [];
  const endings = Array.from({ length: 300 }, () => sendHalfCommand(address, open));
  await Promise.all(endings);
  const served = honest.served;
  await waitFor("a while of honest requests", () => honest.served > served + 500);
  for (const connection of open) tryClose(connection);
  watching.abort();
  await watch;
  assert.ok(await nodes.areAlive());
  // Without a bound it was 4,900 MB. What was let go of is garbage for a while.
  assert.ok(most < before + 8 * LIMIT_BYTES, `${most} bytes at most, ${before} before`);
  const evicted = /evicted_clients:(\d+)/.exec(await converse(address, "INFO stats\r\nQUIT\r\n"));
  assert.ok(Number(evicted![1]) > 100, `${evicted?.[0]}`);
  await honest.assertServed(1_000);
  // Garbage is collected when there is something to do, and memory given back when there is nothing.
  await warmUp(address);
  let after = Infinity;
  await waitFor("the memory to come back", async () => {
    after = await residentBytes(victim);
    return after <= 1.5 * before;
  }).catch((error) => assert.fail(`${error.message}: ${after} bytes, ${before} before`));
});

Deno.test("clients that send many reads and take no replies hold up nobody else", async () => {
  await using nodes = await startLocalNodes(["--client-memory-bytes", String(LIMIT_BYTES)]);
  const [victim] = nodes.pids as [number];
  const [address] = nodes.addresses.resp as [string];
  const big = "x".repeat(500_000);
  assert.equal(await converse(address, bulk("SET", "big", big) + "QUIT\r\n"), "+OK\r\n+OK\r\n");
  await warmUp(address);
  const before = await residentBytes(victim);
  const honest = new HonestClients(nodes.addresses);
  let most = before;
  const watching = new AbortController();
  const watch = watchMost(victim, watching.signal, (bytes) => most = Math.max(most, bytes));
  const greedy = "*101\r\n$4\r\nMGET\r\n" + "$3\r\nbig\r\n".repeat(100);
  const open: Deno.TcpConn[] = [];
  for (let i = 0; i < 30; i++) {
    const connection = await connect(address);
    open.push(connection);
    await writeAll(connection, new TextEncoder().encode(greedy.repeat(3)));
  }
  await waitFor("a while of honest requests", () => honest.served > 1_000);
  for (const connection of open) connection.close();
  watching.abort();
  await watch;
  // They asked for 4,500 MB.
  assert.ok(most < before + 8 * LIMIT_BYTES, `${most} bytes at most, ${before} before`);
  await honest.assertServed(1_000);
});

/** Sends 15 MB of a command that has still more; ends when the node ends it, or all is sent. */
async function sendHalfCommand(address: string, open: Deno.TcpConn[]): Promise<void> {
  const part = new TextEncoder().encode(`$500000\r\n${"x".repeat(500_000)}\r\n`);
  try {
    const connection = await connect(address);
    open.push(connection);
    await writeAll(connection, new TextEncoder().encode("*65\r\n$4\r\nMSET\r\n"));
    for (let i = 0; i < 30; i++) await writeAll(connection, part);
  } catch (error) {
    if (!isEnd(error)) throw error;
  }
}

/** The load that makes a node take the memory that it works with. */
async function warmUp(address: string): Promise<void> {
  let commands = "";
  for (let i = 0; i < 1_000; i++) commands += bulk("SET", `warm:${i}`, "y".repeat(1_000));
  for (let round = 0; round < 5; round++) {
    const replies = await converse(address, commands + "QUIT\r\n");
    assert.equal(replies, "+OK\r\n".repeat(1_001));
  }
}

function bulk(...words: string[]): string {
  return `*${words.length}\r\n` + words.map((word) => `$${word.length}\r\n${word}\r\n`).join("");
}

async function watchMost(
  pid: number,
  signal: AbortSignal,
  tell: (bytes: number) => void,
): Promise<void> {
  while (!signal.aborted) {
    tell(await residentBytes(pid));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function tryClose(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** Whether the other side has closed the connection in the middle of what we sent. */
function isEnd(error: unknown): boolean {
  const { BrokenPipe, ConnectionReset, NotConnected } = Deno.errors;
  return [BrokenPipe, ConnectionReset, NotConnected].some((kind) => error instanceof kind);
}
