// A few replicas with all that repairs them, in virtual time, and a network between them that a test rules.
//
// What repairs is not started: a test says when a node compares. Peer ids are the names of the nodes until a
// test binds a name to another.

import { storedObjects } from "../../src/replica/stored_objects.ts";
import assert from "node:assert/strict";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { HybridClock } from "../../src/causality/hybrid_clock.ts";
import type { DataObject } from "../../src/crdt/data_object.ts";
import type { Lane, Network, PeerId } from "../../src/ports/network.ts";
import { Actors } from "../../src/replica/actors.ts";
import { AntiEntropy } from "../../src/replica/anti_entropy.ts";
import type { Cluster, CurrentLayout } from "../../src/replica/cluster.ts";
import { Filling } from "../../src/replica/filling.ts";
import { FloorRounds } from "../../src/replica/floor_rounds.ts";
import { FloorService } from "../../src/replica/floor_service.ts";
import { Floors } from "../../src/replica/floors.ts";
import { Forgetting } from "../../src/replica/forgetting.ts";
import { HandOff } from "../../src/replica/hand_off.ts";
import { hintWindowProblem } from "../../src/replica/hint_window.ts";
import { Namespaces, type NamespaceSettings } from "../../src/replica/namespaces.ts";
import { Pace } from "../../src/replica/pace.ts";
import { Replica } from "../../src/replica/replica.ts";
import { ReplicaService } from "../../src/replica/replica_service.ts";
import { TreeService } from "../../src/replica/tree_service.ts";
import type { Layout } from "../../src/ring/layout.ts";
import { encodeLayout } from "../../src/ring/layout_codec.ts";
import { partitionOf } from "../../src/ring/partition.ts";
import { Placement } from "../../src/ring/placement.ts";
import { planLayout } from "../../src/ring/planner.ts";
import { openStorage, type Storage } from "../../src/storage/storage.ts";
import { Deadlines } from "../../src/wire/deadlines.ts";
import { METHODS } from "../../src/wire/message_codec.ts";
import { Rpc } from "../../src/wire/rpc.ts";
import { LogBook, watch } from "../node/layout_world.ts";
import { DiskImage, type DiskOperation, type MemoryDisk } from "../sim/memory_disk.ts";
import { VirtualTime } from "../sim/virtual_clock.ts";

/** How long an owner may be away before nothing more is kept for it. */
export const HINT_WINDOW_MS = 3_600_000;

export type MethodName = keyof typeof METHODS;

export interface WorldSettings {
  readonly names: readonly string[];
  readonly replication?: number;
  readonly partitions?: number;
  readonly namespaces?: readonly NamespaceSettings[];
  /** What each node may keep for others, in bytes. */
  readonly hintBytes?: number;
}

/** One run of one node. */
export interface RepairNode {
  readonly name: string;
  readonly cluster: Cluster;
  readonly rpc: Rpc;
  readonly deadlines: Deadlines;
  readonly disk: MemoryDisk;
  readonly storage: Storage<DataObject>;
  readonly actors: Actors;
  readonly namespaces: Namespaces;
  readonly replica: Replica;
  readonly filling: Filling;
  readonly handOff: HandOff;
  readonly antiEntropy: AntiEntropy;
  readonly floors: Floors;
  readonly forgetting: Forgetting;
  readonly floorRounds: FloorRounds;
  readonly pace: Pace;
  readonly log: LogBook;
  /** What it was asked, in order. */
  readonly asked: MethodName[];
}

/** What a test may do to a node, whichever run of it. */
export interface Troubles {
  /** Called before each request is served; it may throw and may wait. */
  serving: (method: MethodName, from: PeerId) => void | Promise<void>;
  /** Called before each operation of the disk; it may throw and may wait. */
  disk: (operation: DiskOperation) => void | Promise<void>;
}

/** After how long a member that is down is left out. */
export const MAX_ABSENCE_MS = 3_600_000;

/** How long tombstones are kept at the least. */
export const FORGET_AFTER_MS = 5_000;

export class RepairWorld {
  readonly time = new VirtualTime();
  readonly nodes = new Map<string, RepairNode>();
  readonly images = new Map<string, DiskImage>();
  readonly troubles = new Map<string, Troubles>();
  /** Names that are borne by another peer than the one that is called so. */
  readonly peers = new Map<string, PeerId>();
  readonly layouts = new Map<string, CurrentLayout>();
  readonly down = new Set<string>();
  /** For how long nodes have been down, if they are. */
  readonly downForMs = new Map<string, number>();
  /** Asker and node: for how long the one has held the other to be away, in milliseconds. */
  readonly awayMs = new Map<string, number>();
  /** Nodes that say that their disks take no writes. */
  readonly readOnly = new Set<string>();
  /** Nodes to whose disks commits fail. */
  readonly refusing = new Set<string>();
  /** Nodes to and from which nothing passes, though they stay connected. */
  readonly mute = new Set<string>();
  readonly heard: string[] = [];
  /** Connections that were broken because a peer broke the rules. */
  readonly resets: string[] = [];
  /** Is shown every message that is sent. */
  tap: (from: PeerId, to: PeerId, bytes: Uint8Array) => void = () => {};
  /** A test may change it: what counts at the next start of a node. */
  settings: WorldSettings;
  /** Open connections, both ways of each, as they are numbered. */
  readonly #connections = new Map<string, number>();
  #connectionCount = 0;
  #runCount = 0;

  private constructor(settings: WorldSettings) {
    this.settings = settings;
  }

  static async of(settings: WorldSettings): Promise<RepairWorld> {
    const world = new RepairWorld(settings);
    const { names, partitions = 256, replication = 3 } = settings;
    const members = names.map((node) => ({ node, zone: "dc1/rack1", weight: 1 }));
    const layout = currentOf(planLayout({ version: 1, members, partitions, replication }));
    for (const name of names) {
      world.images.set(name, new DiskImage());
      world.troubles.set(name, { serving: () => {}, disk: () => {} });
      // As nodes do, which start before there is a layout.
      await world.#start(name);
      world.layouts.set(name, layout);
    }
    for (const name of names) world.connectAll(name);
    return world;
  }

  node(name: string): RepairNode {
    return this.nodes.get(name)!;
  }

  trouble(name: string): Troubles {
    return this.troubles.get(name)!;
  }

  get placement(): Placement {
    return this.layouts.get(this.settings.names[0]!)!.placement;
  }

  partitionOf(key: string): number {
    return partitionOf(utf8(key), this.placement.layout.partitions);
  }

  /** The owners of a key, the preferred first. */
  ownersOf(key: string): readonly string[] {
    const { n } = this.node(this.settings.names[0]!).namespaces.of(utf8(key));
    return this.placement.ownersFor(this.partitionOf(key), n);
  }

  /** Those that do not own a key, in the order of the ring. */
  othersOf(key: string): readonly string[] {
    const owners = this.ownersOf(key);
    return this.placement.preferenceList(this.partitionOf(key))
      .filter((name) => !owners.includes(name));
  }

  /** Keys for which something holds, as many as asked for. */
  keysWhere(holds: (key: string) => boolean, count: number, prefix = "key "): string[] {
    const found: string[] = [];
    for (let i = 0; found.length < count; i++) if (holds(prefix + i)) found.push(prefix + i);
    return found;
  }

  connect(a: string, b: string): void {
    if (a === b || this.#connections.has(`${a} ${b}`)) return;
    const connection = ++this.#connectionCount;
    for (const [from, to] of [[a, b], [b, a]] as const) {
      this.#connections.set(`${from} ${to}`, connection);
      this.node(from).rpc.peerUp(to);
    }
  }

  disconnect(a: string, b: string): void {
    for (const [from, to] of [[a, b], [b, a]] as const) {
      if (this.#connections.delete(`${from} ${to}`)) this.node(from).rpc.peerDown(to, "cut");
    }
  }

  connectAll(name: string): void {
    for (const other of this.nodes.keys()) this.connect(name, other);
  }

  isolate(name: string): void {
    for (const other of this.nodes.keys()) this.disconnect(name, other);
  }

  /** The process dies, with what its disk has not taken, and starts again after `meanwhile`. */
  async restart(name: string, meanwhile: () => void = () => {}): Promise<RepairNode> {
    this.isolate(name);
    const { antiEntropy, deadlines, disk, floorRounds, forgetting, handOff } = this.node(name);
    disk.crash();
    for (const it of [floorRounds, forgetting, antiEntropy, handOff, deadlines]) it.stop();
    meanwhile();
    const node = await this.#start(name);
    this.connectAll(name);
    return node;
  }

  /** The name that a peer bears. */
  nameOf(peer: PeerId): string | undefined {
    for (const [node, bearer] of this.peers) if (bearer === peer) return node;
    return this.nodes.has(peer) ? peer : undefined;
  }

  /** A node writes a key as its coordinator does, alone; resolves when its disk has it. */
  async write(name: string, key: string, text: string): Promise<DataObject> {
    const { object, durable, ended } = await this.begin(name, key, text);
    await durable;
    ended();
    return object;
  }

  async begin(name: string, key: string, text: string) {
    const { replica } = this.node(name);
    return await replica.coordinate(
      this.partitionOf(key),
      utf8(key),
      undefined,
      (held, nextDot) => held.write(nextDot(held.latestTime()), textOf(text), undefined, undefined),
    );
  }

  async read(name: string, key: string): Promise<DataObject> {
    return await this.node(name).replica.read(this.partitionOf(key), utf8(key));
  }

  /** The values that a node holds of a key, in order. */
  async textsOf(name: string, key: string): Promise<string[]> {
    return textsOf(await this.read(name, key));
  }

  /** Gives an object to a node, as its owner or its keeper. */
  async give(name: string, key: string, object: DataObject): Promise<void> {
    await this.node(name).replica.merge(this.partitionOf(key), utf8(key), object);
  }

  /** Damages the record of a key, which must have been flushed before the last start of the node. */
  damage(name: string, key: string): void {
    const hex = utf8(key).toHex();
    const records = this.images.get(name)!.entries().filter((entry) => {
      const [table, , bytes] = entry.key;
      return table === "o" && bytes instanceof Uint8Array && bytes.toHex() === hex;
    });
    assert.ok(records.length > 0, `${key} has a record at ${name}`);
    for (const { value } of records) value[value.length - 1]! ^= 1;
  }

  /** Lets a node write all its records, so that they lie on its disk alone after the next start. */
  async flush(name: string): Promise<void> {
    const { storage } = this.node(name);
    await this.time.until(() => storage.stats().journalBytes === 0, "the journal was flushed");
  }

  /** Lets time pass until a promise has settled. */
  async settle<T>(promise: Promise<T>, limitMs?: number): Promise<T> {
    const outcome = watch(promise);
    await this.time.until(() => outcome.isSettled, "the end of a promise", limitMs);
    return await promise;
  }

  /** Waits for a condition that takes promises to find out. */
  async until(holds: () => Promise<boolean>, what: string, limitMs = 60_000): Promise<void> {
    const endMs = this.time.nowMs + limitMs;
    while (!await holds()) {
      assert.ok(this.time.nowMs < endMs, `Did not happen within ${limitMs} virtual ms: ${what}`);
      await this.time.pass(100);
    }
  }

  async #start(name: string): Promise<RepairNode> {
    const { hintBytes = 1_000_000, namespaces: settings = [] } = this.settings;
    const clock = this.time.clock();
    const log = new LogBook();
    const random = new SeededRandom(`${name} ${++this.#runCount}`);
    const network = {
      self: name,
      send: (to: PeerId, lane: Lane, bytes: Uint8Array) => this.#send(name, to, lane, bytes),
      reset: (peer: PeerId, reason: string) => {
        this.resets.push(`${name} resets ${peer}: ${reason}`);
        this.disconnect(name, peer);
      },
    } as unknown as Network;
    const deadlines = new Deadlines(clock);
    const rpc = new Rpc(network, clock, deadlines, log, () => "member");
    const disk = this.images.get(name)!.open({
      before: (operation) => this.trouble(name).disk(operation),
    });
    const failed = { handler: (_partitions: Iterable<number>) => {} };
    const storage = await openStorage(disk, storedObjects(), {
      journalBytes: 0,
      onCommitFailed: (partitions) => failed.handler(partitions),
    });
    const hybrid = new HybridClock(clock, 1_000);
    const actors = new Actors(name, random, hybrid);
    const namespaces = new Namespaces({}, settings);
    const floors = new Floors(storage, hybrid);
    await floors.load();
    const replica = new Replica(storage, actors, hybrid, namespaces, floors);
    failed.handler = (partitions) => replica.commitFailed(partitions);
    const layout = () => this.layouts.get(name);
    const filling = new Filling({
      self: name,
      storage,
      namespaces,
      placement: () => layout()?.placement,
      log,
    });
    await filling.load();
    const cluster: Cluster = {
      self: name,
      rpc,
      current: layout,
      peerOf: (node) => this.peers.get(node) ?? (this.nodes.has(node) ? node : undefined),
      downForMs: (node) => this.downForMs.get(node) ?? 0,
      nodeOf: (peer) => this.nameOf(peer),
      isDown: (node) => this.down.has(node),
      takesWrites: (node) => !this.readOnly.has(node),
      hintProblem: (owner) => {
        return hintWindowProblem(owner, this.awayMs.get(`${name} ${owner}`) ?? 0, HINT_WINDOW_MS);
      },
      fillingProblem: (partition, copies) => filling.problem(partition, copies),
      clockProblem: () => undefined,
      hearLayout: (id) => this.heard.push(id),
    };
    const pace = new Pace(clock);
    const handOff = new HandOff({
      cluster,
      replica,
      namespaces,
      clock,
      log,
      limitBytes: hintBytes,
      diskRefuses: () => this.refusing.has(name),
      pace,
    });
    const forgetting = new Forgetting(replica, floors, log, pace);
    const antiEntropy = new AntiEntropy({
      cluster,
      replica,
      namespaces,
      filling,
      floors,
      forgetting,
      clock,
      random,
      log,
      intervalMs: 1_000,
      pace,
    });
    const asked: MethodName[] = [];
    const served = this.#watched(name, rpc, asked);
    const { nodeOf } = cluster;
    new ReplicaService(name, replica, namespaces, layout, handOff, filling, nodeOf)
      .register(served);
    new TreeService(name, replica.trees, floors, namespaces, layout, nodeOf).register(served);
    const rooms = { deadlines, disk, storage, actors, namespaces, replica, filling, floors };
    const serving = { ...cluster, rpc: served };
    const maxAbsenceMs = MAX_ABSENCE_MS;
    const service = new FloorService({
      ...rooms,
      cluster: serving,
      handOff,
      forgetting,
      maxAbsenceMs,
    });
    service.register();
    const floorRounds = new FloorRounds({
      cluster,
      replica,
      floors,
      forgetting,
      service,
      antiEntropy,
      clock,
      log,
      forgetAfterMs: FORGET_AFTER_MS,
      maxAbsenceMs,
    });
    const upkeep = { handOff, antiEntropy, forgetting, floorRounds, pace };
    const node = { name, cluster, rpc, ...rooms, ...upkeep, log, asked };
    this.nodes.set(name, node);
    return node;
  }

  /** An Rpc whose handlers ask the test first. */
  #watched(name: string, rpc: Rpc, asked: MethodName[]): Rpc {
    const names = new Map(Object.entries(METHODS).map(([name, method]) => [method, name]));
    const serve: Rpc["serve"] = (method, handler) =>
      rpc.serve(method, (request, from) => {
        const called = names.get(method) as MethodName;
        asked.push(called);
        const waiting = this.trouble(name).serving(called, from);
        return waiting === undefined
          ? handler(request, from)
          : waiting.then(() => handler(request, from));
      });
    return { serve } as unknown as Rpc;
  }

  #send(from: string, to: PeerId, lane: Lane, bytes: Uint8Array): boolean {
    const connection = this.#connections.get(`${from} ${to}`);
    if (connection === undefined) return false;
    this.tap(from, to, bytes);
    if (this.mute.has(from) || this.mute.has(to)) return true;
    const copy = bytes.slice();
    this.time.after(1, () => {
      if (this.#connections.get(`${from} ${to}`) !== connection) return;
      this.node(to).rpc.receive(from, lane, copy);
    });
    return true;
  }
}

export function currentOf(layout: Layout): CurrentLayout {
  return { layout, placement: new Placement(layout), encoded: encodeLayout(layout) };
}

export function textOf(text: string) {
  return { kind: "text", bytes: utf8(text) } as const;
}

export function textsOf(object: DataObject): string[] {
  return object.live(0).map(({ value }) => utf8Text(value.bytes)).sort();
}
