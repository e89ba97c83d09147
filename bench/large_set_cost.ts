// What one more element costs in a set, and one more field in a map, of growing size: three nodes in this process,
// libp2p over loopback, Deno KV, N=3, W=3. `deno run -A bench/large_set_cost.ts`
//
// "written" is what all three storages write to their journals and records, "sent" what all three send each other, both
// in bytes and with everything that one add brings along: the request itself, and its share of heartbeats and
// comparisons. "took" is the median time of an add.

import { utf8 } from "../src/base/bytes.ts";
import type { NestedOperation } from "../src/crdt/map.ts";
import { type RunningNode, startNode } from "../src/mod.ts";

/** What one add costs. */
export interface AddCost {
  readonly elements: number;
  readonly writtenBytes: number;
  readonly sentBytes: number;
  readonly tookMs: number;
}

export type Kind = "set" | "map";

/** Elements of one request that fills a set. */
const CHUNK_COUNT = 1_000;

const ADDS = 50;

/** Fills a set or a map at nodes of one cluster, and adds to it, one at a time. */
export async function costOfAdds(
  nodes: readonly RunningNode[],
  kind: Kind,
  elements: number,
): Promise<AddCost> {
  const [{ api }] = nodes as [RunningNode];
  const key = utf8(`${kind} of ${elements}`);
  const update = (operations: NestedOperation[]) => {
    return api.update(key, operations, { w: "all", timeoutMs: 30_000 });
  };
  for (let at = 0; at < elements; at += CHUNK_COUNT) {
    const count = Math.min(CHUNK_COUNT, elements - at);
    await update(adds(kind, Array.from({ length: count }, (_, i) => `element ${at + i}`)));
  }
  const before = totals(nodes);
  const times: number[] = [];
  for (let i = 0; i < ADDS; i++) {
    const beganAtMs = performance.now();
    await update(adds(kind, [`added ${i}`]));
    times.push(performance.now() - beganAtMs);
  }
  const after = totals(nodes);
  return {
    elements,
    writtenBytes: (after.written - before.written) / ADDS,
    sentBytes: (after.sent - before.sent) / ADDS,
    tookMs: times.sort((a, b) => a - b)[ADDS / 2]!,
  };
}

function adds(kind: Kind, names: readonly string[]): NestedOperation[] {
  const elements = names.map(utf8);
  if (kind === "set") return [{ type: "set", operation: { kind: "add", elements } }];
  return elements.map((key): NestedOperation => {
    const operation = { kind: "set", value: { kind: "text", bytes: key } } as const;
    const nested: NestedOperation = { type: "register", operation };
    return { type: "map", operation: { kind: "update", key, nested } };
  });
}

function totals(nodes: readonly RunningNode[]): { written: number; sent: number } {
  const sumOf = (name: string) => {
    const values = nodes.map(({ api }) => api.measurements().find((it) => it.name === name)!.value);
    return values.reduce((sum, value) => sum + value, 0);
  };
  return { written: sumOf("storage_written_bytes"), sent: sumOf("rpcs_sent_bytes_total") };
}

async function main(): Promise<void> {
  const directory = await Deno.makeTempDir();
  const nodes: RunningNode[] = [];
  for (const name of ["n1", "n2", "n3"]) {
    nodes.push(await startNode({ name, data: `${directory}/${name}`, join: nodes[0]?.p2p }));
  }
  const names = nodes.map(({ name }) => name);
  while (!nodes.every(({ api }) => api.status().isReady)) {
    await nodes[0]!.api.initLayout(names).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  console.log("kind  elements  written    sent    took");
  for (const kind of ["set", "map"] as const) {
    for (const elements of [100, 10_000, 100_000]) {
      const { sentBytes, tookMs, writtenBytes } = await costOfAdds(nodes, kind, elements);
      console.log([
        kind.padEnd(4),
        `${elements}`.padStart(8),
        `${Math.round(writtenBytes)} B`.padStart(9),
        `${Math.round(sentBytes)} B`.padStart(8),
        `${tookMs.toFixed(1)} ms`.padStart(8),
      ].join("  "));
    }
  }
  await Promise.all(nodes.map((node) => node.stop()));
  await Deno.remove(directory, { recursive: true });
}

if (import.meta.main) await main();
