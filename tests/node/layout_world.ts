// Nodes that have nothing but a layout store and the way to a first layout, in virtual time.

import assert from "node:assert/strict";
import { storedObjects } from "../../src/replica/stored_objects.ts";
import { FirstLayout } from "../../src/node/first_layout.ts";
import { LayoutAgreement } from "../../src/node/layout_agreement.ts";
import { LayoutStore } from "../../src/node/layout_store.ts";
import { type Clock, sleep } from "../../src/ports/clock.ts";
import type { Log, LogFields } from "../../src/ports/log.ts";
import type { Network, PeerId } from "../../src/ports/network.ts";
import type { Layout } from "../../src/ring/layout.ts";
import { planLayout } from "../../src/ring/planner.ts";
import { openStorage } from "../../src/storage/storage.ts";
import { Deadlines } from "../../src/wire/deadlines.ts";
import { Rpc } from "../../src/wire/rpc.ts";
import { DiskImage, type MemoryDisk } from "../sim/memory_disk.ts";
import { VirtualTime } from "../sim/virtual_clock.ts";

/** A layout of these nodes, all of one zone and weight. */
export function layoutOf(names: readonly string[], replication = 3, version = 1): Layout {
  const members = names.map((node) => ({ node, zone: "dc1/rack1", weight: 1 }));
  return planLayout({ version, members, partitions: 256, replication });
}

/** A layout store over a disk, and how often it has said that another layout is in force. */
export async function openLayouts(
  disk: MemoryDisk,
  log: Log = new LogBook(),
  clock: Clock = new VirtualTime().clock(),
) {
  const storage = await openStorage(disk, storedObjects());
  const changes = { count: 0 };
  const store = new LayoutStore({ storage, clock, log, changed: () => changes.count++ });
  await store.load();
  return { store, storage, changes };
}

/** Keeps what the operator would be told. */
export class LogBook implements Log {
  readonly lines: string[] = [];

  debug(): void {}
  info(): void {}
  warn(message: string, fields: LogFields = {}): void {
    this.lines.push(`${message} ${JSON.stringify(fields)}`);
  }
  error(message: string, fields: LogFields = {}): void {
    this.warn(message, fields);
  }
}

/** What becomes of a promise. */
export interface Outcome {
  readonly isSettled: boolean;
  readonly error: unknown;
}

export function watch(promise: Promise<unknown>): Outcome {
  const outcome = { isSettled: false, error: undefined as unknown };
  promise.catch((error) => outcome.error = error).finally(() => outcome.isSettled = true);
  return outcome;
}

export interface LayoutNode {
  readonly name: string;
  readonly rpc: Rpc;
  readonly store: LayoutStore;
  readonly firstLayout: FirstLayout;
  readonly agreement: LayoutAgreement;
  readonly log: LogBook;
  /** Whom it sees; it is asked every time. */
  readonly seen: Set<string>;
  /** What may change while the test runs: how long a commit takes, and how long the process stood still. */
  readonly troubles: { commitMs: number; stoodStillMs: number };
}

/** Some nodes whose peer ids are their names, each of which sees all the others. */
export class LayoutWorld {
  readonly time = new VirtualTime();
  readonly nodes = new Map<string, LayoutNode>();
  readonly images = new Map<string, DiskImage>();
  /** What nodes say to have that is not what they have. */
  readonly lies = new Map<string, string>();
  /** How long a message takes from one node to another, in milliseconds; Infinity loses it. */
  delayMs: (from: string, to: string) => number = () => 1;

  static async of(...names: string[]): Promise<LayoutWorld> {
    const world = new LayoutWorld();
    for (const name of names) world.nodes.set(name, await world.#makeNode(name));
    for (const { name, rpc, seen } of world.nodes.values()) {
      for (const other of names) {
        if (other === name) continue;
        rpc.peerUp(other);
        seen.add(other);
      }
    }
    return world;
  }

  node(name: string): LayoutNode {
    return this.nodes.get(name)!;
  }

  /** The layout that a node names in its heartbeats. */
  layoutIdOf(name: string): string | undefined {
    return this.lies.get(name) ?? this.node(name).store.held?.layout.id;
  }

  /** A node hears a heartbeat of another. */
  async hear(name: string, from: string): Promise<void> {
    const heard = this.node(name).agreement.heard(from, this.layoutIdOf(from));
    assert.equal(await this.outcome(heard), undefined);
  }

  /** A node starts again on its disk, seeing what it saw. */
  async restart(name: string): Promise<LayoutNode> {
    const { seen } = this.node(name);
    const node = await this.#makeNode(name);
    this.nodes.set(name, node);
    for (const other of this.nodes.values()) {
      if (other === node) continue;
      other.rpc.peerDown(name, "it has gone");
      other.rpc.peerUp(name);
      node.rpc.peerUp(other.name);
    }
    for (const other of seen) node.seen.add(other);
    return node;
  }

  /** Which layouts are in force, each once. */
  layoutIds(): string[] {
    const ids = [...this.nodes.values()].map(({ store }) => store.held?.layout.id);
    return [...new Set(ids.filter((id) => id !== undefined))];
  }

  /** Lets time pass until a promise has settled, and gives what it was rejected with, if it was. */
  async outcome(promise: Promise<unknown>): Promise<unknown> {
    const result = watch(promise);
    await this.time.until(() => result.isSettled, "the end of a promise");
    return result.error;
  }

  async #makeNode(name: string): Promise<LayoutNode> {
    const troubles = { commitMs: 0, stoodStillMs: 0 };
    const trueClock = this.time.clock();
    const clock: Clock = {
      ...trueClock,
      monotonic: () => trueClock.monotonic() + troubles.stoodStillMs,
    };
    const image = this.images.get(name) ?? new DiskImage();
    this.images.set(name, image);
    const disk = image.open({
      before: async ({ kind }) => {
        if (kind === "commit" && troubles.commitMs > 0) await sleep(clock, troubles.commitMs);
      },
    });
    const log = new LogBook();
    const network = {
      self: name,
      send: (to: PeerId, lane: "request" | "bulk", bytes: Uint8Array) => {
        const copy = bytes.slice();
        const delayMs = this.delayMs(name, to);
        if (delayMs < Infinity) {
          this.time.after(delayMs, () => this.node(to).rpc.receive(name, lane, copy));
        }
        return true;
      },
      reset: (peer: PeerId, reason: string) => log.warn("Reset", { peer, reason }),
    };
    const rpc = new Rpc(
      network as unknown as Network,
      clock,
      new Deadlines(clock),
      log,
      () => "member",
    );
    const { store } = await openLayouts(disk, log, clock);
    const seen = new Set<string>();
    const firstLayout = new FirstLayout(
      name,
      rpc,
      clock,
      store,
      { make: () => Promise.resolve(new Uint8Array(0)), take: () => Promise.resolve() },
      () => [...seen].map((node) => ({ node, peer: node })),
    );
    firstLayout.load();
    const agreement = new LayoutAgreement({
      self: name,
      rpc,
      store,
      log,
      seen: () => [...seen].map((node) => ({ node, layoutId: this.layoutIdOf(node) })),
      prepare: () => Promise.resolve(true),
    });
    return { name, rpc, store, firstLayout, agreement, log, seen, troubles };
  }
}
