// Honest clients beside hostile ones: they write and read all the time, at every node and by both doors, and tell how
// often they were served in time.

import assert from "node:assert/strict";

/** The time that a request is given by its sender, in milliseconds: that of a node by default. */
const TIMEOUT_MS = 5_000;

export interface Addresses {
  /** Host and port. */
  readonly http: readonly string[];
  readonly resp: readonly string[];
}

export class HonestClients {
  readonly #addresses: Addresses;
  readonly #running: Promise<void>[];
  readonly #problems: string[] = [];
  #served = 0;
  #isStopping = false;

  /** They begin at once. */
  constructor(addresses: Addresses) {
    this.#addresses = addresses;
    this.#running = [
      ...addresses.http.map((address) => this.#run(address, askHttp)),
      ...addresses.resp.map((address) => this.#run(address, askResp)),
    ];
  }

  get served(): number {
    return this.#served;
  }

  /** Ends them. @throws unless 99 of 100 requests were served, and `least` at the least */
  async assertServed(least: number): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#running);
    const failed = this.#problems.length;
    const share = this.#served / (this.#served + failed);
    const shown = [...new Set(this.#problems)].slice(0, 5).join("; ");
    assert.ok(this.#served >= least, `Only ${this.#served} requests were served: ${shown}`);
    assert.ok(share >= 0.99, `${failed} of ${this.#served + failed} requests failed: ${shown}`);
  }

  async #run(address: string, ask: (address: string, key: string) => Promise<void>): Promise<void> {
    for (let i = 0; !this.#isStopping; i++) {
      try {
        await inTime(ask(address, `honest:${address}:${i % 100}`));
        this.#served++;
      } catch (error) {
        this.#problems.push(`${address}: ${error instanceof Error ? error.message : error}`);
      }
      // Not one after the other without a pause: they are not the load.
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

async function askHttp(address: string, key: string): Promise<void> {
  const url = `http://${address}/kv/${encodeURIComponent(key)}`;
  const put = await fetch(url, { method: "PUT", body: key });
  await put.body?.cancel();
  assert.equal(put.status, 204);
  const got = await fetch(url);
  assert.equal(await got.text(), key);
}

async function askResp(address: string, key: string): Promise<void> {
  const commands = `SET ${key} ${key}\r\nGET ${key}\r\nQUIT\r\n`;
  assert.equal(await converse(address, commands), `+OK\r\n$${key.length}\r\n${key}\r\n+OK\r\n`);
}

/** Sends these bytes and reads until the other side ends the connection. */
export async function converse(address: string, text: string): Promise<string> {
  using connection = await connect(address);
  await writeAll(connection, new TextEncoder().encode(text));
  return await readAll(connection);
}

export function connect(address: string): Promise<Deno.TcpConn> {
  const at = address.lastIndexOf(":");
  return Deno.connect({ hostname: address.slice(0, at), port: Number(address.slice(at + 1)) });
}

export async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await connection.write(rest));
}

export async function readAll(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(64 * 1024);
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return text;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("not in time")), TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
