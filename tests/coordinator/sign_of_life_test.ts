import assert from "node:assert/strict";
import { livingFirst } from "../../src/coordinator/sign_of_life.ts";
import { reachable } from "../../src/replica/cluster.ts";
import { METHODS } from "../../src/wire/message_codec.ts";
import { RepairWorld } from "../replica/repair_world.ts";

/** A node that does not own a key, and whom it would hand a write to. */
async function worldOf() {
  const world = await RepairWorld.of({ names: ["n1", "n2", "n3", "n4"] });
  const owners = world.ownersOf("cart");
  const { cluster, deadlines, rpc } = world.node(world.othersOf("cart")[0]!);
  const takers = reachable(cluster, owners);
  const names = takers.map(({ node }) => node) as [string, string, string];
  const sent: string[] = [];
  world.tap = (from, to) => void (from === cluster.self && sent.push(to));
  /** Whom the write goes to, and after how many milliseconds. */
  const choose = async (timeoutMs = 5_000) => {
    const beganAtMs = world.time.nowMs;
    const chosen = await world.settle(livingFirst(cluster, takers, deadlines, timeoutMs));
    assert.deepEqual(chosen.map(({ node }) => node).toSorted(), names.toSorted());
    return { name: chosen[0]!.node, tookMs: world.time.nowMs - beganAtMs };
  };
  /** Hears from a node, as from one that has answered. */
  const hear = async (name: string) => {
    await world.settle(rpc.call(name, METHODS.probe, [], 1_000));
    sent.length = 0;
  };
  return { world, names, sent, choose, hear };
}

Deno.test("a write goes to the fastest owner without a question if that has spoken lately", async () => {
  const { names: [first], sent, choose, hear } = await worldOf();
  await hear(first);
  assert.deepEqual(await choose(), { name: first, tookMs: 0 });
  assert.deepEqual(sent, []);
});

Deno.test("an owner that was silent is asked for a sign of life, and nobody else while it gives one", async () => {
  const { world, names: [first], sent, choose } = await worldOf();
  await world.time.pass(150);
  assert.deepEqual(await choose(), { name: first, tookMs: 2 });
  assert.deepEqual(sent, [first]);
  assert.deepEqual(await choose(), { name: first, tookMs: 0 });
});

Deno.test("a write goes to the next owner while the first gives no sign of life", async () => {
  const { world, names: [first, second], choose, hear } = await worldOf();
  await hear(first);
  world.mute.add(first);
  assert.equal((await choose()).name, first, "nobody can know so soon");
  await world.time.pass(150);
  const { name, tookMs } = await choose();
  assert.equal(name, second);
  assert.ok(tookMs <= 70, `${tookMs}`);
});

Deno.test("where nobody gives a sign of life a write goes where it would have gone, and in time", async () => {
  const { world, names, choose } = await worldOf();
  for (const name of names) world.mute.add(name);
  await world.time.pass(150);
  for (const [timeoutMs, atMostMs] of [[5_000, 400], [100, 250]] as const) {
    const { name, tookMs } = await choose(timeoutMs);
    assert.equal(name, names[0]);
    assert.ok(tookMs <= atMostMs, `${tookMs}`);
  }
});
