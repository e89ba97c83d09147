// A node among its peers: who is met, told, kept connected to and given up.

import type { Heartbeat } from "../membership/heartbeat.ts";
import type { Heartbeats } from "../membership/heartbeats.ts";
import type { MemberChange, MemberTable } from "../membership/member_table.ts";
import { Probes } from "../membership/probes.ts";
import type { Log } from "../ports/log.ts";
import type { Network, NetworkHandlers, PeerId } from "../ports/network.ts";
import type { Rpc } from "../wire/rpc.ts";
import type { Admission } from "./admission.ts";
import type { LayoutStore } from "./layout_store.ts";
import type { NamespaceStore } from "./namespace_store.ts";
import type { Refutation } from "./refutation.ts";
import type { SealKeyStore } from "./seal_key_store.ts";

/** What the parts of a node have to do with its peers. */
export interface PeerRooms {
  readonly admission: Admission;
  readonly heartbeats: Heartbeats;
  readonly layouts: LayoutStore;
  readonly namespaces: NamespaceStore;
  readonly refutation: Refutation;
  readonly rpc: Rpc;
  readonly sealKeys: SealKeyStore;
  readonly table: MemberTable;
}

export class Peers {
  readonly #network: Network;
  readonly #log: Log;
  /** Called with the reason when this node must not go on. */
  readonly #giveUp: (reason: string) => void;
  /** Peers that the network keeps a connection to because they are members, with their addresses. */
  readonly #kept = new Map<PeerId, string>();
  #isStopped = false;

  constructor(network: Network, log: Log, giveUp: (reason: string) => void) {
    this.#network = network;
    this.#log = log;
    this.#giveUp = giveUp;
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
      admit: (peer, greeting) => admission.admit(peer, greeting),
      peerUp: (peer) => {
        admission.peerUp();
        table.connected(peer);
        rpc.peerUp(peer);
        refutation.tell();
      },
      peerDown: (peer, reason) => {
        table.disconnected(peer);
        rpc.peerDown(peer, reason);
      },
      refusedBy: (peer, reason) => admission.refusedBy(peer, reason),
      message: (from, lane, bytes) => {
        heartbeats.spoke(from);
        rpc.receive(from, lane, bytes);
      },
      published: (bytes) => {
        heartbeats.receive(bytes);
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
      case "name_taken":
        this.#giveUp(`The name "${change.node}" is in use by live peer ${change.peerId}`);
    }
  }

  /**
   * A member has told of itself: stays connected to it, and takes what it has set of namespaces, if that is something
   * else, its keys, if it may have others, and its layout, if that is newer.
   */
  heard(heartbeat: Heartbeat, { layouts, namespaces, rpc, sealKeys }: PeerRooms): void {
    const { addresses, layoutVersion, node, peerId } = heartbeat;
    if (this.#isStopped) return;
    const known = addresses.join(" ");
    if (this.#kept.get(peerId) !== known) {
      this.#kept.set(peerId, known);
      this.#network.keepConnected(addresses, peerId);
    }
    void sealKeys.makeIfDue();
    if (!rpc.isUp(peerId)) return;
    const isLater = layoutVersion > layouts.version;
    const layout = layouts.held?.layout;
    const givesKeys = layout === undefined
      ? isLater
      : layout.members.some((member) => member.node === node);
    const differsInNamespaces = namespaces.differsFrom(heartbeat.namespaces);
    const digest = givesKeys && sealKeys.differsFrom(peerId, heartbeat.sealKeys)
      ? heartbeat.sealKeys
      : undefined;
    if (!differsInNamespaces && digest === undefined) {
      if (isLater) void layouts.fetchFrom(peerId, rpc);
      return;
    }
    // A node without a layout serves nobody: it must not begin to before it knows how.
    const first = [
      differsInNamespaces ? namespaces.fetchFrom(peerId, rpc) : undefined,
      digest === undefined ? undefined : sealKeys.fetchFrom(peerId, digest, rpc),
    ];
    void Promise.all(first).then(() => {
      // What could not be fetched is tried again at the next heartbeat, and the layout with it.
      const isSealing = layout !== undefined || digest === undefined ||
        sealKeys.digest !== undefined;
      if (isLater && isSealing && !this.#isStopped) void layouts.fetchFrom(peerId, rpc);
    });
  }
}
