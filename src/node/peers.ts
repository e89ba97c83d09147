// A node among its peers: who is met, told, kept connected to and given up.

import type { Heartbeat } from "../membership/heartbeat.ts";
import type { Heartbeats } from "../membership/heartbeats.ts";
import type { MemberChange, MemberTable } from "../membership/member_table.ts";
import { Probes } from "../membership/probes.ts";
import type { Log } from "../ports/log.ts";
import type { Network, NetworkHandlers, PeerId } from "../ports/network.ts";
import type { Rpc } from "../wire/rpc.ts";
import type { Admission } from "./admission.ts";
import type { LayoutAgreement } from "./layout_agreement.ts";
import type { LayoutStore } from "./layout_store.ts";
import type { NamespaceStore } from "./namespace_store.ts";
import type { OtherLayouts } from "./other_layouts.ts";
import type { PeerBook, RememberedPeer } from "./peer_book.ts";
import type { Refutation } from "./refutation.ts";
import type { SealKeyStore } from "./seal_key_store.ts";

/** What the parts of a node have to do with its peers. */
export interface PeerRooms {
  readonly admission: Admission;
  readonly heartbeats: Heartbeats;
  readonly layouts: Pick<LayoutStore, "members">;
  readonly agreement: LayoutAgreement;
  readonly book: PeerBook;
  readonly namespaces: NamespaceStore;
  readonly otherLayouts: Pick<OtherLayouts, "judge">;
  readonly refutation: Refutation;
  readonly rpc: Rpc;
  readonly sealKeys: SealKeyStore;
  readonly table: MemberTable;
}

export class Peers {
  readonly #network: Network;
  readonly #log: Log;
  /** Called with a peer that is heard under our own name. */
  readonly #rivals: (peer: PeerId) => void;
  /** Peers that the network keeps a connection to because they are members, with their addresses. */
  readonly #kept = new Map<PeerId, string>();
  #isStopped = false;

  constructor(network: Network, log: Log, rivals: (peer: PeerId) => void) {
    this.#network = network;
    this.#log = log;
    this.#rivals = rivals;
  }

  /** Calls those whom the node is told to join, and those members that an earlier run has met, where they were then. */
  begin(join: readonly string[], remembered: readonly RememberedPeer[]): void {
    for (const address of join) this.#network.keepConnected([address]);
    for (const { addresses, peer } of remembered) {
      if (peer === this.#network.self || addresses.length === 0) continue;
      this.#kept.set(peer, addresses.join(" "));
      this.#network.keepConnected(addresses, peer);
    }
  }

  /** Keeps connected to nobody further. */
  stop(): void {
    this.#isStopped = true;
  }

  handlers(rooms: PeerRooms): NetworkHandlers {
    const { admission, heartbeats, refutation, rpc, table } = rooms;
    heartbeats.probeWith(new Probes(rpc, table));
    return {
      greeting: () => admission.greeting(),
      admit: (peer, greeting, isDialled) => admission.admit(peer, greeting, isDialled),
      peerUp: (peer) => {
        admission.peerUp(peer);
        table.connected(peer);
        rpc.peerUp(peer);
        refutation.tell();
      },
      peerDown: (peer, reason) => {
        admission.peerDown(peer);
        table.disconnected(peer);
        rpc.peerDown(peer, reason);
      },
      refusedBy: (peer, refusal, by) => admission.refusedBy(peer, refusal, by),
      message: (from, lane, bytes) => {
        heartbeats.spoke(from);
        rpc.receive(from, lane, bytes);
      },
      published: (from, bytes) => {
        heartbeats.receive(from, bytes);
        refutation.tell();
      },
    };
  }

  /** The member table has changed. */
  changed(change: MemberChange): void {
    const log = this.#log;
    switch (change.kind) {
      case "joined":
        log.info(`${change.node} is here`, { peer: change.peerId });
        break;
      case "restarted":
        log.info(`${change.node} has restarted`);
        break;
      case "rebound":
        log.warn(`${change.node} is back under another peer id`, { peer: change.peerId });
        if (this.#kept.delete(change.formerPeerId)) this.#network.forget(change.formerPeerId);
        break;
      case "state":
        log[change.to === "up" ? "info" : "warn"](`${change.node} is ${change.to}`);
        // A connection to a machine that lost its power stays half open and would block its return.
        if (change.to === "down") this.#network.reset(change.peerId, "its heartbeats have stopped");
        break;
      case "refused":
        log.warn(`A claim to the name ${change.node} is refused`, { reason: change.reason });
        break;
      case "rival":
        this.#rivals(change.peerId);
        break;
      case "dropped":
        if (this.#kept.delete(change.peerId)) this.#network.forget(change.peerId);
    }
  }

  /**
   * A member has told of itself: stays connected to it, takes what it has set of namespaces, if that is something
   * else, and its keys, if it may have others, and looks at its layout.
   */
  heard(
    heartbeat: Heartbeat,
    { agreement, book, layouts, namespaces, otherLayouts, rpc, sealKeys, table }: PeerRooms,
  ): void {
    const { addresses, layoutId, node, peerId } = heartbeat;
    if (this.#isStopped) return;
    const isMet = rpc.isUp(peerId);
    // Where a peer says to be before it was met may be anywhere.
    book.note(node, peerId, isMet ? addresses : undefined);
    const known = addresses.join(" ");
    // The network may have dropped one that was never met.
    if (this.#kept.get(peerId) !== known || !isMet) {
      this.#kept.set(peerId, known);
      this.#network.keepConnected(addresses, peerId);
    }
    // A connection that is open stays: that is between the two, and their next greeting ends it.
    otherLayouts.judge(heartbeat);
    void sealKeys.makeIfDue();
    if (!isMet) return;
    const first: Promise<void>[] = [];
    // What anybody might set of namespaces would move keys: a cluster takes that from its members only.
    if (table.counts(node) && namespaces.differsFrom(heartbeat.namespaces)) {
      first.push(namespaces.fetchFrom(peerId, rpc));
    }
    const digest = heartbeat.sealKeys;
    const givesKeys = layouts.members?.has(node) === true;
    if (givesKeys && digest !== undefined && sealKeys.differsFrom(peerId, digest)) {
      first.push(sealKeys.fetchFrom(peerId, digest, rpc));
    }
    if (first.length === 0) return void agreement.heard(peerId, layoutId);
    // A node without a layout serves nobody, and must not begin to before it knows how.
    void Promise.all(first).then(() => {
      if (!this.#isStopped) void agreement.heard(peerId, layoutId);
    });
  }
}
