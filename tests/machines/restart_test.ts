import assert from "node:assert/strict";
import { waitFor } from "../cluster/wait_for.ts";
import { Machines } from "./machines.ts";
import { stepsOf } from "./steps.ts";

const ALL = [1, 2, 3, 4, 5];
const KEYS = Array.from({ length: 12 }, (_, i) => `restart:${i}`);

Deno.test("nodes meet again without their seed, and at other addresses", async (t) => {
  const step = stepsOf(t);
  await using machines = await Machines.make(5);
  const start = { join: [1] };
  await machines.startAll({ 1: {}, 2: start, 3: start, 4: start, 5: start });
  await machines.layout();
  for (const key of KEYS) await put(machines, 1, key, "before");

  await step("all are stopped, and start without the only one that they join", async () => {
    await machines.stop(...ALL);
    await machines.startAll({ 2: start, 3: start, 4: start, 5: start });
    await allSee(machines, [2, 3, 4, 5]);
    await machines.ready();
    for (const [i, key] of KEYS.entries()) {
      assert.equal(await get(machines, 2 + i % 4, key), "before");
      await put(machines, 5 - i % 4, key, "without the seed");
    }
  });

  await step("the seed comes back at another address, and joins nobody", async () => {
    await machines.start(1, { host: 11 });
    await allSee(machines, ALL);
    await machines.ready();
    for (const key of KEYS) assert.equal(await get(machines, 1, key), "without the seed");
  });

  await step("a node moves while the others run, and what it joins is gone", async () => {
    await machines.stop(3);
    await machines.start(3, { ...start, host: 33 });
    await allSee(machines, ALL);
    await machines.ready();
    const members = await machines.members(5);
    const { addresses } = members.find(({ node }) => node === "n3")!;
    assert.ok(addresses.every((address) => address.includes("/192.0.2.33/")), String(addresses));
    for (const key of KEYS) assert.equal(await get(machines, 3, key), "without the seed");
  });
});

/** Waits until each of some nodes has a connection to all the others. */
async function allSee(machines: Machines, which: readonly number[]): Promise<void> {
  for (const k of which) {
    const others = which.filter((other) => other !== k).map((other) => `n${other}`);
    await waitFor(`n${k} to see ${others.join(" ")}`, async () => {
      const seen = await machines.seenBy(k);
      return others.every((other) => seen.includes(other));
    });
  }
}

async function put(machines: Machines, k: number, key: string, value: string): Promise<void> {
  const { reply, text } = await machines.resp(k, "SET", key, value);
  assert.equal(reply, "OK", text);
}

async function get(machines: Machines, k: number, key: string): Promise<unknown> {
  return (await machines.resp(k, "GET", key)).reply;
}
