// Words that change what is on a disk, from a peer that nobody has let in or that no layout knows.

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { MAX_TIME, TICKS_PER_MS } from "../../src/causality/dot.ts";
import { partitionOf } from "../../src/ring/partition.ts";
import { METHODS } from "../../src/wire/message_codec.ts";
import { LARGEST, layoutOfOne, leftBehindRefusals } from "./forgery.ts";
import { keyOf } from "./honest_client.ts";
import { HostilePeer } from "./hostile_peer.ts";
import { Stranger } from "./stranger.ts";
import { PARTITIONS, type TargetNode } from "./target.ts";
import { type Trial, tryInputs, watched } from "./verdict.ts";

/** For how long a node may hear what was sent to it without being asked. */
const HEARING_MS = 300;

Deno.test("words of a stranger change nothing on any disk", (t) =>
  tryInputs(t, {
    "a refusal before any greeting, to one node": (trial) => {
      return refuse(trial, trial.target.nodes.slice(0, 1));
    },
    "a refusal before any greeting, to all nodes": (trial) => refuse(trial, trial.target.nodes),

    "a layout of version 2^53 − 1 with an owner that was made up": async (trial) => {
      const { target } = trial;
      const before = await target.status(target.nodes[0]!);
      await trial.attack(async () => {
        await using stranger = await Stranger.enter(target);
        for (const version of [LARGEST, 2]) {
          const layout = layoutOfOne(version, "stranger", Math.log2(PARTITIONS));
          for (const link of stranger.links) await link.call(METHODS.installLayout, [layout]);
        }
      });
      for (const node of target.nodes) {
        assert.equal((await target.status(node))?.layoutId, before?.layoutId, node.name);
      }
      await trial.comesBack();
    },

    "a level with nothing and the largest floor": async (trial) => {
      const { target } = trial;
      const { layoutId } = (await target.status(target.nodes[0]!))!;
      await trial.attack(async () => {
        await using stranger = await Stranger.enter(target);
        for (let i = 0; i < 10; i++) {
          const key = utf8(keyOf(target.nodes[i % target.nodes.length]!, i));
          const args = [layoutId, partitionOf(key, PARTITIONS), key, null, MAX_TIME];
          for (const link of stranger.links) await link.call(METHODS.level, args, "bulk");
        }
      });
    },

    "heartbeats that name addresses of others": async (trial) => {
      using plain = new Called();
      using odd = new Called();
      await trial.attack(async (target) => {
        const [other] = target.nodes;
        const addresses = [
          `/ip4/127.0.0.1/tcp/${plain.port}`,
          `/ip4/127.0.0.1/tcp/${odd.port}/p2p/${other!.peerId}`,
          `/ip4/127.0.0.1/tcp/${odd.port}/ws`,
          `/ip4/127.0.0.1/tcp/${odd.port}/p2p/${other!.peerId}/p2p-circuit`,
        ];
        await using stranger = await Stranger.enter(target, { addresses });
        for (let sequence = 2; sequence < 22; sequence++) {
          // In another order each time, as though it were another place.
          addresses.push(addresses.shift()!);
          await stranger.speak({ sequence, addresses });
        }
        await stranger.heard();
      });
      assert.equal(odd.count, 0, "somebody has called what cannot be the stranger's");
      const most = CALLS_MAX * trial.target.nodes.length;
      assert.ok(plain.count <= most, `what one stranger names was called ${plain.count} times`);
    },
  }));

/** How often a node may call an address at which nobody was ever met, while one attack lasts. */
const CALLS_MAX = 4;

/** Somebody who has nothing to do with the cluster, and counts who calls. */
class Called implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  count = 0;

  constructor() {
    this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }

  async #accept(): Promise<void> {
    try {
      for await (const connection of this.#listener) {
        this.count++;
        connection.close();
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

/** Tells nodes that they were left behind, without having greeted them. */
async function refuse(trial: Trial, nodes: readonly TargetNode[]): Promise<void> {
  const { target } = trial;
  await trial.attack(async () => {
    for (const side of ["speaks", "listens"] as const) {
      await using peer = await HostilePeer.make(target.nodes.map(({ peerId }) => peerId), side);
      for (const node of nodes) {
        for (const refusal of REFUSALS) {
          (await peer.connect(target.addressOf(node))).send(refusal);
        }
      }
      await watched(HEARING_MS);
    }
  });
}

/** Up to times that can be, and cannot. */
const REFUSALS = [LARGEST, MAX_TIME, (Date.now() - 60_000) * TICKS_PER_MS].flatMap(
  leftBehindRefusals,
);
