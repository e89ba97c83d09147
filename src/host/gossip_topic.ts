// One topic, to which every admitted peer is subscribed, over gossipsub.
//
// Gossipsub would talk with every peer that libp2p has a connection to, and it holds on to the first of several
// connections even when that one is closed. So it does not hear of connections from libp2p: it sees a
// registrar of ours, which tells it of a peer when the peer's link is up and over which connection, and turns
// away the streams of everybody else. A peer that was refused, or has not greeted yet, takes no part.
//
// Messages pass through others, so each is signed with the key of the peer that published it, and is known by that
// peer and a number that rises with each: gossipsub checks the signature before it remembers, delivers or
// passes on anything. So no peer can speak in another's name, nor have another's words taken for
// a repetition.

import { setImmediate } from "node:timers";
import {
  type GossipSub,
  gossipsub,
  type GossipSubComponents,
  type GossipsubMessage,
  type Message,
  StrictSign,
  TopicValidatorResult,
} from "@libp2p/gossipsub";
import type { Connection, PeerId as Libp2pPeerId } from "@libp2p/interface";
import type { Log } from "../ports/log.ts";
import type { PeerId } from "../ports/network.ts";
import { plainBytes } from "./frames.ts";

type Registrar = GossipSubComponents["registrar"];
type Topology = Parameters<Registrar["register"]>[1];
type StreamHandler = Parameters<Registrar["handle"]>[1];

/** How long a message is remembered, so that its copies are not delivered again. */
const SEEN_MS = 30_000;

/** The most that one message of gossipsub's own may hold, in bytes. */
const RPC_BYTES_MAX = 1024 * 1024;

/** The most that can be published at once, in bytes. */
export const PUBLISH_BYTES_MAX = 512 * 1024;

/** What may wait for one slow peer, in bytes. */
const OUTBOUND_BYTES_MAX = 4 * 1024 * 1024;

export interface GossipTopicOptions {
  readonly topic: string;
  readonly log: Log;
  /** Whether the link over this connection is up. */
  readonly isUp: (connection: Connection) => boolean;
  /** Gossip with the peer has come to an end, though the link over this connection is up. */
  readonly lost: (connection: Connection) => void;
  readonly isPeerUp: (peer: PeerId) => boolean;
  /** What a peer has published, whoever has passed it on. */
  readonly published: (from: PeerId, bytes: Uint8Array) => void;
}

export class GossipTopic {
  readonly #options: GossipTopicOptions;
  #self: PeerId | undefined;
  #gossip: GossipSub | undefined;
  readonly #topologies = new Set<Topology>();

  constructor(options: GossipTopicOptions) {
    this.#options = options;
  }

  /** What libp2p makes its pubsub service with. */
  readonly service = (components: GossipSubComponents): GossipSub => {
    const { privateKey, peerId, peerStore, connectionManager, logger } = components;
    const registrar = this.#gate(components.registrar);
    this.#self = peerId.toString();
    const gossip = gossipsub({
      // A publisher tells all its peers, so the mesh only serves those whom it does not reach.
      floodPublish: true,
      D: 3,
      Dlo: 2,
      Dhi: 6,
      Dscore: 2,
      Dout: 1,
      Dlazy: 3,
      seenTTL: SEEN_MS,
      fallbackToFloodsub: false,
      tagMeshPeers: false,
      emitSelf: false,
      allowPublishToZeroTopicPeers: true,
      allowedTopics: [this.#options.topic],
      maxInboundDataLength: RPC_BYTES_MAX,
      maxOutboundBufferSize: OUTBOUND_BYTES_MAX,
      globalSignaturePolicy: StrictSign,
      msgIdFn: idOf,
      // Repetitions are found by this before a signature is checked; only what was checked is remembered.
      fastMsgIdFn: ({ from, seqno }) => `${from?.toHex()} ${seqno?.toHex()}`,
      msgIdToStrFn: (id) => id.toHex(),
      // Many nodes of one cluster may share a host, and admitted peers are trusted.
      scoreParams: { IPColocationFactorWeight: 0, behaviourPenaltyWeight: 0 },
    })({ privateKey, peerId, peerStore, connectionManager, logger, registrar });
    gossip.topicValidators.set(this.#options.topic, (peer) => {
      return this.#options.isPeerUp(peer.toString())
        ? TopicValidatorResult.Accept
        : TopicValidatorResult.Ignore;
    });
    gossip.addEventListener("gossipsub:message", (event) => this.#onMessage(event.detail));
    this.#gossip = gossip as GossipSub;
    return this.#gossip;
  };

  /** Begins to take part, once libp2p has started. */
  start(): void {
    this.#gossip?.subscribe(this.#options.topic);
  }

  /**
   * A peer may take part from now on, over this connection. Gossipsub hears of it a turn later: the end of a
   * former connection's stream, which may be on its way in this turn, makes it forget the peer.
   */
  peerUp(peer: Libp2pPeerId, connection: Connection): void {
    setImmediate(() => {
      if (!this.#options.isUp(connection)) return;
      const watched = this.#watched(connection);
      for (const topology of this.#topologies) this.#tell(topology.onConnect?.(peer, watched));
    });
  }

  peerDown(peer: Libp2pPeerId): void {
    for (const topology of this.#topologies) this.#tell(topology.onDisconnect?.(peer));
  }

  publish(bytes: Uint8Array): void {
    this.#gossip?.publish(this.#options.topic, bytes.slice()).catch((error: Error) => {
      this.#options.log.debug("Could not publish", { error: error.message });
    });
  }

  #onMessage({ msg }: GossipsubMessage): void {
    if (msg.type !== "signed") return;
    const from = msg.from.toString();
    // What we have said long ago may be passed on again.
    if (from !== this.#self) this.#options.published(from, plainBytes(msg.data));
  }

  /**
   * The connection as gossipsub sees it. It opens its stream once and would keep one that has died in the
   * meantime, or died later, and be silent for ever; so it gets none of a link that is not up, and
   * we hear when it loses the one it has.
   */
  #watched(connection: Connection): Connection {
    const { isUp, lost } = this.#options;
    const newStream: Connection["newStream"] = async (protocols, options) => {
      const stream = await connection.newStream(protocols, options);
      if (!isUp(connection) || stream.status !== "open") {
        stream.abort(new Error("The link has ended"));
        throw new Error("The link has ended");
      }
      stream.addEventListener("close", () => {
        if (isUp(connection)) lost(connection);
      });
      return stream;
    };
    return Object.assign(Object.create(connection) as Connection, { newStream });
  }

  #tell(told: unknown): void {
    if (!(told instanceof Promise)) return;
    told.catch((error: Error) => {
      this.#options.log.warn("Gossip cannot follow a peer", { error: error.message });
    });
  }

  /** A registrar that keeps the topologies to itself and lets in the streams of admitted peers only. */
  #gate(registrar: Registrar): Registrar {
    const topologies = this.#topologies;
    let ids = 0;
    const byId = new Map<string, Topology>();
    const guard = (handler: StreamHandler): StreamHandler => (stream, connection) => {
      if (this.#options.isUp(connection)) return handler(stream, this.#watched(connection));
      stream.abort(new Error("This peer is not admitted"));
    };
    const gated: Pick<Registrar, "handle" | "unhandle" | "register" | "unregister"> = {
      handle: (protocol, handler, options) => registrar.handle(protocol, guard(handler), options),
      unhandle: (protocol, options) => registrar.unhandle(protocol, options),
      register: (_protocol, topology) => {
        const id = `gossip-${++ids}`;
        byId.set(id, topology);
        // Gossipsub registers one topology for each of its protocol versions.
        topologies.add(topology);
        return Promise.resolve(id);
      },
      unregister: (id) => {
        const topology = byId.get(id);
        if (topology !== undefined) topologies.delete(topology);
        byId.delete(id);
      },
    };
    return gated as Registrar;
  }
}

/** A message's id: who has published it, and the number that it was given there. */
function idOf(message: Message): Uint8Array {
  if (message.type !== "signed") throw new TypeError("Only signed messages have an id");
  const from = message.from.toMultihash().bytes;
  const id = new Uint8Array(from.length + 8);
  id.set(from);
  new DataView(id.buffer).setBigUint64(from.length, message.sequenceNumber);
  return id;
}
