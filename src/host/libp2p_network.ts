// The network port over libp2p: TCP, Noise, yamux, gossipsub.
//
// Each pair of peers has one connection with two streams, one per lane, that live as long as it does (a stream
// per request costs five to ten times as much). The dialling side opens them, then the peers greet
// (greeting.ts). Of several connections the peer with the smaller id chooses one and closes the
// others.
//
// Several nodes may run in one process, and many on one host.

import "./broadcast_channel.ts";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import { multiaddr } from "@multiformats/multiaddr";
import type { Libp2p } from "libp2p";
import { present } from "../base/assert.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Lane, Network, NetworkHandlers, PeerId } from "../ports/network.ts";
import type { Random } from "../ports/random.ts";
import { messageOf } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { byPeer, peerOfAddress, reachableFirst } from "./addresses.ts";
import { GossipTopic, PUBLISH_BYTES_MAX } from "./gossip_topic.ts";
import { choose, type GreetingFrame, type Hello, NETWORK_VERSION } from "./greeting.ts";
import { privateKeyOf } from "./identity.ts";
import { closeSoon, isDialToSelf, listenError, makeLibp2p } from "./libp2p_node.ts";
import { type LinkEvents, PeerLink } from "./peer_link.ts";
import { type Dialled, Redial } from "./redial.ts";
import { type OpenedConnection, StreamOpener } from "./stream_opener.ts";
import { SystemClock } from "./system_clock.ts";
import { SystemRandom } from "./system_random.ts";
import { TurnEnd } from "./turn_end.ts";

export { generateIdentity, peerIdOf } from "./identity.ts";

export interface Libp2pNetworkOptions {
  /** Peers of another cluster are refused. */
  readonly cluster: string;
  /** See {@linkcode generateIdentity}. */
  readonly privateKey: Uint8Array;
  /** Multiaddrs to listen on; port 0 takes a free one. */
  readonly listen: readonly string[];
  /** Multiaddrs to tell others, if not those that are listened on. */
  readonly announce?: readonly string[] | undefined;
  readonly log: Log;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  /** Between signs of life on a quiet connection; three without an answer end it. Default 5000. */
  readonly keepAliveMs?: number | undefined;
  /** How long a peer may take to greet. Default 5000. */
  readonly greetingTimeoutMs?: number | undefined;
  /**
   * Connections that others may have opened at once; more are closed at once. It must lie below what the system
   * grants: in Deno a listener of `node:net` that has run out of descriptors accepts nothing ever after. Default 1024.
   */
  readonly maxInboundConnections?: number | undefined;
}

/**
 * Makes the network of one node; `start` makes it listen.
 *
 * @throws {TypeError} if the private key cannot be read or an address is no multiaddr
 */
export async function createLibp2pNetwork(options: Libp2pNetworkOptions): Promise<Network> {
  const privateKey = privateKeyOf(options.privateKey);
  const { listen, announce = [], maxInboundConnections = MAX_INBOUND_CONNECTIONS } = options;
  const network = new Libp2pNetwork(peerIdFromPrivateKey(privateKey).toString(), options);
  const { turnEnd, gossip } = network;
  network.attach(
    await makeLibp2p({ privateKey, listen, announce, turnEnd, gossip, maxInboundConnections }),
  );
  return network;
}

const GREETING_TIMEOUT_MS = 5_000;
const MAX_INBOUND_CONNECTIONS = 1024;
const KEEP_ALIVE_MS = 5_000;
const KEEP_ALIVE_MISSES = 3;

class Libp2pNetwork implements Network {
  readonly self: PeerId;
  readonly gossip: GossipTopic;
  readonly turnEnd = new TurnEnd();
  readonly #options: Libp2pNetworkOptions;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #redial: Redial;

  readonly #instance: string;
  readonly #openings: StreamOpener;
  /** All open links, by the ids of their connections. */
  readonly #links = new Map<string, PeerLink>();
  /** The one link in use per peer: greeted from both sides or about to be. */
  readonly #chosen = new Map<PeerId, PeerLink>();
  #libp2p: Libp2p | undefined;
  #handlers: NetworkHandlers | undefined;
  #helloCount = 0;
  #state: "new" | "started" | "stopped" = "new";
  #isInMethod = false;

  constructor(self: PeerId, options: Libp2pNetworkOptions) {
    const random = options.random ?? new SystemRandom();
    this.self = self;
    this.#options = options;
    this.#log = options.log;
    this.#clock = options.clock ?? new SystemClock();
    this.#instance = random.bytes(8).toHex();
    this.#redial = new Redial({
      clock: this.#clock,
      random,
      log: options.log,
      dial: (addresses, peer) => this.#dial(addresses, peer),
      isUp: (peer) => this.#isUp(peer),
    });
    this.#openings = new StreamOpener({
      clock: this.#clock,
      timeoutMs: options.greetingTimeoutMs ?? GREETING_TIMEOUT_MS,
      opened: (opened) => this.#onOpened(opened),
      failed: (peer, reason, isRefusal) => this.#onUnopened(peer, reason, isRefusal),
    });
    this.gossip = new GossipTopic({
      topic: `denamo/${NETWORK_VERSION}/${options.cluster}`,
      random,
      log: options.log,
      isUp: (connection) => this.#links.get(connection.id)?.isUp ?? false,
      lost: (connection) => this.#links.get(connection.id)?.abort("Its gossip has ended"),
      isPeerUp: (peer) => this.#isUp(peer),
      published: (bytes) => this.#guarded((handlers) => handlers.published(bytes)),
    });
  }

  attach(libp2p: Libp2p): void {
    this.#libp2p = libp2p;
  }

  addresses(): readonly string[] {
    if (this.#state !== "started") return [];
    return reachableFirst(this.#node.getMultiaddrs().map((address) => address.toString()));
  }

  async start(handlers: NetworkHandlers): Promise<void> {
    if (this.#state !== "new") throw new TypeError("A network is started once");
    this.#state = "started";
    this.#handlers = handlers;
    const node = this.#node;
    node.addEventListener("connection:close", ({ detail }) => {
      this.#links.get(detail.id)?.abort("The connection was closed");
    });
    await this.#openings.start(node);
    try {
      await node.start();
    } catch (error) {
      await this.stop();
      throw new Error(
        `Cannot listen on ${this.#options.listen.join(", ")}: ${listenError(error)}`,
        {
          cause: error,
        },
      );
    }
    this.gossip.start();
    this.#redial.start();
  }

  keepConnected(addresses: readonly string[], peer?: PeerId): void {
    if (this.#state === "stopped") return;
    const groups = byPeer(addresses, this.#log);
    if (peer !== undefined) {
      const own = [...groups.get(undefined) ?? [], ...groups.get(peer) ?? []];
      if (own.length < addresses.length) {
        this.#log.warn("Addresses that are not this peer's are left out", { peer, addresses });
      }
      if (peer !== this.self && own.length > 0) this.#redial.keep(own, peer);
      return;
    }
    for (const [named, group] of groups) {
      if (named !== this.self) this.#redial.keep(group, named);
    }
  }

  forget(peer: PeerId): void {
    this.#redial.forget(peer);
    this.#closeAll(peer, (link) => link.close("It was forgotten"));
  }

  reset(peer: PeerId, reason: string): void {
    this.#closeAll(peer, (link) => link.abort(reason));
  }

  send(to: PeerId, lane: Lane, bytes: Uint8Array): boolean {
    if (bytes.length === 0 || bytes.length > LIMITS.message) {
      throw new RangeError(
        `A message has 1 to ${LIMITS.message} bytes, this one has ${bytes.length}`,
      );
    }
    return this.#chosen.get(to)?.send(lane, bytes) ?? false;
  }

  publish(bytes: Uint8Array): void {
    if (bytes.length > PUBLISH_BYTES_MAX) {
      throw new RangeError(
        `What is published has up to ${PUBLISH_BYTES_MAX} bytes, this has ${bytes.length}`,
      );
    }
    if (this.#state === "started") this.gossip.publish(bytes);
  }

  async stop(): Promise<void> {
    if (this.#state === "stopped") return;
    this.#state = "stopped";
    this.#handlers = undefined;
    this.#redial.stop();
    this.#openings.stop();
    for (const link of [...this.#links.values()]) link.close("We stop");
    // Gossipsub waits for its streams to take what is queued, which a stuck peer would never let happen.
    await Promise.all(this.#node.getConnections().map(closeSoon));
    await this.#node.stop();
  }

  get #node(): Libp2p {
    return present(this.#libp2p, "libp2p");
  }

  #isUp(peer: PeerId): boolean {
    return this.#chosen.get(peer)?.isUp ?? false;
  }

  /** Runs a handler; its failure is ours to report, and ends the link that it came from. */
  #guarded(call: (handlers: NetworkHandlers) => void, link?: PeerLink): void {
    if (this.#handlers === undefined) return;
    try {
      call(this.#handlers);
    } catch (error) {
      const stack = error instanceof Error ? error.stack : String(error);
      this.#log.error("What came from the network could not be handled", {
        peer: link?.peer,
        error: stack,
      });
      link?.abort(`It could not be handled: ${messageOf(error)}`);
    }
  }

  #closeAll(peer: PeerId, close: (link: PeerLink) => void): void {
    this.#isInMethod = true;
    try {
      for (const link of [...this.#links.values()]) if (link.peer === peer) close(link);
    } finally {
      this.#isInMethod = false;
    }
  }

  async #dial(addresses: readonly string[], peer: PeerId | undefined): Promise<Dialled> {
    const targets = addresses.map((address) => {
      return multiaddr(
        peer === undefined || peerOfAddress(address) !== undefined
          ? address
          : `${address}/p2p/${peer}`,
      );
    });
    try {
      return (await this.#node.dial(targets)).remotePeer.toString();
    } catch (error) {
      if (isDialToSelf(error)) return "self";
      throw error;
    }
  }

  /** A connection has its streams: the peers can greet. */
  #onOpened({ connection, request, bulk }: OpenedConnection): void {
    const link = new PeerLink({
      connection,
      request,
      bulk,
      turnEnd: this.turnEnd,
      clock: this.#clock,
      events: this.#events,
      greetingTimeoutMs: this.#options.greetingTimeoutMs ?? GREETING_TIMEOUT_MS,
      keepAliveMs: this.#options.keepAliveMs ?? KEEP_ALIVE_MS,
      keepAliveMisses: KEEP_ALIVE_MISSES,
    });
    this.#links.set(connection.id, link);
    if (!this.#decides(link)) this.#guarded((handlers) => this.#sayHello(link, handlers), link);
  }

  /** A connection has ended before it had its streams. */
  #onUnopened(peer: PeerId, reason: string, isRefusal: boolean): void {
    this.#log.debug("A connection could not be used", { peer, reason });
    if (isRefusal) {
      this.#redial.refused(peer);
      this.#guarded((handlers) => handlers.refusedBy(peer, reason));
    }
    this.#redial.linkEnded(peer, reason);
  }

  /** Of the two peers the one with the smaller id chooses the connection. */
  #decides(link: PeerLink): boolean {
    return this.self < link.peer;
  }

  #sayHello(link: PeerLink, handlers: NetworkHandlers): void {
    const others = [...this.#links.values()].filter((other) => other.peer === link.peer);
    const held = others.flatMap(({ sent }) => sent === undefined ? [] : [sent.number]);
    link.sayHello({
      cluster: this.#options.cluster,
      instance: this.#instance,
      number: ++this.#helloCount,
      holds: held.length === 0 ? 0 : Math.min(...held),
      greeting: handlers.greeting(),
    });
  }

  readonly #events: LinkEvents = {
    greeted: (link, frame) => {
      this.#guarded((handlers) => this.#onGreeted(link, frame, handlers), link);
    },
    up: (link) => {
      this.#redial.peerUp(link.peer);
      this.#guarded((handlers) => handlers.peerUp(link.peer), link);
      if (link.isUp) this.gossip.peerUp(link.connection.remotePeer, link.connection);
    },
    message: (link, lane, bytes) => {
      this.#guarded((handlers) => handlers.message(link.peer, lane, bytes), link);
    },
    closed: (link, reason, wasUp) => this.#onLinkClosed(link, reason, wasUp),
  };

  #onGreeted(
    link: PeerLink,
    frame: Exclude<GreetingFrame, { kind: "accept" }>,
    handlers: NetworkHandlers,
  ): void {
    switch (frame.kind) {
      case "refusal":
        this.#redial.refused(link.peer);
        handlers.refusedBy(link.peer, frame.reason);
        return link.close(`It refused us: ${frame.reason}`);
      case "other_version":
        return this.#refuse(link, `This node speaks version ${NETWORK_VERSION} of the protocol`);
      case "hello":
        return this.#onHello(link, frame, handlers);
    }
  }

  #onHello(link: PeerLink, hello: Hello, handlers: NetworkHandlers): void {
    const { cluster } = this.#options;
    if (link.received !== undefined) return link.abort("It greeted twice");
    if (hello.cluster !== cluster) {
      // Neither can have the other, and only one of the two decides: it is told here.
      this.#redial.refused(link.peer);
      handlers.refusedBy(link.peer, `It is of cluster "${hello.cluster}", not "${cluster}"`);
      return this.#refuse(link, `This is cluster "${cluster}", not "${hello.cluster}"`);
    }
    const chosen = this.#chosen.get(link.peer);
    if (this.#decides(link) && choose(chosen?.received, hello) === "drop") {
      return link.close("Another connection is in use");
    }
    const refusal = handlers.admit(link.peer, hello.greeting);
    if (refusal !== undefined) return this.#refuse(link, refusal);
    chosen?.abort("Another connection replaces it");
    link.received = { ...hello, greeting: hello.greeting.slice() };
    this.#chosen.set(link.peer, link);
    if (this.#decides(link)) this.#sayHello(link, handlers);
    else link.accept();
  }

  #refuse(link: PeerLink, reason: string): void {
    this.#log.info("A peer was refused", { peer: link.peer, reason });
    link.refuse(reason);
  }

  #onLinkClosed(link: PeerLink, reason: string, wasUp: boolean): void {
    const { peer } = link;
    this.#links.delete(link.connection.id);
    if (this.#chosen.get(peer) === link) this.#chosen.delete(peer);
    this.#log.debug("A connection has ended", { peer, reason });
    if (wasUp) {
      this.gossip.peerDown(link.connection.remotePeer);
      const tell = () => this.#guarded((handlers) => handlers.peerDown(peer, reason));
      if (this.#isInMethod) queueMicrotask(tell);
      else tell();
    }
    this.#redial.linkEnded(peer, reason);
  }
}
