// A process that greets like a node of the cluster, and then asks whatever it likes.

import { ByteWriter } from "../../src/base/byte_writer.ts";
import { encodeHeartbeat } from "../../src/membership/heartbeat.ts";
import { silentLog } from "../../src/host/logtape_log.ts";
import type { Refusal } from "../../src/ports/network.ts";
import { Namespaces } from "../../src/replica/namespaces.ts";
import { Deadlines } from "../../src/wire/deadlines.ts";
import type { DenamoError } from "../../src/wire/errors.ts";
import type { Method } from "../../src/wire/message_codec.ts";
import { Rpc } from "../../src/wire/rpc.ts";
import { heartbeatOf } from "../membership/manual_clock.ts";
import type { MemoryNetwork } from "../sim/memory_network.ts";
import { WORLD_BEGIN_MS } from "../sim/virtual_clock.ts";
import type { NodeWorld } from "./node_world.ts";

export class Stranger {
  readonly #world: NodeWorld;
  readonly network: MemoryNetwork;
  readonly rpc: Rpc;

  private constructor(world: NodeWorld, network: MemoryNetwork, rpc: Rpc) {
    this.#world = world;
    this.network = network;
    this.rpc = rpc;
  }

  /** Comes under a name that no layout has, and waits until it is let in by these nodes. */
  static async join(world: NodeWorld, name: string, nodes: readonly string[]): Promise<Stranger> {
    const stranger = await Stranger.call(world, name, nodes, () => undefined);
    const isIn = () => nodes.every((node) => stranger.rpc.isUp(`peer-${node}`));
    await world.time.until(isIn, `${name} is let in`);
    return stranger;
  }

  /** Calls some nodes, and judges them in its own way. */
  static async call(
    world: NodeWorld,
    name: string,
    nodes: readonly string[],
    admit: () => Refusal | undefined,
  ): Promise<Stranger> {
    const clock = world.time.clock();
    const self = `peer-${name}`;
    const network = world.network.network({ self, cluster: "test", listen: `/memory/${name}` });
    const rpc = new Rpc(network, clock, new Deadlines(clock), silentLog, () => "member");
    await network.start({
      greeting: () => greetingOf(name, self, WORLD_BEGIN_MS + Math.floor(world.time.nowMs)),
      admit,
      peerUp: (peer) => rpc.peerUp(peer),
      peerDown: (peer, reason) => rpc.peerDown(peer, reason),
      refusedBy: () => {},
      message: (from, lane, bytes) => rpc.receive(from, lane, bytes),
      published: () => {},
    });
    for (const node of nodes) network.keepConnected([`/memory/${node}`], `peer-${node}`);
    return new Stranger(world, network, rpc);
  }

  /** Asks a node something; returns its answer, or the error that it ends with. */
  async ask(
    node: string,
    method: Method,
    args: readonly unknown[],
  ): Promise<readonly unknown[] | DenamoError> {
    const asked = this.rpc.call(`peer-${node}`, method, args, 2_000);
    return await this.#world.ended(asked.catch((error) => error as DenamoError));
  }

  async leave(): Promise<void> {
    this.rpc.stop();
    await this.network.stop();
  }
}

function greetingOf(node: string, peerId: string, timeMs: number): Uint8Array {
  const writer = new ByteWriter(512);
  writer.text(new Namespaces({ timeoutMs: 5_000 }, []).baseDigest());
  writer.text(node);
  writer.integer(0);
  writer.raw(encodeHeartbeat(heartbeatOf({ node, peerId, incarnation: timeMs, timeMs })));
  return writer.finish();
}
