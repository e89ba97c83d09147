// What keeping for others has to do with floors: a stand-in holds them up, and keeps nothing that lies below one.

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import {
  deletedAtAll,
  forgotten,
  goRound,
  holdersOf,
  keepAt,
  keysBeside,
  longAgo,
  lookedWorld,
  recordCount,
  startHandOff,
  writeOfOld,
} from "./floor_world.ts";
import { RepairWorld } from "./repair_world.ts";

const FIVE = { names: ["n1", "n2", "n3", "n4", "n5"] } as const;
const KEY = "cart:alice";

/** Five nodes of which the owners of a key have forgotten it, and what was there before the delete. */
async function afterDelete() {
  const world = await lookedWorld(FIVE);
  const gone = await deletedAtAll(world, KEY);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, KEY);
  return { world, owners: world.ownersOf(KEY), keeper: world.othersOf(KEY)[0]!, gone };
}

Deno.test("a hint that is older than the floor is dropped by its keeper", async () => {
  const { world, owners, keeper, gone } = await afterDelete();
  const { handOff } = world.node(keeper);
  await keepAt(world, keeper, KEY, gone);
  assert.equal(handOff.counts.keys, 1);
  await world.time.until(() => handOff.counts.keys === 0, "it is dropped");
  assert.deepEqual(await holdersOf(world, KEY), []);
  await world.flush(keeper);
  assert.equal(recordCount(world, keeper), 0);
  for (const name of owners) {
    assert.ok(world.node(name).asked.includes("store"), `${name} was given it`);
  }
});

Deno.test("of a hint below the floor a keeper drops only what the owners have seen replaced", async () => {
  const { world, owners, keeper, gone } = await afterDelete();
  const recent = writeOfOld(longAgo(world, 0), "recent");
  await keepAt(world, keeper, KEY, gone.merge(recent));
  const { handOff } = world.node(keeper);
  await world.time.until(() => handOff.counts.keys === 0, "it is handed over");
  for (const name of owners) assert.deepEqual(await world.textsOf(name, KEY), ["recent"], name);
});

Deno.test("mayKeep() holds for a partition of which something is kept, until it is handed over", async () => {
  const world = await lookedWorld(FIVE);
  const partition = world.partitionOf(KEY);
  const keeper = world.othersOf(KEY)[0]!;
  const { handOff } = world.node(keeper);
  assert.ok(!handOff.mayKeep(partition));
  const [other] = keysBeside(world, KEY, 1) as [string];
  for (const key of [KEY, other]) await keepAt(world, keeper, key, writeOfOld(longAgo(world)));
  assert.ok(handOff.mayKeep(partition));
  assert.ok(!handOff.mayKeep((partition + 1) % 256));
  await world.time.until(() => handOff.counts.keys === 0, "all is handed over");
  assert.ok(!handOff.mayKeep(partition));
});

Deno.test("mayKeep() holds for every partition before the disk has been searched", async () => {
  const world = await RepairWorld.of(FIVE);
  const { handOff } = world.node("n1");
  assert.ok(handOff.mayKeep(0) && handOff.mayKeep(255));
  await startHandOff(world, "n1");
  assert.ok(!handOff.mayKeep(0) && !handOff.mayKeep(255));
});

Deno.test("mayKeep() holds while what is kept is on its way to the disk, and if that fails", async () => {
  const world = await lookedWorld(FIVE);
  const partition = world.partitionOf(KEY);
  const keeper = world.othersOf(KEY)[0]!;
  const { handOff } = world.node(keeper);
  const { promise: isHeld, resolve } = Promise.withResolvers<void>();
  world.trouble(keeper).disk = async ({ kind }) => {
    if (kind !== "commit") return;
    await isHeld;
    throw new Error("The disk fails");
  };
  const keeping = handOff.keep(
    world.ownersOf(KEY)[0]!,
    partition,
    utf8(KEY),
    writeOfOld(longAgo(world)),
  );
  assert.ok(handOff.mayKeep(partition));
  resolve();
  await assert.rejects(world.settle(keeping), { code: "disk_failed" });
  assert.ok(handOff.mayKeep(partition), "a later start may find it");
  world.trouble(keeper).disk = () => {};
  await world.time.until(() => !handOff.mayKeep(partition), "it is handed over or dropped");
});
