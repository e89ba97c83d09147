// More than a node can do: what is refused, and what goes on as quickly as before.

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { OverloadedError } from "../../src/wire/errors.ts";
import { LIMITS } from "../../src/wire/limits.ts";
import { NodeWorld } from "./node_world.ts";

const VALUE = { kind: "text", bytes: utf8("v") } as const;

function valueOf(world: NodeWorld, name: string, measurement: string): number {
  return world.node(name).measurements().find(({ name }) => name === measurement)!.value;
}

/** How long each of some writes takes, one after the other, in virtual milliseconds. */
async function timesOf(world: NodeWorld, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const beganMs = world.time.nowMs;
    await world.put("n1", `key ${i}`, "v");
    times.push(world.time.nowMs - beganMs);
  }
  return times;
}

Deno.test("one slow owner of three does not slow writes that two have", async () => {
  await using world = await NodeWorld.of(3);
  const calm = await timesOf(world, 50);
  world.delaysMs.set("n3", 500);
  const slow = await timesOf(world, 50);
  assert.ok(Math.max(...calm) < 10, `${calm}`);
  assert.ok(Math.max(...slow) <= Math.max(...calm), `${slow}`);
});

Deno.test("of ten times the requests that are allowed the surplus is refused at once, and nothing piles up", async () => {
  await using world = await NodeWorld.of(3);
  // Each of these writes goes to both other nodes, and so many fit the way to a peer.
  const allowed = LIMITS.inFlightPerPeerCount;
  let [done, refused, late] = [0, 0, 0];
  const beganMs = world.time.nowMs;
  for (let i = 0; i < 10 * allowed; i++) {
    world.node("n1").put(utf8(`key ${i % 100}`), VALUE).then(() => done++, (error) => {
      if (!(error instanceof OverloadedError)) return;
      assert.equal(error.outcome, "no");
      refused++;
      if (world.time.nowMs > beganMs) late++;
    });
  }
  for (let turn = 0; turn < 10; turn++) await undefined;
  assert.equal(refused, 9 * allowed, "within a turn");
  assert.equal(valueOf(world, "n1", "requests_in_flight_count"), allowed);
  await world.time.until(() => valueOf(world, "n1", "requests_in_flight_count") === 0, "the end");
  assert.equal(late, 0);
  assert.equal(done, allowed);
  await world.time.until(() => valueOf(world, "n1", "rpcs_open_count") === 0, "all answers");
  assert.equal(valueOf(world, "n1", "storage_pending_bytes"), 0);
  await world.put("n1", "afterwards", "v");
});
