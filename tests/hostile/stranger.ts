// A peer that all nodes let in, as they would a new node, though no layout knows it.

import { type ForgedHeartbeat, greetingBytes, heartbeatBytes } from "./forgery.ts";
import { type HostileLink, HostilePeer } from "./hostile_peer.ts";
import type { Target, TargetNode } from "./target.ts";

/** The name of the cluster unless its nodes are told another. */
export const CLUSTER = "denamo";

export class Stranger implements AsyncDisposable {
  /** What it calls itself. */
  readonly name: string;
  readonly peer: HostilePeer;
  readonly #links: ReadonlyMap<string, HostileLink>;

  private constructor(name: string, peer: HostilePeer, links: ReadonlyMap<string, HostileLink>) {
    this.name = name;
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
    // A name of its own: that of one who has just left is still in use.
    const node = `stranger-${peer.id.slice(-8)}`;
    const links = new Map<string, HostileLink>();
    for (const member of target.nodes) {
      const greeting = greetingBytes({ node, peerId: peer.id, ...said });
      links.set(member.name, await peer.enter(target.addressOf(member), CLUSTER, greeting));
    }
    return new Stranger(said.node ?? node, peer, links);
  }

  get links(): readonly HostileLink[] {
    return [...this.#links.values()];
  }

  linkTo({ name }: Pick<TargetNode, "name">): HostileLink {
    return this.#links.get(name)!;
  }

  /** Publishes a heartbeat of its own through every node. */
  async speak(said: Partial<ForgedHeartbeat>): Promise<void> {
    await this.gossip({ node: this.name, peerId: this.peer.id, ...said });
  }

  /** Publishes any heartbeat through every node. @param origin who is said to have published it */
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
