// Quorum writes and reads on three nodes in this process: libp2p over loopback, Deno KV, N=3, R=W=2.
//
// One request at a time shows latency; a hundred at once show what they share (frames, syncs of the disk).

import { type RunningNode, startNode } from "../src/mod.ts";

const REQUESTS = 100;
const value = new Uint8Array(1024).fill(120);
const directory = await Deno.makeTempDir();
const names = ["n1", "n2", "n3"];
const nodes: RunningNode[] = [];
for (const name of names) {
  nodes.push(await startNode({ name, data: `${directory}/${name}`, join: nodes[0]?.p2p }));
}
const [first, second] = nodes as [RunningNode, RunningNode];
await made(first);
while (!nodes.every(({ api }) => api.status().isReady)) await pause();

let written = 0;

Deno.bench("put, one at a time", { group: "put", baseline: true }, async () => {
  await first.put(`key${written++ % 1000}`, value);
});

Deno.bench(`put, ${REQUESTS} at once`, { group: "put" }, async () => {
  const puts = Array.from({ length: REQUESTS }, () => first.put(`key${written++ % 1000}`, value));
  await Promise.all(puts);
});

Deno.bench("get, one at a time", { group: "get", baseline: true }, async () => {
  await second.get("key1");
});

Deno.bench(`get, ${REQUESTS} at once`, { group: "get" }, async () => {
  await Promise.all(Array.from({ length: REQUESTS }, (_, i) => second.get(`key${i}`)));
});

globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));

async function made(node: RunningNode): Promise<void> {
  for (;;) {
    try {
      await node.api.initLayout(names);
      return;
    } catch {
      // Not all of them see each other yet.
      await pause();
    }
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}
