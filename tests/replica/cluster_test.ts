import assert from "node:assert/strict";
import { type Cluster, reachable } from "../../src/replica/cluster.ts";

interface Peer {
  readonly latencyMs?: number;
  readonly isAvoided?: boolean;
  readonly isDown?: boolean;
}

/** What n1 has of a cluster whose other nodes are `peers`. */
function clusterOf(peers: Readonly<Record<string, Peer>>): Cluster {
  const rpc = {
    isUp: (peer: string) => peers[peer]?.latencyMs !== undefined,
    latencyMs: (peer: string) => peers[peer]?.latencyMs ?? Infinity,
    isAvoided: (peer: string) => peers[peer]?.isAvoided === true,
  };
  return {
    self: "n1",
    rpc,
    peerOf: (node: string) => node in peers ? node : undefined,
    isDown: (node: string) => peers[node]?.isDown === true,
  } as unknown as Cluster;
}

Deno.test("reachable() puts the fastest first, then who does not answer at present, and last who is down", () => {
  const cluster = clusterOf({
    n2: { latencyMs: 1, isDown: true },
    n3: { latencyMs: 2, isAvoided: true },
    n4: { latencyMs: 90 },
    n5: { latencyMs: 30 },
    n6: {},
  });
  const nodes = ["n1", "n2", "n3", "n4", "n5", "n6", "n7"];
  assert.deepEqual(reachable(cluster, nodes).map(({ node }) => node), ["n5", "n4", "n3", "n2"]);
});
