// One node: the rooms above put together over five ports.
//
// It owns nothing of the outside world: the same code runs on libp2p and Deno KV, and in a simulation.
// start() ends when the node listens and has read its disk; it is ready when it has a layout. stop() ends
// every timer and request that it has begun, and closes the network and the disk.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { HybridClock } from "../causality/hybrid_clock.ts";
import type { Cluster } from "../coordinator/cluster.ts";
import { Coordinator } from "../coordinator/coordinator.ts";
import { ReadAnswer } from "../coordinator/results.ts";
import { Scans } from "../coordinator/scans.ts";
import { DataObject } from "../crdt/data_object.ts";
import { decodeObject } from "../crdt/object_codec.ts";
import type { StoredValue } from "../crdt/value.ts";
import { ClockWatch } from "../membership/clock_watch.ts";
import type { Heartbeat } from "../membership/heartbeat.ts";
import { Heartbeats, type SelfDescription } from "../membership/heartbeats.ts";
import { type MemberChange, MemberTable } from "../membership/member_table.ts";
import type { Clock } from "../ports/clock.ts";
import type { Disk } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import type { Network, NetworkHandlers, PeerId } from "../ports/network.ts";
import type { Random } from "../ports/random.ts";
import type { Layout, Member } from "../ring/layout.ts";
import { partitionOf } from "../ring/partition.ts";
import { planLayout } from "../ring/planner.ts";
import { Actors } from "../replica/actors.ts";
import { Namespaces } from "../replica/namespaces.ts";
import { Replica, type Witness } from "../replica/replica.ts";
import { ReplicaService } from "../replica/replica_service.ts";
import { openStorage, type Storage } from "../storage/storage.ts";
import { Deadlines } from "../wire/deadlines.ts";
import { DenamoError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { Rpc } from "../wire/rpc.ts";
import type {
  DeleteResult,
  KeyPlacement,
  Measurement,
  MemberView,
  NodeApi,
  NodeStatus,
  PutOptions,
  ReadOptions,
  ReadResult,
  RequestOptions,
  RingView,
  ScanOptions,
  ScanPage,
  WriteOptions,
  WriteResult,
} from "./api.ts";
import { Admission } from "./admission.ts";
import { FirstLayout } from "./first_layout.ts";
import { LayoutStore } from "./layout_store.ts";
import { measure } from "./measurements.ts";
import { Readiness } from "./readiness.ts";
import { Refutation } from "./refutation.ts";
import { type NodeSettings, VERSION } from "./settings.ts";
import { memberViews, ringView } from "./views.ts";

export interface NodePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly disk: Disk;
  readonly log: Log;
  readonly witness?: Witness | undefined;
}

export class Node implements NodeApi {
  readonly #settings: NodeSettings;
  readonly #ports: NodePorts;
  readonly #namespaces: Namespaces;
  readonly #deadlines: Deadlines;
  readonly #rpc: Rpc;
  readonly #table: MemberTable;
  readonly #clockWatch: ClockWatch;
  readonly #heartbeats: Heartbeats;
  readonly #storage: Storage<DataObject>;
  readonly #actors: Actors;
  readonly #layouts: LayoutStore;
  readonly #firstLayout: FirstLayout;
  readonly #coordinator: Coordinator;
  readonly #scans: Scans;
  readonly #admission: Admission;
  readonly #readiness: Readiness;
  readonly #refutation: Refutation;
  readonly #startedAtMs: number;
  /** Peers that the network keeps a connection to because they are members. */
  readonly #kept = new Map<PeerId, string>();
  readonly #failure = Promise.withResolvers<Error>();
  #isStopped = false;

  private constructor(
    settings: NodeSettings,
    ports: NodePorts,
    storage: Storage<DataObject>,
    incarnation: number,
    onCommitFailed: { handler: (partitions: Iterable<number>) => void },
  ) {
    const { clock, random, network, log, witness } = ports;
    this.#settings = settings;
    this.#ports = ports;
    this.#storage = storage;
    this.#startedAtMs = clock.monotonic();
    this.#namespaces = new Namespaces(settings.defaults, settings.namespaces);
    this.#deadlines = new Deadlines(clock);
    this.#rpc = new Rpc(network, clock, this.#deadlines, log);
    this.#clockWatch = new ClockWatch(clock, settings.maxClockSkewMs);
    this.#table = new MemberTable({
      node: settings.node,
      peerId: network.self,
      incarnation,
      onChange: (change) => this.#memberChanged(change),
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
      onHeartbeat: (heartbeat) => this.#heard(heartbeat),
    });
    this.#admission = new Admission(
      this.#namespaces.digest(),
      this.#heartbeats,
      clock,
      log,
      (reason) => {
        // Who has joined nobody is not in the wrong place, whatever strangers say that call.
        if (settings.join.length > 0) this.#failure.resolve(new Error(reason));
      },
    );
    this.#refutation = new Refutation(this.#heartbeats, this.#rpc);
    this.#readiness = new Readiness(
      settings.node,
      clock,
      (node) => this.#table.isConnected(node),
    );
    const hybridClock = new HybridClock(clock, settings.maxClockSkewMs);
    this.#actors = new Actors(settings.node, random, hybridClock);
    const replica = new Replica(
      storage,
      this.#actors,
      hybridClock,
      this.#namespaces,
      witness,
    );
    onCommitFailed.handler = (partitions) => replica.commitFailed(partitions);
    this.#layouts = new LayoutStore(storage, log, () => this.#heartbeats.publishNow());
    new ReplicaService(settings.node, replica, this.#namespaces, () => this.#layouts.held)
      .register(this.#rpc);
    this.#firstLayout = new FirstLayout(
      settings.node,
      this.#rpc,
      clock,
      this.#layouts,
      () => this.#seenNodes(),
    );
    const cluster: Cluster = {
      self: settings.node,
      rpc: this.#rpc,
      current: () => this.#layouts.held,
      peerOf: (node) => this.#table.peerOf(node),
      isDown: (node) => this.#table.stateOf(node) === "down",
      clockProblem: () => this.#clockWatch.mayCoordinate(),
      learnLayout: (encoded) => this.#learnLayout(encoded),
    };
    this.#coordinator = new Coordinator(
      cluster,
      replica,
      this.#namespaces,
      clock,
      this.#deadlines,
      log,
    );
    this.#scans = new Scans(cluster, replica, this.#namespaces, () => clock.now());
  }

  /**
   * Starts a node over its ports, which it owns from now on.
   *
   * @throws if the disk cannot be read or an address cannot be listened on; the ports are closed then
   */
  static async start(settings: NodeSettings, ports: NodePorts): Promise<Node> {
    const onCommitFailed = { handler: (_partitions: Iterable<number>) => {} };
    const codec = { encode: (object: DataObject) => object.encoded(), decode: decodeObject };
    let storage: Storage<DataObject> | undefined;
    try {
      storage = await openStorage(ports.disk, codec, {
        cacheBytes: settings.cacheBytes,
        journalCount: settings.journalCount,
        log: ports.log,
        onCommitFailed: (partitions) => onCommitFailed.handler(partitions),
      });
      const incarnation = await nextIncarnation(storage, ports.clock);
      const node = new Node(settings, ports, storage, incarnation, onCommitFailed);
      await node.#layouts.load();
      await ports.network.start(node.#networkHandlers());
      node.#heartbeats.start();
      for (const address of settings.join) ports.network.keepConnected([address]);
      return node;
    } catch (error) {
      await ports.network.stop();
      await storage?.close();
      throw error;
    }
  }

  /** Resolves with the reason if this node must not go on: another one bears its name, or it fits nowhere. */
  get failed(): Promise<Error> {
    return this.#failure.promise;
  }

  /** Ends everything that this node has begun. Requests under way end as `unknown`. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#heartbeats.stop();
    this.#rpc.stop();
    await this.#ports.network.stop();
    this.#deadlines.stop();
    await this.#storage.close();
  }

  async get(key: Uint8Array, options: ReadOptions = {}): Promise<ReadResult> {
    const { r: level, strict } = options;
    const request = { op: "get", key, level, strict } as const;
    const { object } = await this.#coordinator.execute(request, timeoutOf(options));
    return new ReadAnswer(key, object ?? DataObject.empty, this.nowMs());
  }

  put(key: Uint8Array, value: StoredValue, options: PutOptions = {}): Promise<WriteResult> {
    const { w: level, strict, context, expiresAtMs, keepExpiry = false } = options;
    if (expiresAtMs !== undefined) checkTime(expiresAtMs);
    return this.#coordinator.execute(
      { op: "put", key, value, level, strict, context, expiresAtMs, keepExpiry },
      timeoutOf(options),
    );
  }

  delete(key: Uint8Array, options: WriteOptions = {}): Promise<DeleteResult> {
    const { w: level, strict, context } = options;
    const request = { op: "delete", key, level, strict, context } as const;
    return this.#coordinator.execute(request, timeoutOf(options));
  }

  async expire(
    key: Uint8Array,
    expiresAtMs: number | undefined,
    options: WriteOptions = {},
  ): Promise<{ existed: boolean; expiredAtMs: number | undefined }> {
    if (expiresAtMs !== undefined) checkTime(expiresAtMs);
    const { w: level, strict } = options;
    const request = { op: "expire", key, level, strict, expiresAtMs } as const;
    const answer = await this.#coordinator.execute(request, timeoutOf(options));
    return { existed: answer.existed, expiredAtMs: answer.expiresAtMs };
  }

  scan(options: ScanOptions): Promise<ScanPage> {
    const { from, prefix, limit, wholePartitions = false, r } = options;
    const timeoutMs = timeoutOf(options) ??
      this.#namespaces.of(prefix ?? new Uint8Array(0)).timeoutMs;
    return this.#scans.scan({ from, prefix, limit, wholePartitions, r, timeoutMs });
  }

  status(): NodeStatus {
    const { node, cluster, zone, doors } = this.#settings;
    const members = this.#heartbeats.members();
    const problem = this.#notReadyBecause();
    return {
      node,
      peerId: this.#ports.network.self,
      cluster,
      version: VERSION,
      zone,
      uptimeMs: Math.round(this.#ports.clock.monotonic() - this.#startedAtMs),
      isReady: problem === undefined,
      notReadyBecause: problem,
      layoutVersion: this.#layouts.version,
      layoutId: this.#layouts.held?.layout.id,
      membersUp: 1 + members.filter(({ state }) => state === "up").length,
      membersKnown: 1 + members.length,
      addresses: this.#ports.network.addresses(),
      ...doors(),
    };
  }

  members(): MemberView[] {
    const own = { ...this.#describe(), node: this.#settings.node, peerId: this.#table.peerId };
    const self = { ...own, incarnation: this.#table.incarnation };
    return memberViews(self, this.#heartbeats.members(), this.#layouts.held?.layout);
  }

  ring(): RingView | undefined {
    return this.#layouts.held === undefined ? undefined : ringView(this.#layouts.held.layout);
  }

  placement(key: Uint8Array): KeyPlacement | undefined {
    const held = this.#layouts.held;
    if (held === undefined) return undefined;
    const partition = partitionOf(key, held.layout.partitions);
    const owners = held.placement.ownersFor(partition, this.#namespaces.of(key).n);
    const list = held.placement.preferenceList(partition);
    return { partition, owners, fallbacks: list.filter((node) => !owners.includes(node)) };
  }

  async initLayout(members: readonly string[]): Promise<RingView> {
    const names = [...new Set(members)];
    if (names.length === 0) throw new DenamoError("bad_request", "no", "A layout needs members");
    if (names.length > LIMITS.layoutMemberCount) {
      const message =
        `A layout of ${names.length} members is too large: limit ${LIMITS.layoutMemberCount}`;
      throw new DenamoError("bad_request", "no", message);
    }
    const missing = this.#firstLayout.missing(names);
    if (missing.length > 0) {
      throw new DenamoError("layout_refused", "no", `This node does not see ${missing.join(", ")}`);
    }
    const views = new Map(this.members().map((view) => [view.node, view]));
    const layout = this.#planFirst(names.map((node) => {
      const { zone, weight } = views.get(node)!;
      return { node, zone, weight };
    }));
    await this.#firstLayout.make(layout);
    return this.ring()!;
  }

  measurements(): Measurement[] {
    return measure({
      storage: this.#storage.stats(),
      requests: this.#coordinator.counts,
      openRpcs: this.#rpc.openCount,
      members: this.#heartbeats.members(),
      actorsEnded: this.#actors.endedCount,
      skewMs: this.#clockWatch.skewMs(),
      layoutVersion: this.#layouts.version,
      isReady: this.#notReadyBecause() === undefined,
    });
  }

  nowMs(): number {
    return this.#ports.clock.now();
  }

  #networkHandlers(): NetworkHandlers {
    return {
      greeting: () => this.#admission.greeting(),
      admit: (peer, greeting) => this.#admission.admit(peer, greeting),
      peerUp: (peer) => {
        this.#admission.peerUp();
        this.#table.connected(peer);
        this.#rpc.peerUp(peer);
        this.#refutation.peerUp(peer);
      },
      peerDown: (peer, reason) => {
        this.#table.disconnected(peer);
        this.#rpc.peerDown(peer, reason);
      },
      refusedBy: (peer, reason) => this.#admission.refusedBy(peer, reason),
      message: (from, lane, bytes) => {
        this.#heartbeats.spoke(from);
        this.#rpc.receive(from, lane, bytes);
      },
      published: (bytes) => this.#heartbeats.receive(bytes),
    };
  }

  #memberChanged(change: MemberChange): void {
    const { log, network } = this.#ports;
    switch (change.kind) {
      case "joined":
        log.info(`${change.node} is here`, { peer: change.peerId });
        break;
      case "restarted":
        log.info(`${change.node} has restarted`);
        break;
      case "rebound":
        log.warn(`${change.node} is back under another peer id`, { peer: change.peerId });
        if (this.#kept.delete(change.formerPeerId)) network.forget(change.formerPeerId);
        break;
      case "state":
        log[change.to === "up" ? "info" : "warn"](`${change.node} is ${change.to}`);
        // A connection to a machine that lost its power stays half open and would block its return.
        if (change.to === "down") network.reset(change.peerId, "its heartbeats have stopped");
        break;
      case "refused":
        log.warn(`A claim to the name ${change.node} is refused`, { reason: change.reason });
        break;
      case "name_taken": {
        const message = `The name "${change.node}" is in use by live peer ${change.peerId}`;
        this.#failure.resolve(new Error(message));
        break;
      }
    }
  }

  #heard(heartbeat: Heartbeat): void {
    if (this.#isStopped) return;
    const { peerId, addresses, layoutVersion } = heartbeat;
    const known = addresses.join(" ");
    if (this.#kept.get(peerId) !== known) {
      this.#kept.set(peerId, known);
      this.#ports.network.keepConnected(addresses, peerId);
    }
    if (layoutVersion > this.#layouts.version && this.#rpc.isUp(peerId)) {
      void this.#layouts.fetchFrom(peerId, this.#rpc);
    }
  }

  #learnLayout(encoded: Uint8Array): void {
    this.#layouts.install(encoded).catch((error) =>
      this.#ports.log.warn("A peer has sent a layout that is none", { error: String(error) })
    );
  }

  #describe(): SelfDescription {
    const { zone, weight, doors } = this.#settings;
    const version = this.#layouts.version;
    return {
      addresses: this.#ports.network.addresses(),
      ...doors(),
      zone,
      weight,
      layoutVersion: version,
      layoutId: this.#layouts.held?.layout.id,
      layoutSynced: version,
      layoutAcknowledged: version,
      load: this.#coordinator.counts.inFlight,
      disk: "ok",
      isReady: this.#notReadyBecause() === undefined,
    };
  }

  #planFirst(members: readonly Member[]): Layout {
    const { partitions, replication } = this.#settings;
    try {
      return planLayout({ version: 1, members, partitions, replication });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new DenamoError("bad_request", "no", error.message);
    }
  }

  #seenNodes(): { node: string; peer: PeerId }[] {
    return this.#heartbeats.members()
      .filter(({ peerId, state }) => state !== "down" && this.#rpc.isUp(peerId))
      .map(({ node, peerId }) => ({ node, peer: peerId }));
  }

  #notReadyBecause(): string | undefined {
    if (this.#isStopped) return "The node is stopping";
    return this.#readiness.problem(this.#layouts.held?.layout) ?? this.#clockWatch.mayCoordinate();
  }
}

/** An incarnation above that of every earlier run on this disk, and above that of a lost disk too. */
async function nextIncarnation(storage: Storage<DataObject>, clock: Clock): Promise<number> {
  const stored = await storage.getMeta("incarnation");
  const last = stored === undefined ? 0 : new ByteReader(stored, "incarnation").integer();
  const incarnation = Math.max(Math.floor(clock.now()), last + 1);
  const writer = new ByteWriter(8);
  writer.integer(incarnation);
  await storage.setMeta("incarnation", writer.finish());
  return incarnation;
}

function timeoutOf({ timeoutMs }: RequestOptions): number | undefined {
  if (timeoutMs === undefined) return undefined;
  if (timeoutMs >= 1 && timeoutMs <= LIMITS.timeoutMsMax) return timeoutMs;
  const message = `timeoutMs must be from 1 to ${LIMITS.timeoutMsMax}, not ${timeoutMs}`;
  throw new DenamoError("bad_request", "no", message);
}

function checkTime(expiresAtMs: number): void {
  if (Number.isSafeInteger(expiresAtMs) && expiresAtMs > 0) return;
  const message = `expiresAtMs must be a whole number of milliseconds above 0, not ${expiresAtMs}`;
  throw new DenamoError("bad_request", "no", message);
}
