// What repairs copies, where an owner's disk is full, and where requests are slow.

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import { type RepairNode, RepairWorld } from "./repair_world.ts";

const NAMES = ["n1", "n2", "n3", "n4", "n5"];
const KEY = "cart:alice";

/** An owner whose disk is full, as it knows itself and as others hear. */
function fill(world: RepairWorld, name: string): void {
  world.readOnly.add(name);
  const problem = new DenamoError("disk_failed", "no", "No writes are taken: the disk is full");
  world.node(name).replica.writeProblem = () => problem;
}

function giveRoom(world: RepairWorld, name: string): void {
  world.readOnly.delete(name);
  world.node(name).replica.writeProblem = () => undefined;
}

function storesAt({ asked }: RepairNode): number {
  return asked.filter((method) => method === "store").length;
}

/** A node keeps some keys of one partition for an owner that lacks them. */
async function kept(count: number) {
  const world = await RepairWorld.of({ names: NAMES });
  const owners = world.ownersOf(KEY) as [string, string, string];
  const keeper = world.othersOf(KEY)[0]!;
  const partition = world.partitionOf(KEY);
  const keys = world.keysWhere((key) => world.partitionOf(key) === partition, count);
  for (const key of keys) {
    const object = await world.write(owners[0], key, key);
    await world.give(owners[1], key, object);
    await world.node(keeper).handOff.keep(owners[2], partition, utf8(key), object);
  }
  return { world, keys, keeper: world.node(keeper), lacking: owners[2] };
}

Deno.test("a replica whose disk is full refuses writes and merges before anything is done, and reads", async () => {
  const world = await RepairWorld.of({ names: NAMES });
  const [first, second] = world.ownersOf(KEY) as [string, string];
  const old = await world.write(first, KEY, "milk");
  await world.give(second, KEY, old);
  fill(world, second);
  const { actors, replica, storage } = world.node(second);
  const actor = actors.of(world.partitionOf(KEY));
  await assert.rejects(world.write(second, KEY, "eggs"), { code: "disk_failed", outcome: "no" });
  const newer = await world.write(first, KEY, "bread");
  await assert.rejects(world.give(second, KEY, newer), { code: "disk_failed", outcome: "no" });
  await world.give(second, KEY, old);
  assert.deepEqual(await world.textsOf(second, KEY), ["milk"]);
  assert.equal(actors.of(world.partitionOf(KEY)), actor, "no dot was drawn and forgotten");
  assert.equal(storage.stats().failedBatchCount, 0);
  giveRoom(world, second);
  await replica.merge(world.partitionOf(KEY), utf8(KEY), newer);
  assert.deepEqual(await world.textsOf(second, KEY), ["bread"]);
});

Deno.test("nothing is kept for others on a full disk, and nothing is taken for kept", async () => {
  const world = await RepairWorld.of({ names: NAMES });
  const [owner] = world.ownersOf(KEY) as [string];
  const object = await world.write(owner, KEY, "milk");
  const keeper = world.othersOf(KEY)[0]!;
  fill(world, keeper);
  const { handOff } = world.node(keeper);
  const keeping = handOff.keep(owner, world.partitionOf(KEY), utf8(KEY), object);
  await assert.rejects(keeping, { code: "disk_failed", outcome: "no" });
  assert.throws(() => handOff.checkRoom(), { code: "disk_failed" });
  assert.equal(handOff.counts.keys, 0);
});

Deno.test("an owner whose disk is full is handed nothing before it has room", async () => {
  const { world, keys, keeper, lacking } = await kept(40);
  fill(world, lacking);
  keeper.handOff.start();
  await world.time.pass(20_000);
  assert.equal(storesAt(world.node(lacking)), 0, "it is not asked in vain");
  assert.equal(keeper.handOff.counts.keys, keys.length);
  giveRoom(world, lacking);
  await world.time.until(() => keeper.handOff.counts.keys === 0, "all is handed over");
  assert.deepEqual(await world.textsOf(lacking, keys[0]!), [keys[0]]);
  keeper.handOff.stop();
});

Deno.test("who cannot commit hands over nothing: it could not drop it", async () => {
  const { world, keeper, lacking } = await kept(3);
  world.refusing.add(keeper.name);
  keeper.handOff.start();
  await world.time.pass(20_000);
  assert.equal(storesAt(world.node(lacking)), 0);
  world.refusing.delete(keeper.name);
  await world.time.until(() => keeper.handOff.counts.keys === 0, "all is handed over");
  keeper.handOff.stop();
});

Deno.test("a comparison takes what a full owner has, and gives it nothing", async () => {
  const world = await RepairWorld.of({ names: ["n1", "n2", "n3"] });
  await world.write("n1", "lacks", "n2 lacks this");
  await world.write("n2", "has", "n2 has this");
  fill(world, "n2");
  const { antiEntropy } = world.node("n1");
  const { repaired } = await world.settle(antiEntropy.compareWith("n2"));
  assert.equal(repaired, 1);
  assert.deepEqual(await world.textsOf("n1", "has"), ["n2 has this"]);
  assert.equal(storesAt(world.node("n2")), 0);
  giveRoom(world, "n2");
  await world.settle(antiEntropy.compareWith("n2"));
  assert.deepEqual(await world.textsOf("n2", "lacks"), ["n2 lacks this"]);
});

Deno.test("a node whose disk is full compares with nobody", async () => {
  const world = await RepairWorld.of({ names: ["n1", "n2", "n3"] });
  fill(world, "n1");
  const { antiEntropy } = world.node("n1");
  antiEntropy.start();
  await world.time.pass(20_000);
  assert.equal(antiEntropy.counts.compared, 0);
  giveRoom(world, "n1");
  await world.time.until(() => antiEntropy.counts.compared > 0, "it compares");
  antiEntropy.stop();
});

Deno.test("handing over waits while requests are slow, page by page, and never for ever", async () => {
  const { world, keeper, lacking } = await kept(96);
  const requests = Array.from({ length: 600 }, () => keeper.pace.began());
  keeper.handOff.start();
  const counts: number[] = [];
  while (counts.length < 2) {
    await world.time.until(
      () => storesAt(world.node(lacking)) > (counts.at(-1) ?? 0),
      "a page is handed over",
    );
    await world.time.pass(100);
    counts.push(storesAt(world.node(lacking)));
  }
  assert.deepEqual(counts, [32, 64]);
  assert.ok(world.time.nowMs >= 2_400, `${world.time.nowMs}`);
  const beganMs = world.time.nowMs;
  for (const isTimed of requests) keeper.pace.ended(isTimed);
  await world.time.until(() => keeper.handOff.counts.keys === 0, "all is handed over");
  assert.ok(world.time.nowMs - beganMs < 1_500, "without a pause as soon as requests are quick");
  keeper.handOff.stop();
});

Deno.test("a comparison waits while requests are slow, and ends nevertheless", async () => {
  const world = await RepairWorld.of({ names: ["n1", "n2", "n3"] });
  await world.write("n1", "k", "v");
  const { antiEntropy, pace } = world.node("n1");
  for (let i = 0; i < 600; i++) pace.began();
  const beganMs = world.time.nowMs;
  await world.settle(antiEntropy.compareWith("n2"));
  assert.ok(world.time.nowMs - beganMs > 2_500, `${world.time.nowMs - beganMs} ms`);
  assert.deepEqual(await world.textsOf("n2", "k"), ["v"]);
});
