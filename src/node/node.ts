// One node: the rooms above put together over five ports.
//
// It owns nothing of the outside world: the same code runs on libp2p and Deno KV, and in a simulation.
// start() ends when the node listens and has read its disk; it is ready when it has a layout. stop() ends
// every timer and request that it has begun, and closes the network and the disk.

import { storedObjects } from "../replica/stored_objects.ts";
import { HybridClock } from "../causality/hybrid_clock.ts";
import { Coordinator } from "../coordinator/coordinator.ts";
import { Scans } from "../coordinator/scans.ts";
import type { DataObject } from "../crdt/data_object.ts";
import type { StoredValue } from "../crdt/value.ts";
import { ClusterClock } from "../membership/cluster_clock.ts";
import { ClockWatch } from "../membership/clock_watch.ts";
import { Heartbeats, type SelfDescription } from "../membership/heartbeats.ts";
import { MemberTable } from "../membership/member_table.ts";
import { WatchedDisk } from "../storage/watched_disk.ts";
import { Actors } from "../replica/actors.ts";
import type { NodePorts } from "./node_ports.ts";
import { Namespaces } from "../replica/namespaces.ts";
import { Replica } from "../replica/replica.ts";
import { Pace } from "../replica/pace.ts";
import { Filling } from "../replica/filling.ts";
import { Floors } from "../replica/floors.ts";
import { ReplicaService } from "../replica/replica_service.ts";
import { openStorage, type Storage, type StorageOptions } from "../storage/storage.ts";
import { Deadlines } from "../wire/deadlines.ts";
import { Rpc } from "../wire/rpc.ts";
import type {
  DeleteResult,
  GetOptions,
  InitLayoutOptions,
  KeyPlacement,
  Measurement,
  MemberView,
  NodeApi,
  NodeStatus,
  PutOptions,
  ReadResult,
  RingView,
  ScanOptions,
  ScanPage,
  UpdateResult,
  WriteOptions,
  WriteResult,
} from "./api.ts";
import { DataApi } from "./data_api.ts";
import type { Admission } from "./admission.ts";
import { clusterOf, standingOf } from "./cluster_of.ts";
import { Ending } from "./ending.ts";
import { entranceOf } from "./entrance.ts";
import { Layouts } from "./layouts.ts";
import { NamespaceStore } from "./namespace_store.ts";
import { measure } from "./measurements.ts";
import { type Incarnations, nextIncarnation, noteIncarnation } from "./incarnations.ts";
import { Outlook } from "./outlook.ts";
import { PeerBook } from "./peer_book.ts";
import { type PeerRooms, Peers } from "./peers.ts";
import { Refutation } from "./refutation.ts";
import { startAnew } from "./start_anew.ts";
import { SealKeyStore } from "./seal_key_store.ts";
import type {
  DifferencesView,
  EqualityView,
  HintsView,
  RepairOptions,
  RepairView,
} from "./repair_api.ts";
import { Rivals } from "./rivals.ts";
import type { NodeSettings } from "./settings.ts";
import { Tokens } from "./tokens.ts";
import { Upkeep } from "./upkeep.ts";
import { memberViews, placementView, ringView, statusView } from "./views.ts";

type CommitFailed = NonNullable<StorageOptions["onCommitFailed"]>;

export class Node implements NodeApi {
  readonly namespaces: NamespaceStore;
  readonly #settings: NodeSettings;
  readonly #ports: NodePorts;
  readonly #disk: WatchedDisk;
  readonly #pace: Pace;
  readonly #namespaces: Namespaces;
  readonly #deadlines: Deadlines;
  readonly #rpc: Rpc;
  readonly #table: MemberTable;
  readonly #clockWatch: ClockWatch;
  readonly #clusterClock: ClusterClock;
  readonly #heartbeats: Heartbeats;
  readonly #storage: Storage<DataObject>;
  readonly #actors: Actors;
  readonly #layouts: Layouts;
  readonly #book: PeerBook;
  readonly #floors: Floors;
  readonly #upkeep: Upkeep;
  readonly #filling: Filling;
  readonly #coordinator: Coordinator;
  readonly #data: DataApi;
  readonly #admission: Admission;
  readonly #outlook: Outlook;
  readonly #refutation: Refutation;
  readonly #rivals: Rivals;
  readonly #sealKeys: SealKeyStore;
  readonly #startedAtMs: number;
  readonly #peers: Peers;
  readonly #ending = new Ending();
  #isStopped = false;

  private constructor(
    settings: NodeSettings,
    ports: NodePorts,
    disk: WatchedDisk,
    storage: Storage<DataObject>,
    incarnations: Incarnations,
    onCommitFailed: { handler: CommitFailed },
  ) {
    const { clock, random, network, log, witness } = ports;
    this.#settings = settings;
    this.#ports = ports;
    this.#disk = disk;
    this.#pace = new Pace(clock);
    this.#storage = storage;
    this.#startedAtMs = clock.monotonic();
    this.#namespaces = new Namespaces(settings.defaults, settings.namespaces);
    this.#deadlines = new Deadlines(clock);
    this.#rpc = new Rpc(network, clock, this.#deadlines, log, (peer) => {
      return standingOf(peer, this.#table, this.#layouts.store);
    });
    const layoutMembers = () => this.#layouts.store.members;
    this.#peers = new Peers(network, log, (peer) => this.#rivals.heard(peer));
    this.#clockWatch = new ClockWatch(clock, settings.maxClockSkewMs);
    this.#clusterClock = new ClusterClock(clock, this.#clockWatch);
    this.#table = new MemberTable({
      node: settings.node,
      peerId: network.self,
      incarnation: incarnations.incarnation,
      layoutMembers,
      onChange: (change) => this.#peers.changed(change),
    });
    this.#heartbeats = new Heartbeats({
      clock,
      random,
      log,
      table: this.#table,
      clockWatch: this.#clockWatch,
      intervalMs: settings.heartbeatMs,
      describe: () => this.#describe(),
      publish: (bytes) => network.publish(bytes),
      onHeartbeat: (heartbeat) => this.#peers.heard(heartbeat, this.#rooms),
    });
    this.#rivals = new Rivals({
      clock,
      rpc: this.#rpc,
      table: this.#table,
      yieldTo: (reason) => {
        this.#ending.leaveName(reason, layoutMembers()?.has(settings.node) ?? false);
      },
    });
    const hybridClock = new HybridClock(clock, settings.maxClockSkewMs);
    const placementDigest = () => this.#namespaces.placementDigest();
    this.#floors = new Floors(storage, hybridClock, placementDigest);
    this.#book = new PeerBook(storage, layoutMembers, log);
    const layout = () => this.#layouts.store.held?.layout;
    this.#outlook = new Outlook({
      settings,
      clock,
      log,
      table: this.#table,
      layout,
      report: (...heard) => this.#layouts.store.report(...heard),
      canSeal: () => this.#sealKeys.areShared,
    });
    const { otherLayouts } = this.#outlook;
    this.#admission = entranceOf({
      settings,
      self: network.self,
      clock,
      log,
      heartbeats: this.#heartbeats,
      floors: this.#floors,
      settingsDigest: this.#namespaces.baseDigest(),
      book: this.#book,
      ending: this.#ending,
      otherLayouts,
      layoutMembers,
      isConnected: (node) => this.#table.isConnected(node),
      latest: () => hybridClock.furthest(),
    });
    this.#refutation = new Refutation(
      this.#heartbeats,
      this.#rpc,
      incarnations,
      () => layoutMembers()?.size ?? 0,
      () => noteIncarnation(storage, this.#table.incarnation, log),
      () => {
        this.#filling.begin("A peer remembers a run of this node that its disk does not know of");
      },
    );
    this.#sealKeys = new SealKeyStore({
      self: settings.node,
      storage,
      clock,
      random,
      log,
      layout,
      members: () => this.#heartbeats.members(),
      changed: () => this.#heartbeats.publishNow(),
    });
    this.#sealKeys.register(this.#rpc);
    this.#actors = new Actors(settings.node, random, hybridClock);
    const [actors, floors, namespaces] = [this.#actors, this.#floors, this.#namespaces];
    const replica = new Replica(storage, actors, hybridClock, namespaces, floors, witness);
    replica.writeProblem = () => disk.problem();
    onCommitFailed.handler = (partitions, keys) => replica.commitFailed(partitions, keys);
    const placement = () => this.#layouts.store.held?.placement;
    const { node: self } = settings;
    const filling = this.#filling = new Filling({ self, storage, namespaces, placement, log });
    this.#layouts = new Layouts({
      self: settings.node,
      storage,
      rpc: this.#rpc,
      clock,
      log,
      sealKeys: this.#sealKeys,
      others: () => this.#heartbeats.members(),
      changed: () => this.#heartbeats.publishNow(),
      hasForgotten: (reason) => this.#filling.begin(reason),
    });
    const cluster = clusterOf({
      settings,
      rpc: this.#rpc,
      layouts: this.#layouts.store,
      table: this.#table,
      heartbeats: this.#heartbeats,
      filling,
      clockWatch: this.#clockWatch,
    });
    this.#upkeep = new Upkeep({
      settings,
      cluster,
      replica,
      namespaces,
      actors,
      floors,
      filling,
      clock,
      random,
      log,
      pace: this.#pace,
      diskRefuses: () => disk.refusesCommits,
      otherLayouts,
    });
    this.namespaces = new NamespaceStore({
      cluster,
      storage,
      namespaces,
      clock: hybridClock,
      log,
      members: () => this.#heartbeats.members().map(({ heartbeat }) => heartbeat),
      changed: (moves) => {
        this.#upkeep.keysMoved(moves);
        this.#heartbeats.publishNow();
      },
    });
    this.namespaces.register(this.#rpc);
    const { current, nodeOf } = cluster;
    const [deadlines, time, { handOff }] = [this.#deadlines, this.#clusterClock, this.#upkeep];
    new ReplicaService(self, replica, namespaces, current, handOff, filling, nodeOf)
      .register(this.#rpc);
    this.#coordinator = new Coordinator(
      cluster,
      replica,
      namespaces,
      handOff,
      time,
      deadlines,
      log,
      this.#pace,
    );
    const scans = new Scans(cluster, replica, namespaces, time, deadlines, this.#coordinator);
    const tokens = new Tokens(this.#sealKeys);
    this.#data = new DataApi(this.#coordinator, scans, namespaces, time, tokens);
  }

  /**
   * Starts a node over its ports, which it owns from now on.
   *
   * @throws if the disk cannot be read or an address cannot be listened on; the ports are closed then
   */
  static async start(settings: NodeSettings, ports: NodePorts): Promise<Node> {
    const onCommitFailed: { handler: CommitFailed } = { handler: () => {} };
    let storage: Storage<DataObject> | undefined;
    let node: Node | undefined;
    try {
      const disk = new WatchedDisk(ports.disk, ports.clock, ports.log);
      storage = await openStorage(disk, storedObjects(settings.apartBytes), {
        cacheBytes: settings.cacheBytes,
        journalCount: settings.journalCount,
        compressor: ports.compressor,
        compresses: (key) => node !== undefined && node.#namespaces.of(key).compress,
        log: ports.log,
        onCommitFailed: (...lost) => onCommitFailed.handler(...lost),
      });
      const incarnations = await nextIncarnation(storage, ports.clock, ports.random);
      node = new Node(settings, ports, disk, storage, incarnations, onCommitFailed);
      await node.namespaces.load();
      await node.#layouts.load();
      await node.#book.load();
      await node.#sealKeys.load();
      await node.#filling.load();
      await node.#floors.load();
      if (node.#floors.mustEmpty) await node.#startAnew(storage);
      await ports.network.start(node.#peers.handlers(node.#rooms));
      node.#heartbeats.start();
      node.#upkeep.start();
      node.#outlook.start();
      node.#peers.begin(settings.join, node.#book.remembered);
      return node;
    } catch (error) {
      await ports.network.stop();
      await storage?.close();
      throw error;
    }
  }

  /** Resolves with the reason if this node must not go on: another one bears its name, or it fits nowhere. */
  get failed(): Promise<Error> {
    return this.#ending.failed;
  }

  /** Ends everything that this node has begun. Requests under way end in their time, most of them as `unknown`. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#peers.stop();
    this.#upkeep.stop();
    this.#outlook.stop();
    this.#heartbeats.stop();
    this.#rpc.stop();
    await this.#ports.network.stop();
    try {
      // That may wait for a slow disk, which those who have asked do not.
      await this.#storage.close();
    } finally {
      this.#deadlines.stop();
    }
  }

  get(key: Uint8Array, options?: GetOptions): Promise<ReadResult> {
    return this.#data.get(key, options);
  }

  put(key: Uint8Array, value: StoredValue, options?: PutOptions): Promise<WriteResult> {
    return this.#data.put(key, value, options);
  }

  delete(key: Uint8Array, options?: WriteOptions): Promise<DeleteResult> {
    return this.#data.delete(key, options);
  }

  update(...request: Parameters<DataApi["update"]>): Promise<UpdateResult> {
    return this.#data.update(...request);
  }

  expire(...request: Parameters<DataApi["expire"]>): ReturnType<DataApi["expire"]> {
    return this.#data.expire(...request);
  }

  scan(options: ScanOptions): Promise<ScanPage> {
    return this.#data.scan(options);
  }

  status(): NodeStatus {
    const { network } = this.#ports;
    const self = {
      peerId: network.self,
      uptimeMs: this.#uptimeMs,
      notReadyBecause: this.#notReadyBecause(),
      addresses: network.addresses(),
    };
    const layout = this.#layouts.store.held?.layout;
    return statusView(this.#settings, self, layout, this.#heartbeats.members());
  }

  members(): MemberView[] {
    const own = { ...this.#describe(), node: this.#settings.node, peerId: this.#table.peerId };
    const { incarnation, selfDoubt } = this.#table;
    const self = { ...own, incarnation, selfDoubt, clockProblem: this.#clockWatch.mayCoordinate() };
    const layout = this.#layouts.store.held?.layout;
    const [others, strays] = [this.#heartbeats.members(), this.#outlook.otherLayouts.known];
    return memberViews(self, others, layout, this.#uptimeMs, strays);
  }

  ring(): RingView | undefined {
    const { held } = this.#layouts.store;
    return held === undefined ? undefined : ringView(held.layout);
  }

  placement(key: Uint8Array): KeyPlacement | undefined {
    const { held } = this.#layouts.store;
    return held === undefined ? undefined : placementView(held, key, this.#namespaces.of(key).n);
  }

  async initLayout(members: readonly string[], options?: InitLayoutOptions): Promise<RingView> {
    await this.#layouts.make(this.#settings, members, this.members(), options);
    return this.ring()!;
  }

  hints(): Promise<HintsView[]> {
    return this.#upkeep.repairs.hints();
  }

  repair(options?: RepairOptions): Promise<RepairView> {
    return this.#upkeep.repairs.repair(options);
  }

  differences(partitions?: readonly number[]): Promise<DifferencesView> {
    return this.#upkeep.repairs.differences(partitions);
  }

  equality(): EqualityView[] {
    return this.#upkeep.repairs.equality();
  }

  measurements(): Measurement[] {
    return measure({
      storage: this.#storage.stats(),
      disk: this.#disk,
      backgroundWaitedMs: this.#pace.waitedMs,
      requests: this.#coordinator.counts,
      ...this.#upkeep.counts,
      fillingPartitions: this.#filling.count,
      rpc: this.#rpc,
      members: this.#heartbeats.members(),
      actorsEnded: this.#actors.endedCount,
      skewMs: this.#clockWatch.skewMs(),
      layoutVersion: this.#layouts.store.version,
      isReady: this.#notReadyBecause() === undefined,
    });
  }

  nowMs(): number {
    return this.#clusterClock.now();
  }

  #startAnew(storage: Storage<DataObject>): Promise<void> {
    const { replication } = this.#layouts.store.held?.layout ?? { replication: 0 };
    const copiesOf = (key: Uint8Array) => this.#namespaces.of(key).n ?? replication;
    const [disk, floors, filling, { log }] = [this.#disk, this.#floors, this.#filling, this.#ports];
    return startAnew({ disk, storage, floors, filling, log, copiesOf });
  }

  get #uptimeMs(): number {
    return Math.round(this.#ports.clock.monotonic() - this.#startedAtMs);
  }

  get #rooms(): PeerRooms {
    return {
      admission: this.#admission,
      heartbeats: this.#heartbeats,
      agreement: this.#layouts.agreement,
      book: this.#book,
      layouts: this.#layouts.store,
      namespaces: this.namespaces,
      otherLayouts: this.#outlook.otherLayouts,
      refutation: this.#refutation,
      rpc: this.#rpc,
      sealKeys: this.#sealKeys,
      table: this.#table,
    };
  }

  #describe(): SelfDescription {
    const { zone, weight, doors } = this.#settings;
    const version = this.#layouts.store.version;
    return {
      addresses: this.#ports.network.addresses(),
      ...doors(),
      zone,
      weight,
      layoutVersion: version,
      layoutId: this.#layouts.store.held?.layout.id,
      namespaces: this.namespaces.digest,
      sealKeys: this.#sealKeys.digest,
      layoutSynced: version,
      layoutAcknowledged: version,
      load: this.#coordinator.counts.inFlight,
      disk: this.#disk.condition,
      isReady: this.#notReadyBecause() === undefined,
    };
  }

  #notReadyBecause(): string | undefined {
    if (this.#isStopped) return "The node is stopping";
    return this.#disk.goneBecause ?? this.#outlook.problem(this.#admission.problem) ??
      this.#clockWatch.mayCoordinate();
  }
}
