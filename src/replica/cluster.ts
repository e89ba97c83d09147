// What a coordinator must know of the cluster around it.

import type { PeerId } from "../ports/network.ts";
import type { Layout } from "../ring/layout.ts";
import type { Placement } from "../ring/placement.ts";
import { DenamoError, type QuorumError } from "../wire/errors.ts";
import type { Rpc } from "../wire/rpc.ts";

/** A layout with its tables. */
export interface CurrentLayout {
  readonly layout: Layout;
  readonly placement: Placement;
  /** The layout as it is sent to peers that have another. */
  readonly encoded: Uint8Array;
}

export interface Cluster {
  readonly self: string;
  readonly rpc: Rpc;
  /** Undefined before the first layout. */
  current(): CurrentLayout | undefined;
  /** The peer that bears this name at present. */
  peerOf(node: string): PeerId | undefined;
  /** The name that a peer bears at present. */
  nodeOf(peer: PeerId): string | undefined;
  /** For how long a node has been down, as far as this run of ours knows, in milliseconds; 0 if it is not. */
  downForMs(node: string): number;
  /** Whether heartbeats of this node have stopped. */
  isDown(node: string): boolean;
  /** Whether a node, ourselves included, says that its disk takes writes, or has not said anything. */
  takesWrites(node: string): boolean;
  /** Why nothing more is kept for an owner, if it has been away for too long (see hint_window.ts). */
  hintProblem(owner: string): DenamoError | undefined;
  /**
   * Why this node cannot answer for keys that it owns, if it lacks data of their part.
   *
   * @param copies how many they have; undefined for as many as the layout says
   */
  fillingProblem(partition: number, copies: number | undefined): DenamoError | undefined;
  /** A sentence if our clock is too far from the others' to draw dots. */
  clockProblem(): string | undefined;
  /** A peer has answered that it works by this layout. */
  hearLayout(id: string): void;
}

/** The layout. @throws {DenamoError} `not_ready` if there is none */
export function layoutOf(cluster: Cluster): CurrentLayout {
  const current = cluster.current();
  if (current !== undefined) return current;
  throw new DenamoError("not_ready", "no", "This cluster has no layout: run denamo layout init");
}

/** A node that can be asked right away. */
export interface Reachable {
  readonly node: string;
  readonly peer: PeerId;
}

/**
 * Those of `nodes` that have an open connection, the fastest first; then those that have not answered for some
 * hundred milliseconds, and last of all nodes called down.
 */
export function reachable(cluster: Cluster, nodes: readonly string[]): Reachable[] {
  const found: Reachable[] = [];
  for (const node of nodes) {
    const peer = cluster.peerOf(node);
    if (peer !== undefined && node !== cluster.self && cluster.rpc.isUp(peer)) {
      found.push({ node, peer });
    }
  }
  const rank = ({ node, peer }: Reachable) =>
    cluster.rpc.latencyMs(peer) + (cluster.rpc.isAvoided(peer) ? 1e6 : 0) +
    (cluster.isDown(node) ? 1e9 : 0);
  return found.length > 1 ? found.sort((a, b) => rank(a) - rank(b)) : found;
}

/** Takes note of the layout that a peer names when it refuses ours. */
export function learnFromRefusal(cluster: Cluster, error: DenamoError | QuorumError): void {
  const id = error.code === "wrong_layout" ? error.details["layoutId"] : undefined;
  if (typeof id === "string") cluster.hearLayout(id);
}
