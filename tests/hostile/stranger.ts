// A peer that all nodes let in, as they would a new node, though no layout knows it.

import { type ForgedHeartbeat, greetingBytes, heartbeatBytes } from "./forgery.ts";
import { type HostileLink, HostilePeer } from "./hostile_peer.ts";
import type { Target, TargetNode } from "./target.ts";

/** The name of the cluster unless its nodes are told another. */
export const CLUSTER = "denamo";

export class Stranger implements AsyncDisposable {
  readonly peer: HostilePeer;
  readonly #links: ReadonlyMap<string, HostileLink>;

  private constructor(peer: HostilePeer, links: ReadonlyMap<string, HostileLink>) {
    this.peer = peer;
    this.#links = links;
  }

  /** Greets all nodes. @param said what it says of itself that is not as it should be */
  static async enter(
    target: Target,
    said: Partial<ForgedHeartbeat> = {},
    side: "speaks" | "listens" = "speaks",
  ): Promise<Stranger> {
    const peer = await HostilePeer.make(target.nodes.map(({ peerId }) => peerId), side);
    const links = new Map<string, HostileLink>();
    for (const node of target.nodes) {
      const greeting = greetingBytes({ node: "stranger", peerId: peer.id, ...said });
      links.set(node.name, await peer.enter(target.addressOf(node), CLUSTER, greeting));
    }
    return new Stranger(peer, links);
  }

  get links(): readonly HostileLink[] {
    return [...this.#links.values()];
  }

  linkTo({ name }: Pick<TargetNode, "name">): HostileLink {
    return this.#links.get(name)!;
  }

  /** Publishes a heartbeat through every node. @param origin who is said to have published it */
  async gossip(forged: ForgedHeartbeat, origin?: string): Promise<void> {
    for (const link of this.links) await link.publish(CLUSTER, heartbeatBytes(forged), origin);
  }

  /** Waits until every node that still listens has taken in all that was sent to it before. */
  async heard(): Promise<void> {
    for (const link of this.links) if (link.isOpen) await link.call(PROBE, []);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.peer[Symbol.asyncDispose]();
  }
}

const PROBE = 15;
