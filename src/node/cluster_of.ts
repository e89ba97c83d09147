// The cluster as the rooms above see it, made of what this node knows of its members and its layout.

import type { ClockWatch } from "../membership/clock_watch.ts";
import type { Heartbeats } from "../membership/heartbeats.ts";
import type { MemberTable } from "../membership/member_table.ts";
import type { PeerId } from "../ports/network.ts";
import type { Cluster } from "../replica/cluster.ts";
import type { Filling } from "../replica/filling.ts";
import { DEFAULT_HINT_WINDOW_MS, hintWindowProblem } from "../replica/hint_window.ts";
import type { Rpc } from "../wire/rpc.ts";
import type { Standing } from "../wire/standing.ts";
import type { LayoutStore } from "./layout_store.ts";
import type { NodeSettings } from "./settings.ts";

export interface ClusterParts {
  readonly settings: Pick<NodeSettings, "hintWindowMs" | "node">;
  readonly rpc: Rpc;
  readonly layouts: LayoutStore;
  readonly table: MemberTable;
  readonly heartbeats: Heartbeats;
  readonly filling: Filling;
  readonly clockWatch: ClockWatch;
}

export function clusterOf(parts: ClusterParts): Cluster {
  const { clockWatch, filling, heartbeats, layouts, rpc, settings, table } = parts;
  return {
    self: settings.node,
    rpc,
    current: () => layouts.held,
    peerOf: (node) => table.peerOf(node),
    nodeOf: (peer) => table.nodeOf(peer),
    downForMs: (node) => heartbeats.downForMs(node),
    isDown: (node) => table.stateOf(node) === "down",
    takesWrites: (node) => table.takesWrites(node),
    hintProblem: (owner) => {
      const windowMs = settings.hintWindowMs ?? DEFAULT_HINT_WINDOW_MS;
      return hintWindowProblem(owner, heartbeats.downForMs(owner), windowMs);
    },
    fillingProblem: (partition, copies) => filling.problem(partition, copies),
    clockProblem: () => clockWatch.mayCoordinate(),
    hearLayout: (id) => layouts.report(id, undefined),
  };
}

/** What a peer is to this node at present; see wire/standing.ts. */
export function standingOf(
  peer: PeerId,
  table: Pick<MemberTable, "nodeOf">,
  { members }: Pick<LayoutStore, "members">,
): Standing {
  if (members === undefined) return "unplaced";
  const node = table.nodeOf(peer);
  return node !== undefined && members.has(node) ? "member" : "peer";
}
