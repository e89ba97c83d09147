// Heartbeats of somebody else than their sender, and requests that bear on who is who.

import assert from "node:assert/strict";
import { METHODS } from "../../src/wire/message_codec.ts";
import { waitFor } from "../cluster/wait_for.ts";
import { LARGEST } from "./forgery.ts";
import { inventedPeerId } from "./hostile_peer.ts";
import { Stranger } from "./stranger.ts";
import { type Trial, tryInputs } from "./verdict.ts";

const YEAR_MS = 365 * 24 * 3_600_000;

Deno.test("nobody is ended, stopped or called ill in another's name", (t) =>
  tryInputs(t, {
    "what a stranger says of itself is heard": async ({ target }) => {
      await using stranger = await Stranger.enter(target);
      await stranger.speak({ sequence: 2, disk: 1 });
      for (const node of target.nodes) {
        await waitFor(`${node.name} to have heard it`, async () => {
          const members = await target.members(node);
          return members.some(({ node, disk }) => node === stranger.name && disk === "readonly");
        });
      }
    },

    "an incarnation of 2^53 − 1 of a member": async (trial) => {
      await trial.attack(async (target) => {
        await using stranger = await Stranger.enter(target);
        for (const { name, peerId } of target.nodes) {
          for (const incarnation of [LARGEST, LARGEST - 1]) {
            const forged = { node: name, peerId, incarnation, sequence: LARGEST };
            await stranger.gossip(forged);
            await stranger.gossip(forged, peerId);
          }
        }
        await stranger.heard();
      });
      await assertAllWell(trial);
      await trial.comesBack();
    },

    "a word of a run of ours that nobody has seen": async (trial) => {
      const before = await incarnationsOf(trial);
      await trial.attack(async (target) => {
        await using stranger = await Stranger.enter(target);
        for (const incarnation of [LARGEST - 1, LARGEST - 2, Date.now() + YEAR_MS]) {
          for (const link of stranger.links) await link.call(METHODS.refute, [incarnation]);
        }
      });
      assert.deepEqual(await incarnationsOf(trial), before);
      await trial.comesBack();
    },

    "three heartbeats of a rival": async (trial) => {
      await trial.attack(async (target) => {
        await using stranger = await Stranger.enter(target);
        for (const peerId of [await inventedPeerId(), stranger.peer.id]) {
          for (const origin of [stranger.peer.id, peerId]) {
            for (const { name } of target.nodes) {
              for (let sequence = 1; sequence <= 3; sequence++) {
                await stranger.gossip({ node: name, peerId, incarnation: 1, sequence }, origin);
              }
            }
          }
        }
        await stranger.heard();
      });
      await assertAllWell(trial);
    },

    "eight members that were made up, with clocks a year ahead": async (trial) => {
      await trial.attack(async (target) => {
        await using stranger = await Stranger.enter(target, { timeMs: Date.now() + YEAR_MS });
        for (let i = 0; i < 8; i++) {
          const forged = { node: `ghost${i}`, peerId: await inventedPeerId() };
          await stranger.gossip({ ...forged, timeMs: Date.now() + YEAR_MS });
          await stranger.gossip({ ...forged, timeMs: Date.now() + YEAR_MS }, forged.peerId);
        }
        await stranger.heard();
      });
      await assertAllWell(trial);
    },

    "nine strangers that are there, with clocks a year ahead": async (trial) => {
      await trial.attack(async (target) => {
        await using stack = new AsyncDisposableStack();
        for (let i = 0; i < 9; i++) {
          const said = { node: `guest${i}`, timeMs: Date.now() + YEAR_MS };
          const stranger = stack.use(await Stranger.enter(target, said));
          for (let sequence = 2; sequence < 5; sequence++) {
            await stranger.speak({ ...said, sequence });
          }
          await stranger.heard();
        }
      });
      await assertAllWell(trial);
    },

    "a failed disk, and silence, in the name of others": async (trial) => {
      await trial.attack(async (target) => {
        await using stranger = await Stranger.enter(target);
        for (const { name, peerId } of target.nodes) {
          const { incarnation } = (await target.members(target.node(name)))
            .find(({ node }) => node === name)!;
          for (const disk of [1, 2]) {
            // What the member says itself would be old news from then on.
            const forged = { node: name, peerId, incarnation, disk, intervalMs: 1 };
            await stranger.gossip({ ...forged, sequence: LARGEST - 2 + disk });
            await stranger.gossip({ ...forged, sequence: LARGEST - 2 + disk }, peerId);
          }
        }
        await stranger.heard();
      });
      await assertAllWell(trial);
    },
  }));

/** Every node must see every member of the layout up, with a good disk. */
async function assertAllWell({ target }: Trial): Promise<void> {
  for (const node of target.nodes) {
    const members = (await target.members(node)).filter(({ inLayout }) => inLayout);
    assert.deepEqual(
      members.map(({ node, state, disk }) => [node, state, disk]),
      target.nodes.map(({ name }) => [name, "up", "ok"]),
      `as ${node.name} sees them`,
    );
  }
}

async function incarnationsOf({ target }: Trial): Promise<number[]> {
  const members = await target.members(target.nodes[0]!);
  return members.filter(({ inLayout }) => inLayout).map(({ incarnation }) => incarnation);
}
