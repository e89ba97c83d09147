// Three processes, N=3, R=W=2, and one of them killed with SIGKILL in the middle of a thousand writes.

import assert from "node:assert/strict";
import { freePortBase } from "./free_ports.ts";
import { DenamoProcess, pidsIn } from "./processes.ts";
import { waitFor } from "./wait_for.ts";

const NAMES = ["n1", "n2", "n3"];
const WRITES = 1_000;
const WRITERS = 4;

/** What became of one write. */
interface Write {
  readonly key: string;
  readonly value: string;
  readonly isAcknowledged: boolean;
  readonly tookMs: number;
}

Deno.test("killing any one process during a thousand writes loses no acknowledged write", async () => {
  const directory = await Deno.makeTempDir();
  const base = freePortBase(3);
  const urls = NAMES.map((_, k) => `http://127.0.0.1:${base + 201 + k}`);
  const cluster = new DenamoProcess(["cluster", "--data", directory, "--port-base", `${base}`]);
  const restarted: DenamoProcess[] = [];
  try {
    await cluster.line(/^cluster ready$/);
    // What every node has on its disk.
    const everywhere = await writeEverywhere(urls[0]!);
    for (const [victim, name] of NAMES.entries()) {
      const peerId = (await nodeFile(directory, name)).peerId;
      const [pid] = await pidsIn(directory, [name]);
      const writes = await writeWhileKilling(urls, name, () => Deno.kill(pid!, "SIGKILL"));
      const acknowledged = new Map(
        writes.filter(({ isAcknowledged }) => isAcknowledged).map(({ key, value }) => [key, value]),
      );
      const failedCount = writes.length - acknowledged.size;
      const slowestMs = Math.max(...writes.map(({ tookMs }) => tookMs));
      assert.equal(writes.length, WRITES);
      assert.ok(failedCount <= 5, `${failedCount} of ${WRITES} writes failed while ${name} died`);
      assert.ok(slowestMs <= 5_000, `a write took ${slowestMs} ms while ${name} died`);
      for (const [k, url] of urls.entries()) {
        if (k !== victim) await readAll(url, acknowledged, 2);
      }

      restarted.push(new DenamoProcess(restartArguments(directory, base, victim)));
      await waitFor(`${name} to be ready`, () => isReady(urls[victim]!));
      assert.equal((await nodeFile(directory, name)).peerId, peerId, "its peer id is as before");
      await readAll(urls[victim]!, everywhere, 1);
      // Reads of all copies repair what it has missed; then it alone has everything.
      await readAll(urls[victim]!, acknowledged, 3);
      await waitFor(
        `${name} to have everything`,
        () => readAll(urls[victim]!, acknowledged, 1).then(() => true, () => false),
      );
      for (const [key, value] of acknowledged) everywhere.set(key, value);
    }
  } finally {
    for (const process of [cluster, ...restarted]) await process[Symbol.asyncDispose]();
    await Deno.remove(directory, { recursive: true });
  }
});

/** Some values that all nodes have acknowledged. */
async function writeEverywhere(url: string): Promise<Map<string, string>> {
  const written = new Map<string, string>();
  for (let i = 0; i < 100; i++) {
    const [key, value] = [`before:${i}`, `value ${i} of all`];
    const response = await fetch(`${url}/kv/${key}?w=all`, {
      method: "PUT",
      headers: { "content-type": "text/plain" },
      body: value,
    });
    assert.equal(response.status, 204, await response.text());
    written.set(key, value);
  }
  return written;
}

/** A thousand writes by some writers, each of which goes to the next node when its own does not answer. */
async function writeWhileKilling(
  urls: readonly string[],
  round: string,
  kill: () => void,
): Promise<Write[]> {
  const writes: Write[] = [];
  let next = 0;
  await Promise.all(Array.from({ length: WRITERS }, async (_, writer) => {
    let at = writer;
    while (next < WRITES) {
      const number = next++;
      if (number === Math.floor(WRITES / 3)) kill();
      const key = `${round}:${number}`;
      const value = `value ${number} of ${round}`;
      const startedAtMs = performance.now();
      let isAcknowledged = false;
      try {
        const response = await fetch(`${urls[at % urls.length]}/kv/${key}`, {
          method: "PUT",
          headers: { "content-type": "text/plain" },
          body: value,
        });
        await response.body?.cancel();
        isAcknowledged = response.ok;
      } catch {
        at++;
      }
      writes.push({ key, value, isAcknowledged, tookMs: performance.now() - startedAtMs });
    }
  }));
  return writes;
}

async function readAll(
  url: string,
  expected: ReadonlyMap<string, string>,
  r: number,
): Promise<void> {
  const keys = [...expected.keys()];
  await Promise.all(Array.from({ length: 8 }, async (_, reader) => {
    for (let i = reader; i < keys.length; i += 8) {
      const response = await fetch(`${url}/kv/${keys[i]}?r=${r}`);
      assert.equal(await response.text(), expected.get(keys[i]!), `${keys[i]} at ${url}, r=${r}`);
    }
  }));
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

async function nodeFile(directory: string, name: string): Promise<{ peerId: string }> {
  return JSON.parse(await Deno.readTextFile(`${directory}/${name}/node.json`));
}

function restartArguments(directory: string, base: number, victim: number): string[] {
  const join = NAMES.flatMap((_, k) =>
    k === victim ? [] : ["--join", `/ip4/127.0.0.1/tcp/${base + 1 + k}`]
  );
  return [
    ...["node", "--name", NAMES[victim]!, "--data", `${directory}/${NAMES[victim]}`],
    ...["--listen", `/ip4/127.0.0.1/tcp/${base + 1 + victim}`, ...join],
    ...["--http", `127.0.0.1:${base + 201 + victim}`],
    ...["--resp", `127.0.0.1:${base + 101 + victim}`, "--log-level", "error"],
  ];
}
