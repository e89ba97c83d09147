// Whole nodes of one cluster in virtual time, that keep their disks when they are stopped and started again.

import { utf8 } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { silentLog } from "../../src/host/logtape_log.ts";
import { zstd } from "../../src/host/zstd.ts";
import { Node } from "../../src/node/node.ts";
import type { NodeSettings } from "../../src/node/settings.ts";
import { sleep } from "../../src/ports/clock.ts";
import { MemoryWorld } from "../sim/memory_network.ts";
import { Platter } from "../sim/platter.ts";
import { VirtualTime } from "../sim/virtual_clock.ts";

/** A pause between comparisons that no test lasts. */
const NEVER_MS = 1e9;

export class NodeWorld {
  readonly time = new VirtualTime();
  readonly names: readonly string[];
  /** How long a message to or from these nodes takes, in milliseconds; one otherwise. */
  readonly delaysMs = new Map<string, number>();
  /** How long a commit of these nodes takes, in milliseconds; none otherwise. */
  readonly commitsMs = new Map<string, number>();
  readonly network = new MemoryWorld({
    clock: this.time.clock(),
    delayMs: (from, to) => Math.max(this.#delayMs(from), this.#delayMs(to)),
  });
  readonly #settings: Partial<NodeSettings>;
  readonly #disks = new Map<string, Platter>();
  readonly #nodes = new Map<string, Node>();

  private constructor(count: number, settings: Partial<NodeSettings>) {
    this.names = Array.from({ length: count }, (_, i) => `n${i + 1}`);
    this.#settings = settings;
  }

  /** Nodes n1, n2, … with three copies of each key, that never compare by themselves unless told to. */
  static async of(count: number, settings: Partial<NodeSettings> = {}): Promise<NodeWorld> {
    const world = await NodeWorld.withoutLayout(count, settings);
    await world.ended(world.node("n1").initLayout(world.names, { force: true }));
    await world.whenReady();
    return world;
  }

  /** The same before the first layout. */
  static async withoutLayout(
    count: number,
    settings: Partial<NodeSettings> = {},
  ): Promise<NodeWorld> {
    const world = new NodeWorld(count, settings);
    for (const name of world.names) await world.start(name);
    const isMet = (node: Node) =>
      node.status().membersUp === count && node.members().every(({ isConnected }) => isConnected);
    await world.time.until(() => world.#all.every(isMet), "all have met");
    return world;
  }

  #commit(node: string): Promise<void> | undefined {
    const ms = this.commitsMs.get(node);
    return ms === undefined ? undefined : sleep(this.time.clock(), ms);
  }

  #delayMs(peer: string): number {
    return this.delaysMs.get(peer.replace(/^peer-/, "")) ?? 1;
  }

  get #all(): Node[] {
    return [...this.#nodes.values()];
  }

  node(name: string): Node {
    return this.#nodes.get(name)!;
  }

  /** What lies on the disk of a node. */
  image(name: string): Platter {
    return this.#disks.get(name)!;
  }

  /** Gives a node that is stopped an empty disk. */
  loseDisk(name: string): void {
    this.#disks.delete(name);
  }

  /** Starts a node, on the disk that it had if it has run before. */
  async start(node: string): Promise<void> {
    const disk = this.#disks.get(node) ?? new Platter();
    this.#disks.set(node, disk);
    const starting = Node.start({
      node,
      cluster: "test",
      zone: "dc1/rack1",
      weight: 1,
      partitions: 256,
      replication: 3,
      defaults: { timeoutMs: 5_000 },
      namespaces: [],
      maxClockSkewMs: 1_000,
      heartbeatMs: 1_000,
      cacheBytes: 1_000_000,
      compareMs: NEVER_MS,
      join: this.names.map((name) => `/memory/${name}`),
      doors: () => ({ http: undefined, resp: undefined }),
      ...this.#settings,
    }, {
      clock: this.time.clock(),
      random: new SeededRandom(`${node} ${this.time.nowMs}`),
      network: this.network.network({
        self: `peer-${node}`,
        cluster: "test",
        listen: `/memory/${node}`,
      }),
      disk: disk.open({
        before: ({ kind }) => kind === "commit" ? this.#commit(node) : undefined,
      }),
      compressor: zstd,
      log: silentLog,
    });
    this.#nodes.set(node, await this.ended(starting));
  }

  /** Ends a node in order, and waits until the others have seen it. */
  async stop(name: string): Promise<void> {
    await this.ended(this.node(name).stop());
    this.#nodes.delete(name);
    const isGone = (node: Node) =>
      node.members().every((member) => member.node !== name || !member.isConnected);
    await this.time.until(() => this.#all.every(isGone), `${name} is gone`);
  }

  /** Starts a node again that has been stopped. */
  async restart(name: string): Promise<void> {
    await this.start(name);
    await this.whenReady();
  }

  async whenReady(): Promise<void> {
    const isReady = (node: Node) =>
      node.status().isReady && node.members().every(({ isConnected }) => isConnected);
    await this.time.until(() => this.#all.every(isReady), "all are ready");
  }

  /** Lets time pass until a promise has settled. @throws what it is rejected with */
  async ended<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    promise.catch(() => {}).finally(() => isSettled = true);
    await this.time.until(() => isSettled, "the end of a promise");
    return await promise;
  }

  /** Lets nothing pass between two nodes, either way, until it is healed. */
  cut(a: string, b: string): void {
    this.network.cut(`peer-${a}`, `peer-${b}`);
    this.network.cut(`peer-${b}`, `peer-${a}`);
  }

  /** Loses the connection of two nodes, and what is on its way; they connect anew. */
  breakConnection(a: string, b: string): void {
    this.network.breakConnection(`peer-${a}`, `peer-${b}`);
  }

  heal(a: string, b: string): void {
    this.network.heal(`peer-${a}`, `peer-${b}`);
    this.network.heal(`peer-${b}`, `peer-${a}`);
  }

  /** Writes a key through a node. */
  async put(name: string, key: string, value: string): Promise<void> {
    await this.ended(this.node(name).put(utf8(key), { kind: "text", bytes: utf8(value) }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((node) => this.ended(node.stop())));
  }
}
