// Peers of a story that are none of its nodes: one that says something unasked, and one that bears a node's name.

import { ByteWriter } from "../../src/base/byte_writer.ts";
import { TICKS_PER_MS } from "../../src/causality/dot.ts";
import { encodeHeartbeat } from "../../src/membership/heartbeat.ts";
import { leftBehind } from "../../src/node/left_behind.ts";
import type { Timer } from "../../src/ports/clock.ts";
import { Namespaces } from "../../src/replica/namespaces.ts";
import type { Machine } from "../sim/machine.ts";
import type { MemoryNetwork } from "../sim/memory_network.ts";
import { WORLD_BEGIN_MS } from "../sim/virtual_clock.ts";
import type { World } from "../sim/world.ts";

const HEARTBEAT_MS = 1_000;

/** How many strangers speak at a time: more than the nodes of any story. */
const CROWD = 9;

/** Many peers that have shown nothing of themselves tell each of these nodes that it was left behind a moment ago. */
export function tellLeftBehind(world: World, machines: readonly Machine[]): void {
  const upTo = (WORLD_BEGIN_MS + Math.floor(world.time.nowMs)) * TICKS_PER_MS;
  for (const { name } of machines) {
    for (let i = 1; i <= CROWD; i++) {
      world.network.refuse(`x${i}-1`, `/memory/${name}`, leftBehind(upTo));
    }
  }
}

/** A process that was started under the name of a node, with the right settings and nothing behind it. */
export class Namesake {
  readonly #world: World;
  readonly #name: string;
  readonly #network: MemoryNetwork;
  #sequence = 0;
  #publishing: Timer | undefined;

  private constructor(world: World, name: string) {
    this.#world = world;
    this.#name = name;
    const { cluster } = world.settings;
    this.#network = world.network.network({ self: `x-${name}`, cluster, listen: "/memory/x" });
  }

  /** Calls all nodes, and says every second that it lives. It answers nothing. */
  static async come(world: World, name: string): Promise<Namesake> {
    const namesake = new Namesake(world, name);
    world.guests.add(namesake.#network.self);
    await namesake.#network.start({
      greeting: () => namesake.#greeting(),
      admit: () => undefined,
      peerUp: () => {},
      peerDown: () => {},
      refusedBy: () => {},
      message: () => {},
      published: () => {},
    });
    for (const { name } of world.machines) namesake.#network.keepConnected([`/memory/${name}`]);
    namesake.#publish();
    return namesake;
  }

  async go(): Promise<void> {
    this.#publishing?.cancel();
    await this.#network.stop();
  }

  #publish(): void {
    this.#network.publish(this.#heartbeat());
    this.#publishing = this.#world.time.after(HEARTBEAT_MS, () => this.#publish());
  }

  #greeting(): Uint8Array {
    const { defaults, namespaces } = this.#world.settings;
    const writer = new ByteWriter(512);
    writer.text(new Namespaces(defaults, namespaces).baseDigest());
    writer.text(this.#name);
    writer.integer(0);
    writer.raw(this.#heartbeat());
    return writer.finish();
  }

  #heartbeat(): Uint8Array {
    const nowMs = WORLD_BEGIN_MS + Math.floor(this.#world.time.nowMs);
    return encodeHeartbeat({
      node: this.#name,
      peerId: this.#network.self,
      incarnation: WORLD_BEGIN_MS + 3_600_000,
      sequence: ++this.#sequence,
      timeMs: nowMs,
      intervalMs: HEARTBEAT_MS,
      addresses: this.#network.addresses(),
      zone: "dc1/rack1",
      weight: 1,
      layoutVersion: 0,
      layoutSynced: 0,
      layoutAcknowledged: 0,
      load: 0,
      disk: "ok",
      isReady: false,
    });
  }
}
