// The network port over libp2p: TCP, Noise, yamux, gossipsub.
//
// Each pair of peers has one connection with two streams, one per lane, that live as long as it does (a stream
// per request costs five to ten times as much). The dialling side opens them, then the peers greet
// (greeting.ts). Of several connections the peer with the smaller id chooses one and closes the
// others.
//
// Several nodes may run in one process, and many on one host.

import "./broadcast_channel.ts";
import { peerIdFromPrivateKey, peerIdFromString } from "@libp2p/peer-id";
import { multiaddr } from "@multiformats/multiaddr";
import type { Connection } from "@libp2p/interface";
import type { Libp2p } from "libp2p";
import { present } from "../base/assert.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Lane, Network, NetworkHandlers, PeerId } from "../ports/network.ts";
import type { Random } from "../ports/random.ts";
import { messageOf } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import {
  byPeer,
  callable,
  isSameAddress,
  placeOf,
  type Reach,
  reachableFirst,
  reachOf,
} from "./addresses.ts";
import { Dialler } from "./dialler.ts";
import { GossipTopic, PUBLISH_BYTES_MAX } from "./gossip_topic.ts";
import { identityInUse, isEarlier, NETWORK_VERSION, type Run } from "./greeting.ts";
import { Greeter } from "./greeter.ts";
import type { Lookup } from "./host_names.ts";
import { answerSigns, runOf } from "./identity_watch.ts";
import { privateKeyOf } from "./identity.ts";
import { closeSoon, isDialToSelf, makeLibp2p } from "./libp2p_node.ts";
import { listenProblem } from "./listen_problem.ts";
import { type LinkEvents, PeerLink } from "./peer_link.ts";
import { type Dialled, Redial } from "./redial.ts";
import { type OpenedConnection, StreamOpener } from "./stream_opener.ts";
import { Strangers } from "./strangers.ts";
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
  /** Replaces the system's way of looking up the names in addresses. */
  readonly lookUp?: Lookup | undefined;
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
  const { turnEnd, gossip, strangers, dialler } = network;
  network.attach(
    await makeLibp2p({
      ...{ privateKey, listen, announce, turnEnd, gossip },
      gater: { ...strangers.gater, ...dialler.gater },
      maxInboundConnections,
    }),
  );
  return network;
}

const GREETING_TIMEOUT_MS = 5_000;
const MAX_INBOUND_CONNECTIONS = 1024;
const KEEP_ALIVE_MS = 5_000;
const KEEP_ALIVE_MISSES = 3;
const TOLD_MAX = 1_024;

class Libp2pNetwork implements Network {
  readonly self: PeerId;
  readonly gossip: GossipTopic;
  readonly turnEnd = new TurnEnd();
  readonly strangers = new Strangers();
  readonly #options: Libp2pNetworkOptions;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #redial: Redial;
  readonly dialler: Dialler;
  /** The addresses that whoever runs this node has given. */
  readonly #given = new Set<string>();

  /** This run of the process. */
  readonly #run: Run;
  readonly #openings: StreamOpener;
  readonly #greeter: Greeter;
  /** All open links, by the ids of their connections. */
  readonly #links = new Map<string, PeerLink>();
  /** Peers some of whose addresses are not called, as the log knows. */
  readonly #toldOf = new Set<PeerId>();
  #libp2p: Libp2p | undefined;
  #handlers: NetworkHandlers | undefined;
  #state: "new" | "started" | "stopped" = "new";
  #isInMethod = false;

  constructor(self: PeerId, options: Libp2pNetworkOptions) {
    const random = options.random ?? new SystemRandom();
    this.self = self;
    this.#options = options;
    this.#log = options.log;
    this.#clock = options.clock ?? new SystemClock();
    this.#run = { instance: random.bytes(8).toHex(), startedMs: Math.floor(this.#clock.now()) };
    this.dialler = new Dialler({
      clock: this.#clock,
      connect: (address, signal) => this.#node.dial(multiaddr(address), { signal }),
      // What is announced may be the address of several.
      own: () => options.announce === undefined ? this.addresses() : [],
      lookUp: options.lookUp,
    });
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
      failed: (connection, reason, isRefusal) => {
        this.#onUnopened(connection, reason, isRefusal);
      },
    });
    this.#greeter = new Greeter({
      self,
      cluster: options.cluster,
      run: this.#run,
      log: options.log,
      links: () => this.#links.values(),
      refused: (peer) => this.#redial.refused(peer),
      guarded: (call, link) => this.#guarded(call, link),
    });
    this.gossip = new GossipTopic({
      topic: `denamo/${NETWORK_VERSION}/${options.cluster}`,
      log: options.log,
      isUp: (connection) => this.#links.get(connection.id)?.isUp ?? false,
      lost: (connection) => this.#links.get(connection.id)?.abort("Its gossip has ended"),
      isPeerUp: (peer) => this.#isUp(peer),
      published: (from, bytes) => this.#guarded((handlers) => handlers.published(from, bytes)),
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
    await answerSigns(node, this.#run);
    try {
      await node.start();
    } catch (error) {
      await this.stop();
      throw new Error(listenProblem(this.#options.listen, error), { cause: error });
    }
    this.gossip.start();
    this.#redial.start();
  }

  keepConnected(addresses: readonly string[], peer?: PeerId): void {
    if (this.#state === "stopped") return;
    if (peer !== undefined) return this.#keepPeer(addresses, peer);
    for (const address of addresses) this.#given.add(placeOf(address));
    const groups = byPeer(addresses, this.#log);
    for (const [named, group] of groups) {
      // Of an address that names ourselves it is only found out who answers there.
      this.#redial.keep(group, named === this.self ? undefined : named);
    }
  }

  /** The addresses are what the peer says of itself. */
  #keepPeer(addresses: readonly string[], peer: PeerId): void {
    if (peer === this.self) return;
    const usable = callable(addresses, peer, (reach) => this.#mayReach(reach, peer));
    if (usable.length < addresses.length && !this.#toldOf.has(peer)) {
      if (this.#toldOf.size >= TOLD_MAX) this.#toldOf.clear();
      this.#toldOf.add(peer);
      this.#log.warn("Some addresses of a peer are not called", { peer, addresses, usable });
    }
    if (usable.length > 0) this.#redial.keep(usable, peer);
  }

  /** Whether a peer may be near: if we are reached nowhere else ourselves, or it has called us from there. */
  #mayReach(reach: Reach, peer: PeerId): boolean {
    const { announce = [], listen } = this.#options;
    if ([...listen, ...announce].some((own) => reachOf(own) === reach)) return true;
    const own = this.addresses();
    if (own.length > 0 && own.every((address) => reachOf(address) === reach)) return true;
    return [...this.#links.values()].some((link) => {
      return link.peer === peer && reachOf(link.connection.remoteAddr.toString()) === reach;
    });
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
    return this.#greeter.chosen.get(to)?.send(lane, bytes) ?? false;
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
    this.dialler.stop();
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
    return this.#greeter.chosen.get(peer)?.isUp ?? false;
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
    const open = peer === undefined ? undefined : this.#openConnection(peer);
    if (open !== undefined) return open.remotePeer.toString();
    // Whoever runs this node may mean any place; of what peers say of themselves only some are meant for us.
    const mayReach = (address: string, reach: Reach) => {
      if (reach === "ordinary" || peer === undefined || this.#given.has(placeOf(address))) {
        return true;
      }
      return reach !== "nowhere" && this.#mayReach(reach, peer);
    };
    try {
      const answered = await this.dialler.call({ addresses, mayReach, peer });
      return answered === "self" ? "self" : answered.remotePeer.toString();
    } catch (error) {
      if (!isDialToSelf(error)) throw error;
      for (const address of addresses) await this.#checkSelf(address);
      return "self";
    }
  }

  #openConnection(peer: PeerId): Connection | undefined {
    const connections = this.#node.getConnections(peerIdFromString(peer));
    return connections.find(({ status }) => status === "open");
  }

  /** Our own identity has answered at this address. @throws if it is that of another process */
  async #checkSelf(address: string): Promise<void> {
    if (this.addresses().some((own) => isSameAddress(own, address))) return;
    const run = await runOf(this.self, address);
    if (run === undefined || run.instance === this.#run.instance) return;
    const refusal = identityInUse(run, address);
    if (isEarlier(run, this.#run)) {
      const by = { greeting: undefined, isDialled: true };
      this.#guarded((handlers) => handlers.refusedBy(this.self, refusal, by));
    }
    throw new Error(`Another process with our identity answers at ${address}`);
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
    this.#guarded((handlers) => this.#greeter.opened(link, handlers), link);
  }

  /** A connection has ended before it had its streams. */
  #onUnopened(connection: Connection, reason: string, isRefusal: boolean): void {
    const peer = connection.remotePeer.toString();
    this.#log.debug("A connection could not be used", { peer, reason });
    if (isRefusal) {
      const refusal = { code: "other_version", message: reason, details: {} };
      const by = { greeting: undefined, isDialled: connection.direction === "outbound" };
      this.#redial.refused(peer);
      this.#guarded((handlers) => handlers.refusedBy(peer, refusal, by));
    }
    this.#redial.linkEnded(peer, reason);
  }

  readonly #events: LinkEvents = {
    greeted: (link, frame) => {
      this.#guarded((handlers) => this.#greeter.greeted(link, frame, handlers), link);
    },
    up: (link) => {
      this.strangers.greeted(link.connection.remoteAddr.toString());
      this.#redial.peerUp(link.peer);
      this.#guarded((handlers) => handlers.peerUp(link.peer), link);
      if (link.isUp) this.gossip.peerUp(link.connection.remotePeer, link.connection);
    },
    message: (link, lane, bytes) => {
      this.#guarded((handlers) => handlers.message(link.peer, lane, bytes), link);
    },
    closed: (link, reason, wasUp) => this.#onLinkClosed(link, reason, wasUp),
  };

  #onLinkClosed(link: PeerLink, reason: string, wasUp: boolean): void {
    const { peer } = link;
    this.#links.delete(link.connection.id);
    if (this.#greeter.chosen.get(peer) === link) this.#greeter.chosen.delete(peer);
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
