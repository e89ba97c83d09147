// A network within one process: the port of src/ports/network.ts over virtual time, with faults on demand.
//
// It behaves as TCP connections do, seen from above. A connection keeps the order of its messages and breaks
// as a whole. While a direction is cut nothing passes there, and nothing is lost that is on its
// way: it arrives once the cut has healed, or never if the connection was given up before. Publications
// are on their own: each may be lost or late. A world may ask for worse than TCP allows; see `Fate`.

import { SeededRandom } from "../../src/base/seeded_random.ts";
import { isGenuine, type Publication, SEEN_MS, signed } from "./publication.ts";
import { Redial } from "../../src/host/redial.ts";
import { silentLog } from "../../src/host/logtape_log.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Lane, Network, NetworkHandlers, PeerId, Refusal } from "../../src/ports/network.ts";
import { type Random, randomBelow } from "../../src/ports/random.ts";
import { identityInUse } from "../../src/host/greeting.ts";
import { LIMITS } from "../../src/wire/limits.ts";
import {
  type ConnectionEnd,
  type Fate,
  MemoryConnection,
  type Paths,
  SILENCE_MS,
  type Tap,
} from "./memory_connection.ts";

export interface MemoryWorldOptions {
  /** True time; each node has no other clock for its redialling. */
  readonly clock: Clock;
  readonly random?: Random | undefined;
  /** How long a message from one peer to another takes, in milliseconds. Asked for each message. */
  readonly delayMs?: ((from: PeerId, to: PeerId) => number) | undefined;
  /** Whether this publication is lost on its way to this peer. */
  readonly losesPublication?: ((from: PeerId, to: PeerId) => boolean) | undefined;
  readonly tap?: Tap | undefined;
  /** What becomes of the next message on this way. Asked when it would arrive. */
  readonly fate?: ((from: PeerId, to: PeerId) => Fate) | undefined;
  /** What a peer sends or publishes in place of what it means; undefined for just that. */
  readonly misspeaks?: Paths["misspeaks"] | undefined;
}

export interface MemoryNodeOptions {
  readonly self: PeerId;
  readonly cluster: string;
  /** Such as `/memory/n1`. */
  readonly listen: string;
}

/** Everything between the nodes. */
export class MemoryWorld implements Paths {
  readonly clock: Clock;
  readonly random: Random;
  readonly delayMs: (from: PeerId, to: PeerId) => number;
  readonly losesPublication: (from: PeerId, to: PeerId) => boolean;
  readonly tap: Tap | undefined;
  readonly fate: (from: PeerId, to: PeerId) => Fate;
  readonly misspeaks: Paths["misspeaks"];
  #networkCount = 0;
  readonly #listening = new Map<string, MemoryNetwork>();
  readonly #connections = new Set<MemoryConnection>();
  readonly #cuts = new Map<string, number>();
  /** How often a way was cut that was not. */
  readonly #cutCounts = new Map<string, number>();

  constructor(options: MemoryWorldOptions) {
    this.clock = options.clock;
    this.random = options.random ?? new SeededRandom("memory network");
    this.delayMs = options.delayMs ?? (() => 1);
    this.losesPublication = options.losesPublication ?? (() => false);
    this.tap = options.tap;
    this.fate = options.fate ?? (() => "arrives");
    this.misspeaks = options.misspeaks ?? (() => undefined);
  }

  /** A message cut short, or one with something behind it. */
  damage(bytes: Uint8Array): Uint8Array {
    const length = randomBelow(this.random, bytes.length);
    if (length > 0) return bytes.slice(0, length);
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    return longer;
  }

  /** Makes the network of one node, as one run of its process has it. */
  network(options: MemoryNodeOptions): MemoryNetwork {
    return new MemoryNetwork(this, options, ++this.#networkCount);
  }

  /** Lets nothing pass from one peer to another until `heal`. Cuts add up. */
  cut(from: PeerId, to: PeerId): void {
    const key = `${from} ${to}`;
    const count = (this.#cuts.get(key) ?? 0) + 1;
    this.#cuts.set(key, count);
    if (count > 1) return;
    this.#cutCounts.set(key, this.cutCount(from, to) + 1);
    for (const connection of this.#between(from, to)) {
      this.clock.after(SILENCE_MS, () => {
        if (this.isCut(from, to)) connection.silence(to);
      });
    }
  }

  /** Takes back one `cut`. */
  heal(from: PeerId, to: PeerId): void {
    const key = `${from} ${to}`;
    const count = (this.#cuts.get(key) ?? 0) - 1;
    if (count > 0) {
      this.#cuts.set(key, count);
      return;
    }
    this.#cuts.delete(key);
    for (const connection of this.#between(from, to)) connection.resume(from);
  }

  isCut(from: PeerId, to: PeerId): boolean {
    return this.#cuts.size > 0 && this.#cuts.has(`${from} ${to}`);
  }

  /** How often a way was cut so far: what an observer needs to know of a span of time. */
  cutCount(from: PeerId, to: PeerId): number {
    return this.#cutCounts.get(`${from} ${to}`) ?? 0;
  }

  /** Breaks the connection of two peers, if there is one: what is on its way is lost. */
  breakConnection(a: PeerId, b: PeerId): void {
    for (const connection of this.#between(a, b)) connection.end("The connection was reset");
  }

  /** Lets somebody who has shown nothing of itself refuse whoever listens at an address. */
  refuse(by: PeerId, address: string, refusal: Refusal): void {
    this.at(address)?.refusedByNobody(by, refusal);
  }

  /** Registers a listener. @throws if somebody listens there */
  listen(address: string, node: MemoryNetwork): void {
    if (this.#listening.has(address)) {
      throw new Error(`Cannot listen on ${address}: the address is in use`);
    }
    this.#listening.set(address, node);
  }

  unlisten(address: string, node: MemoryNetwork): void {
    if (this.#listening.get(address) === node) this.#listening.delete(address);
  }

  at(address: string): MemoryNetwork | undefined {
    return this.#listening.get(address);
  }

  add(connection: MemoryConnection): void {
    this.#connections.add(connection);
  }

  remove(connection: MemoryConnection): void {
    this.#connections.delete(connection);
  }

  #between(a: PeerId, b: PeerId): MemoryConnection[] {
    return [...this.#connections].filter(({ ends }) => {
      return ends.some(({ self }) => self === a) && ends.some(({ self }) => self === b);
    });
  }
}

/** One node's network. */
export class MemoryNetwork implements Network, ConnectionEnd {
  readonly self: PeerId;
  readonly #world: MemoryWorld;
  readonly #options: MemoryNodeOptions;
  readonly #redial: Redial;
  /** Connections by peer, once our side has accepted; up or about to be. */
  readonly #connections = new Map<PeerId, MemoryConnection>();
  readonly #up = new Set<PeerId>();
  /** What was published lately, and when it was heard first. */
  readonly #seen = new Map<Publication, number>();
  /** Hears everything that is published, genuine or not, before it is judged. */
  overhears: ((publication: Publication) => void) | undefined;
  #handlers: NetworkHandlers | undefined;

  /** How many networks the world has had before this one. */
  readonly #number: number;

  constructor(world: MemoryWorld, options: MemoryNodeOptions, number: number) {
    this.#number = number;
    this.self = options.self;
    this.#world = world;
    this.#options = options;
    this.#redial = new Redial({
      clock: world.clock,
      random: world.random,
      log: silentLog,
      dial: (addresses, peer) => this.#dial(addresses, peer),
      isUp: (peer) => this.#up.has(peer),
    });
  }

  addresses(): readonly string[] {
    return this.#handlers === undefined ? [] : [`${this.#options.listen}/p2p/${this.self}`];
  }

  start(handlers: NetworkHandlers): Promise<void> {
    try {
      this.#world.listen(this.#options.listen, this);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#handlers = handlers;
    this.#redial.start();
    return Promise.resolve();
  }

  keepConnected(addresses: readonly string[], peer?: PeerId): void {
    const named = peer ?? addresses.map(peerOf).find((id) => id !== undefined);
    if (named === this.self) return;
    this.#redial.keep(addresses.map((it) => it.replace(/\/p2p\/.*$/, "")), named);
  }

  forget(peer: PeerId): void {
    this.#redial.forget(peer);
    this.reset(peer, "It was forgotten");
  }

  reset(peer: PeerId, reason: string): void {
    const connection = this.#connections.get(peer);
    if (connection === undefined) return;
    const wasUp = this.#drop(connection);
    connection.end(reason, this);
    queueMicrotask(() => this.#lost(peer, reason, wasUp));
  }

  send(to: PeerId, lane: Lane, bytes: Uint8Array): boolean {
    if (bytes.length === 0 || bytes.length > LIMITS.message) {
      throw new RangeError(`A message has 1 to ${LIMITS.message} bytes, not ${bytes.length}`);
    }
    return this.#up.has(to) && this.#connections.get(to)!.send(this, lane, bytes);
  }

  publish(bytes: Uint8Array): void {
    const copy = this.#world.misspeaks(this.self, bytes, true) ?? bytes.slice();
    const taken = this.#world.tap?.published?.(this.self, copy);
    this.#spread(signed(this.self, copy), taken);
  }

  /** Tells its peers what somebody, perhaps another, has published: as a peer does that passes on what it hears. */
  passOn(publication: Publication): void {
    this.#spread(publication, this.#world.tap?.passedOn?.(publication.from));
  }

  #spread(publication: Publication, taken?: (peer: PeerId) => void): void {
    for (const peer of this.#up) {
      const connection = this.#connections.get(peer)!;
      const other = connection.other(this) as MemoryNetwork;
      if (this.#world.losesPublication(this.self, peer)) continue;
      this.#world.clock.after(this.#world.delayMs(this.self, peer), () => {
        const arrives = connection.isOpen && !this.#world.isCut(this.self, peer);
        if (!arrives || !other.#up.has(this.self) || other.#handlers === undefined) return;
        if (other.#takes(publication, peer)) taken?.(peer);
      });
    }
  }

  /** Delivers what is genuine and not remembered. */
  #takes(publication: Publication, self: PeerId): boolean {
    this.overhears?.(publication);
    const { bytes, from } = publication;
    if (!isGenuine(publication) || from === self || this.#remembers(publication)) return false;
    this.#handlers!.published(from, bytes);
    return true;
  }

  #remembers(publication: Publication): boolean {
    const nowMs = this.#world.clock.monotonic();
    for (const [known, atMs] of this.#seen) {
      if (nowMs - atMs < SEEN_MS) break;
      this.#seen.delete(known);
    }
    if (this.#seen.has(publication)) return true;
    this.#seen.set(publication, nowMs);
    return false;
  }

  /** As a process that ends: its connections close. */
  stop(): Promise<void> {
    this.#end();
    for (const connection of [...this.#connections.values()]) connection.end("It stopped", this);
    this.#clear();
    return Promise.resolve();
  }

  /** As a machine that loses power: nobody is told, and others notice by its silence. */
  vanish(): void {
    this.#end();
    for (const connection of this.#connections.values()) {
      this.#world.clock.after(SILENCE_MS, () => connection.end("Nothing was heard", this));
    }
    this.#clear();
  }

  /** A message has come over a connection. */
  deliver(connection: MemoryConnection, lane: Lane, bytes: Uint8Array): void {
    const peer = connection.other(this).self;
    if (this.#connections.get(peer) !== connection) return;
    // Who sends has accepted the connection, whatever has come first.
    if (!this.#up.has(peer)) this.#accept(peer, connection);
    this.#world.tap?.arrives?.(peer, this.self);
    this.#handlers?.message(peer, lane, bytes);
  }

  /** A peer refuses that has shown no greeting. */
  refusedByNobody(by: PeerId, refusal: Refusal): void {
    this.#world.clock.after(this.#world.delayMs(by, this.self), () => {
      this.#handlers?.refusedBy(by, refusal, { greeting: undefined, isDialled: false });
    });
  }

  /** A connection has ended. */
  lose(connection: MemoryConnection, reason: string): void {
    const peer = connection.other(this).self;
    if (this.#connections.get(peer) !== connection) return;
    this.#lost(peer, reason, this.#drop(connection));
  }

  #end(): void {
    this.#handlers = undefined;
    this.#redial.stop();
    this.#world.unlisten(this.#options.listen, this);
  }

  #clear(): void {
    this.#connections.clear();
    this.#up.clear();
  }

  #drop(connection: MemoryConnection): boolean {
    const peer = connection.other(this).self;
    this.#connections.delete(peer);
    return this.#up.delete(peer);
  }

  #lost(peer: PeerId, reason: string, wasUp: boolean): void {
    if (wasUp) this.#handlers?.peerDown(peer, reason);
    this.#redial.linkEnded(peer, reason);
  }

  #dial(addresses: readonly string[], peer: PeerId | undefined): Promise<PeerId | "self"> {
    return new Promise((resolve, reject) => {
      const { clock } = this.#world;
      const other = addresses.map((address) => this.#world.at(address)).find((it) => it);
      if (other === this) return resolve("self");
      const delayMs = this.#world.delayMs(this.self, other?.self ?? peer ?? "");
      clock.after(2 * delayMs, () => {
        if (this.#handlers === undefined) return reject(new Error("It has stopped"));
        if (other === undefined || other.#handlers === undefined) {
          return reject(new Error("Nobody listens there"));
        }
        if (other.self === this.self) return reject(this.#metItself(other));
        if (peer !== undefined && other.self !== peer) {
          return reject(new Error(`Peer ${other.self} is not ${peer}`));
        }
        if (this.#world.isCut(this.self, other.self) || this.#world.isCut(other.self, this.self)) {
          return reject(new Error("No answer"));
        }
        resolve(other.self);
        this.#greet(other);
      });
    });
  }

  /** Another process answers with our own identity. */
  #metItself(other: MemoryNetwork): Error {
    if (other.#number < this.#number) {
      const refusal = identityInUse(other.#run, other.#options.listen);
      this.#handlers?.refusedBy(this.self, refusal, { greeting: undefined, isDialled: true });
    }
    return new Error("Another process with our identity answers there");
  }

  /** The dialler has reached `other`: both are judged, and both learn the outcome, a delay apart. */
  #greet(other: MemoryNetwork): void {
    if (this.#isConnectedTo(other)) return;
    const refusal = other.#judge(this, false);
    if (refusal !== undefined) {
      const problem = this.#clusterProblem(other);
      if (problem !== undefined) other.#refused(this, problem, false);
      return this.#refused(other, refusal, true);
    }
    const { clock } = this.#world;
    const connection = new MemoryConnection(this.#world, this, other);
    other.#replace(this.self, connection);
    clock.after(this.#world.delayMs(other.self, this.self), () => {
      if (this.#handlers === undefined) return connection.end("It stopped");
      if (!connection.isOpen) return;
      if (other.#handlers === undefined) return connection.end("It has gone");
      const answer = this.#judge(other, true);
      if (answer !== undefined) {
        connection.end(answer.message);
        return other.#refused(this, answer, false);
      }
      this.#replace(other.self, connection);
      this.#accept(other.self, connection);
      clock.after(this.#world.delayMs(this.self, other.self), () => {
        if (connection.isOpen && !other.#up.has(this.self)) other.#accept(this.self, connection);
      });
    });
  }

  /** Whether both ends hold the same open connection. */
  #isConnectedTo(other: MemoryNetwork): boolean {
    const theirs = other.#connections.get(this.self);
    if (theirs === undefined || !theirs.isOpen || theirs.other(other) !== this) return false;
    const ours = this.#connections.get(other.self);
    return ours === theirs || !other.#up.has(this.self);
  }

  #judge(other: MemoryNetwork, isDialled: boolean): Refusal | undefined {
    return this.#clusterProblem(other) ?? this.#identityProblem(other) ??
      this.#handlers!.admit(other.self, other.#handlers!.greeting(), isDialled);
  }

  /** An earlier process with the identity of the other one is connected to us and lives. */
  #identityProblem(other: MemoryNetwork): Refusal | undefined {
    const former = this.#connections.get(other.self)?.other(this) as MemoryNetwork | undefined;
    if (former === undefined || former === other || !this.#up.has(other.self)) return undefined;
    if (former.#handlers === undefined || former.#number > other.#number) return undefined;
    return identityInUse(former.#run, former.#options.listen);
  }

  get #run() {
    return { instance: `run ${this.#number}`, startedMs: this.#number };
  }

  #clusterProblem(other: MemoryNetwork): Refusal | undefined {
    const [ours, theirs] = [this.#options.cluster, other.#options.cluster];
    if (ours === theirs) return undefined;
    const message = `This is cluster "${ours}", not "${theirs}"`;
    return { code: "other_cluster", message, details: {} };
  }

  #refused(by: MemoryNetwork, refusal: Refusal, isDialled: boolean): void {
    this.#redial.refused(by.self);
    const isOurs = by.#options.cluster === this.#options.cluster;
    const greeting = isOurs ? by.#handlers?.greeting() : undefined;
    this.#world.clock.after(this.#world.delayMs(by.self, this.self), () => {
      this.#handlers?.refusedBy(by.self, refusal, { greeting, isDialled });
      this.#redial.linkEnded(by.self, refusal.message);
    });
  }

  #replace(peer: PeerId, connection: MemoryConnection): void {
    const former = this.#connections.get(peer);
    if (former === connection) return;
    if (former !== undefined) {
      const wasUp = this.#drop(former);
      former.end("Another connection replaces it", this);
      if (wasUp) this.#handlers?.peerDown(peer, "Another connection replaces it");
    }
    this.#connections.set(peer, connection);
  }

  #accept(peer: PeerId, connection: MemoryConnection): void {
    if (this.#connections.get(peer) !== connection) return connection.end("It is not in use");
    this.#up.add(peer);
    this.#redial.peerUp(peer);
    this.#handlers?.peerUp(peer);
  }
}

function peerOf(address: string): PeerId | undefined {
  return /\/p2p\/([^/]+)$/.exec(address)?.[1];
}
