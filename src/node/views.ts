// The cluster as an operator sees it.

import type { Heartbeat } from "../membership/heartbeat.ts";
import type { Member } from "../membership/member_table.ts";
import type { Layout } from "../ring/layout.ts";
import { memberLoads } from "../ring/load.ts";
import { partitionOf } from "../ring/partition.ts";
import type { KeyPlacement, MemberView, NodeStatus, RingView } from "./api.ts";
import type { HeldLayout } from "./layout_store.ts";
import type { OtherLayout } from "./other_layouts.ts";
import { type NodeSettings, VERSION } from "./settings.ts";

/** What a node knows of itself. */
export interface SelfView extends Omit<Heartbeat, "sequence" | "timeMs" | "intervalMs"> {
  /** Why it may be cut off, if most others are silent. */
  readonly selfDoubt?: string | undefined;
  /** Why our clock cannot be trusted. */
  readonly clockProblem?: string | undefined;
}

/** How a node is, of which the others are known as `members`. */
export function statusView(
  { cluster, doors, node, zone }: NodeSettings,
  self: Pick<NodeStatus, "addresses" | "notReadyBecause" | "peerId" | "uptimeMs">,
  layout: Layout | undefined,
  members: readonly Member[],
): NodeStatus {
  return {
    ...self,
    node,
    cluster,
    version: VERSION,
    zone,
    isReady: self.notReadyBecause === undefined,
    layoutVersion: layout?.version ?? 0,
    layoutId: layout?.id,
    membersUp: 1 + members.filter(({ state }) => state === "up").length,
    membersKnown: 1 + members.length,
    ...doors(),
  };
}

/**
 * Where a key with `copies` copies lives.
 *
 * @param copies undefined leaves it to the layout
 */
export function placementView(
  { layout, placement }: HeldLayout,
  key: Uint8Array,
  copies: number | undefined,
): KeyPlacement {
  const partition = partitionOf(key, layout.partitions);
  const owners = placement.ownersFor(partition, copies);
  const list = placement.preferenceList(partition);
  return { partition, owners, fallbacks: list.filter((node) => !owners.includes(node)) };
}

/**
 * Ourselves and the others, and those whom the layout names but nobody has heard of, by name.
 *
 * @param strays nodes that were refused as they have another layout
 */
export function memberViews(
  self: SelfView,
  others: readonly Member[],
  layout: Layout | undefined,
  uptimeMs: number,
  strays: readonly OtherLayout[] = [],
): MemberView[] {
  const inLayout = new Set(layout?.members.map(({ node }) => node));
  const views: MemberView[] = [
    {
      ...viewOf(self, inLayout),
      state: "up",
      stateForMs: uptimeMs,
      because: self.clockProblem ?? self.selfDoubt ?? "it was asked",
      sources: [],
      phi: 0,
      isSelf: true,
      isConnected: true,
    },
    ...others.map(({ because, heartbeat, isConnected, phi, sources, state, stateForMs }) => ({
      ...viewOf(heartbeat, inLayout),
      state,
      stateForMs: Math.round(stateForMs),
      because,
      sources: sources.map((source) => ({ ...source, forMs: Math.round(source.forMs) })),
      phi,
      isSelf: false,
      isConnected,
    })),
  ];
  for (const stray of strays) showStray(views, viewOf(stray, inLayout), uptimeMs);
  const seen = new Set(views.map(({ node }) => node));
  for (const { node, zone, weight } of layout?.members ?? []) {
    if (seen.has(node)) continue;
    views.push({
      node,
      peerId: undefined,
      state: "down",
      stateForMs: uptimeMs,
      because: "it was never heard of",
      sources: [],
      phi: 0,
      incarnation: 0,
      zone,
      weight,
      inLayout: true,
      isSelf: false,
      isConnected: false,
      addresses: [],
      http: undefined,
      resp: undefined,
      layoutVersion: 0,
      layoutId: undefined,
      disk: undefined,
    });
  }
  return views.sort((a, b) => a.node < b.node ? -1 : 1);
}

export function ringView(layout: Layout): RingView {
  const { version, id, partitions, replication } = layout;
  return { version, id, partitions, replication, members: memberLoads(layout) };
}

/** A node that was refused: in its own row, or in that of its name if nobody else lives under it. */
function showStray(views: MemberView[], stray: ReturnType<typeof viewOf>, uptimeMs: number): void {
  const because = `it is refused, as it has another layout: ${stray.layoutId}`;
  const at = views.findIndex(({ node }) => node === stray.node);
  if (at < 0) {
    const state = { state: "down", stateForMs: uptimeMs, because, sources: [], phi: 0 } as const;
    views.push({ ...stray, ...state, isSelf: false, isConnected: false });
  } else if (!views[at]!.isSelf && !views[at]!.isConnected) {
    views[at] = { ...views[at]!, because };
  }
}

function viewOf(heartbeat: SelfView, inLayout: ReadonlySet<string>) {
  const { node, peerId, incarnation, zone, weight, addresses, http, resp } = heartbeat;
  const { layoutVersion, layoutId, disk } = heartbeat;
  return {
    node,
    peerId,
    incarnation,
    zone,
    weight,
    inLayout: inLayout.has(node),
    addresses,
    http,
    resp,
    layoutVersion,
    layoutId,
    disk,
  };
}
