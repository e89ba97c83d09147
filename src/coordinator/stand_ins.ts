// Who may stand in for an owner that cannot be reached.

import type { PeerId } from "../ports/network.ts";
import { type Cluster, layoutOf } from "../replica/cluster.ts";

/** A node that can be asked: ourselves if it has no peer. */
export interface StandIn {
  readonly node: string;
  readonly peer: PeerId | undefined;
}

/**
 * The fallbacks of a partition that can be asked now, ourselves among them. All nodes find them in the same
 * order, that of the ring: so who reads asks whoever was written to.
 */
export function standInsFor(
  cluster: Cluster,
  partition: number,
  owners: readonly string[],
): StandIn[] {
  const found: StandIn[] = [];
  for (const node of layoutOf(cluster).placement.preferenceList(partition)) {
    if (owners.includes(node)) continue;
    const peer = cluster.peerOf(node);
    if (node === cluster.self) found.push({ node, peer: undefined });
    else if (peer !== undefined && cluster.rpc.isUp(peer)) found.push({ node, peer });
  }
  return found;
}
