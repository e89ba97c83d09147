// What comparing does for copies with floors; the comparing itself is tested in anti_entropy_test.ts.

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { leafOf } from "../../src/replica/hash_tree.ts";
import { METHODS } from "../../src/wire/message_codec.ts";
import {
  deletedAtAll,
  floorsAt,
  forgotten,
  goRound,
  holdersOf,
  keysBeside,
  longAgo,
  lookedWorld,
  putAt,
  putAtAll,
  refuse,
  startHandOff,
} from "./floor_world.ts";
import { FORGET_AFTER_MS, type RepairWorld } from "./repair_world.ts";

const KEY = "cart:alice";
const THREE = { names: ["n1", "n2", "n3"] } as const;

/** A world whose owners of a key have forgotten it, and one of them with the disk it had before the delete. */
async function withOldDisk() {
  const world = await lookedWorld(THREE);
  const owners = world.ownersOf(KEY) as [string, string, string];
  const [first, second, third] = owners;
  const [alive, unknown] = keysBeside(world, KEY, 2) as [string, string];
  await putAtAll(world, alive, "alive");
  await putAtAll(world, KEY, "milk");
  const backup = world.images.get(third)!.copy();
  await putAtAll(world, unknown, "later than the backup");
  await putAtAll(world, KEY, null);
  await world.time.pass(FORGET_AFTER_MS + 1);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, KEY);
  const [floor] = floorsAt(world, KEY, [first]) as [number];
  await world.restart(third, () => world.images.set(third, backup));
  await startHandOff(world, third);
  assert.deepEqual(await world.textsOf(third, KEY), ["milk"]);
  assert.deepEqual(floorsAt(world, KEY, [third]), [0]);
  // As a node does that is told of a later run of its own.
  world.node(third).filling.begin("The disk is an old one");
  return { world, owners, first, second, third, alive, unknown, floor };
}

function compare(world: RepairWorld, from: string, to: string) {
  return world.settle(world.node(from).antiEntropy.compareWith(to));
}

/** Lets all owners compare with all others, one after the other. */
async function compareAll(world: RepairWorld, owners: readonly string[]): Promise<void> {
  for (const from of owners) {
    for (const to of owners) {
      if (from !== to && world.node(from).antiEntropy !== undefined) await compare(world, from, to);
    }
  }
}

Deno.test("an old disk loses what was forgotten when it compares", async () => {
  const { world, owners, first, third, alive, unknown, floor } = await withOldDisk();
  const { repaired } = await compare(world, third, first);
  assert.ok(repaired >= 2, "it loses one key and takes another");
  for (const name of owners) {
    assert.ok((await world.read(name, KEY)).live(0).length === 0, name);
    assert.deepEqual(await world.textsOf(name, alive), ["alive"], name);
    assert.deepEqual(await world.textsOf(name, unknown), ["later than the backup"], name);
  }
  assert.deepEqual(floorsAt(world, KEY, [third]), [floor]);
  await compareAll(world, owners);
  assert.deepEqual(floorsAt(world, KEY, owners), [floor, floor, floor]);
  await forgotten(world, KEY);
});

Deno.test("an old disk that is compared takes what it lacks, and loses nothing before it compares itself", async () => {
  const { world, owners, first, third, unknown, floor } = await withOldDisk();
  await compare(world, first, third);
  assert.deepEqual(await world.textsOf(first, KEY), [], "its floor is its own");
  assert.deepEqual(await world.textsOf(third, KEY), ["milk"], "it has agreed to no floor");
  assert.deepEqual(await world.textsOf(third, unknown), ["later than the backup"]);
  await compareAll(world, owners);
  assert.deepEqual(floorsAt(world, KEY, owners), [floor, floor, floor]);
  await forgotten(world, KEY);
});

Deno.test("a copy that has forgotten nothing loses what two others have seen replaced, and not one alone", async () => {
  const { world, first, second, third, floor } = await withOldDisk();
  const key = [world.partitionOf(KEY), utf8(KEY)] as const;
  // This copy has all that there is, and no floor: as when the namespaces were others at its start.
  world.node(third).filling.comparedWith(first, [key[0]]);
  world.node(third).filling.comparedWith(second, [key[0]]);
  await compare(world, third, first);
  assert.deepEqual(await world.textsOf(third, KEY), ["milk"]);
  assert.deepEqual(floorsAt(world, KEY, [third]), [0]);
  await compare(world, third, second);
  assert.deepEqual(await world.textsOf(third, KEY), []);
  assert.deepEqual(floorsAt(world, KEY, [third]), [floor]);
});

Deno.test("level() takes nothing away above the fence of its receiver, whatever floor a clock can have come to", async () => {
  const world = await lookedWorld(THREE);
  const [first, second] = world.ownersOf(KEY) as [string, string];
  await putAtAll(world, KEY, "milk");
  const level = (floor: number) => {
    const { id } = world.placement.layout;
    const message = [id, world.partitionOf(KEY), utf8(KEY), null, floor];
    return world.settle(world.node(second).rpc.call(first, METHODS.level, message, 1_000));
  };
  for (const floor of [1, longAgo(world), longAgo(world, 0)]) await level(floor);
  assert.deepEqual(await world.textsOf(first, KEY), ["milk"]);
  assert.deepEqual(floorsAt(world, KEY, [first]), [0]);
});

Deno.test("an old disk that is written to before it is compared keeps that write", async () => {
  const { world, owners, first, third } = await withOldDisk();
  await putAt(world, third, KEY, "eggs");
  await compare(world, first, third);
  await compareAll(world, owners);
  for (const name of owners) assert.deepEqual(await world.textsOf(name, KEY), ["eggs"], name);
});

Deno.test("an empty disk is filled, and takes over the floors of those it is the same as", async () => {
  const { world, owners, second, third, alive, floor } = await withOldDisk();
  const { images } = world;
  const empty = (await lookedWorld(THREE)).images.get(third)!;
  await world.restart(third, () => images.set(third, empty));
  await startHandOff(world, third);
  world.node(third).filling.begin("The disk is empty");
  assert.equal(floorsAt(world, KEY, [third])[0], 0);
  await compare(world, third, second);
  assert.equal(floorsAt(world, KEY, [third])[0], floor);
  for (const name of owners) assert.deepEqual(await world.textsOf(name, alive), ["alive"], name);
  assert.deepEqual(await holdersOf(world, KEY), []);
});

Deno.test("what the other side cannot read is no reason to lose it here", async () => {
  const world = await lookedWorld(THREE);
  const owners = world.ownersOf(KEY) as [string, string, string];
  const [first, second] = owners;
  const [alive] = keysBeside(world, KEY, 1) as [string];
  await putAtAll(world, alive, "alive");
  await deletedAtAll(world, KEY);
  await goRound(world, KEY);
  await forgotten(world, KEY);
  await world.flush(first);
  await world.restart(first, () => world.damage(first, alive));
  await compare(world, second, first);
  await compare(world, first, second);
  assert.deepEqual(await world.textsOf(second, alive), ["alive"]);
});

Deno.test("an old disk does not take over the floor of an owner that cannot read what it lacks", async () => {
  const { world, first, second, third, unknown } = await withOldDisk();
  await world.flush(first);
  await world.restart(first, () => world.damage(first, unknown));
  await startHandOff(world, first);
  for (let time = 0; time < 2; time++) {
    await compare(world, third, first);
    await compare(world, first, third);
  }
  await compare(world, third, second);
  await compare(world, second, third);
  assert.deepEqual(await world.textsOf(second, unknown), ["later than the backup"]);
  assert.deepEqual(await world.textsOf(third, unknown), ["later than the backup"]);
});

Deno.test("a floor is not taken over if a record is lost while the copies are compared", async () => {
  const { world, first, third } = await withOldDisk();
  const { floors } = world.node(third);
  world.trouble(first).serving = (method) => {
    if (method === "leaves") floors.mayHaveLost(world.partitionOf(KEY));
  };
  await compare(world, third, first);
  assert.deepEqual(floorsAt(world, KEY, [third]), [0]);
  world.trouble(first).serving = () => {};
  await compare(world, third, first);
  assert.ok(floorsAt(world, KEY, [third])[0]! > 0);
});

Deno.test("a copy without a floor loses nothing to one that has nothing", async () => {
  const world = await lookedWorld(THREE);
  const [first, second] = world.ownersOf(KEY) as [string, string];
  await putAt(world, first, KEY, "milk");
  await compare(world, second, first);
  await world.node(first).replica.level(
    world.partitionOf(KEY),
    utf8(KEY),
    (await world.read("n1", "nothing")).merge(await world.read("n2", "nothing")),
    0,
  );
  assert.deepEqual(await world.textsOf(first, KEY), ["milk"]);
  assert.deepEqual(await world.textsOf(second, KEY), ["milk"]);
});

Deno.test("a floor to which a node has its fence is passed though a key could not be compared", async () => {
  const world = await lookedWorld(THREE);
  const owners = world.ownersOf(KEY) as [string, string, string];
  const [first, second] = owners;
  const [alive] = keysBeside(world, KEY, 1) as [string];
  await putAtAll(world, alive, "alive");
  await deletedAtAll(world, KEY);
  const accept = refuse(world, second, "raiseFloor");
  assert.equal(await goRound(world, KEY), 1);
  accept();
  await world.flush(second);
  await world.restart(second, () => world.damage(second, alive));
  await compare(world, second, first);
  assert.deepEqual(floorsAt(world, KEY, [second]), floorsAt(world, KEY, [first]));
});

Deno.test("an owner whose disk is exchanged while it is compared with takes nothing away by the floor it had", async () => {
  const world = await lookedWorld(THREE);
  const [first, second] = world.ownersOf(KEY) as [string, string, string];
  const isBeside = (key: string) => {
    return world.partitionOf(key) === world.partitionOf(KEY) &&
      leafOf(utf8(key)) === leafOf(utf8(KEY));
  };
  const [fresh] = world.keysWhere(isBeside, 1, "fresh ") as [string];
  const [gone] = keysBeside(world, KEY, 1) as [string];
  const old = world.images.get(first)!.copy();
  await putAtAll(world, KEY, "milk");
  await deletedAtAll(world, gone);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, gone);
  await putAt(world, second, fresh, "fresh");

  const { promise: leavesAnswered, resolve } = Promise.withResolvers<void>();
  world.trouble(first).serving = (method) => {
    if (method === "leaves") resolve();
  };
  const comparing = world.node(second).antiEntropy.compareWith(first);
  await world.settle(leavesAnswered);
  await world.time.pass(100);
  await world.restart(first, () => world.images.set(first, old));
  const { differing } = await world.settle(comparing);
  assert.deepEqual(differing, [world.partitionOf(KEY)]);
  for (const name of [first, second]) {
    assert.deepEqual(await world.textsOf(name, KEY), ["milk"], name);
  }
});
