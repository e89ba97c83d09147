import assert from "node:assert/strict";
import { CorruptRepairs } from "../../src/coordinator/corrupt_repairs.ts";
import {
  forgotten,
  goRound,
  keysBeside,
  lookedWorld,
  putAtAll,
  recordCount,
} from "../replica/floor_world.ts";
import { FORGET_AFTER_MS, RepairWorld } from "../replica/repair_world.ts";

const KEY = "cart:alice";

/** Three owners that hold different values of a key, one of which has lost its record. */
async function damaged(...alsoDamaged: number[]) {
  const world = await RepairWorld.of({ names: ["n1", "n2", "n3"] });
  const [self, ...others] = world.ownersOf(KEY) as [string, string, string];
  await world.write(self, KEY, "milk");
  for (const other of others) {
    await world.give(other, KEY, await world.read(self, KEY));
    await world.write(other, KEY, `seen by ${others.indexOf(other)}`);
  }
  for (const name of [self, ...alsoDamaged.map((i) => others[i]!)]) {
    await world.flush(name);
    await world.restart(name, () => world.damage(name, KEY));
  }
  const { cluster, replica, namespaces, log } = world.node(self);
  const repairs = new CorruptRepairs(cluster, replica, namespaces, world.time.clock(), log);
  return { world, self, second: others[0]!, third: others[1]!, repairs, log };
}

/** Reads a record that is corrupt. */
async function stumble(world: RepairWorld, name: string): Promise<void> {
  await assert.rejects(world.read(name, KEY), { code: "corrupt", outcome: "no" });
}

Deno.test("a record that cannot be read is replaced by what all other owners hold together", async () => {
  const { world, self, repairs } = await damaged();
  await stumble(world, self);
  await world.time.until(() => repairs.repairedCount === 1, "it is repaired");
  assert.deepEqual(await world.textsOf(self, KEY), ["seen by 0", "seen by 1"]);
  await world.restart(self);
  assert.deepEqual(await world.textsOf(self, KEY), ["seen by 0", "seen by 1"]);
});

Deno.test("however often it is asked for, a record is repaired once at a time", async () => {
  const { world, self, second, repairs } = await damaged();
  for (let i = 0; i < 5; i++) await stumble(world, self);
  await world.time.until(() => repairs.repairedCount > 0, "it is repaired");
  await world.time.pass(5_000);
  assert.equal(repairs.repairedCount, 1);
  assert.deepEqual(world.node(second).asked, ["read"]);
});

Deno.test("while an owner does not answer nothing is replaced, and a later request begins again", async () => {
  const { world, self, third, repairs, log } = await damaged();
  world.isolate(third);
  await stumble(world, self);
  await world.time.until(() => log.lines.length > 0, "it is told");
  assert.match(log.lines[0]!, /Cannot repair a corrupt record yet .*cart:alice.*not connected/);
  await stumble(world, self);
  await world.time.pass(900);
  assert.equal(log.lines.length, 1, "a record is left alone for a while");
  await world.time.pass(200);
  world.connectAll(third);
  await stumble(world, self);
  await world.time.until(() => repairs.repairedCount === 1, "it is repaired");
  assert.deepEqual(await world.textsOf(self, KEY), ["seen by 0", "seen by 1"]);
});

Deno.test("an owner whose record is corrupt too is not waited for, and the log says what is lost", async () => {
  const { world, self, second, repairs, log } = await damaged(0);
  await stumble(world, self);
  await world.time.until(() => repairs.repairedCount === 1, "it is repaired");
  assert.deepEqual(await world.textsOf(self, KEY), ["seen by 1"]);
  assert.ok(log.lines.some((line) => line.includes("is lost") && line.includes(second)));
});

Deno.test("if no owner can read its record none is replaced by nothing", async () => {
  const { world, self, repairs, log } = await damaged(0, 1);
  await stumble(world, self);
  await world.time.until(() => log.lines.length > 0, "it is told");
  await stumble(world, self);
  assert.equal(repairs.repairedCount, 0);
});

Deno.test("a write that was made here after the repair is not taken back by it", async () => {
  const { world, self, repairs } = await damaged();
  await stumble(world, self);
  await world.time.until(() => repairs.repairedCount === 1, "it is repaired");
  const { actors } = world.node(self);
  await world.write(self, KEY, "bread");
  assert.deepEqual(await world.textsOf(self, KEY), ["bread"]);
  assert.ok(actors.of(world.partitionOf(KEY)) !== undefined);
});

Deno.test("a repaired record is in the hash tree like any other", async () => {
  const { world, self, second, repairs } = await damaged();
  const partition = world.partitionOf(KEY);
  const before = (await world.node(self).replica.trees.get(partition, 0)).root();
  await stumble(world, self);
  await world.time.until(() => repairs.repairedCount === 1, "it is repaired");
  const after = (await world.node(self).replica.trees.get(partition, 0)).root();
  assert.notEqual(after, before, "it was left out while it could not be read");
  await world.give(second, KEY, await world.read(self, KEY));
  assert.equal((await world.node(second).replica.trees.get(partition, 0)).root(), after);
});

/** Three owners that have forgotten a key, one of which then finds a record of it that it cannot read. */
async function damagedThoughForgotten() {
  const world = await lookedWorld({ names: ["n1", "n2", "n3"] });
  const [self, second, third] = world.ownersOf(KEY) as [string, string, string];
  const [alive] = keysBeside(world, KEY, 1) as [string];
  await putAtAll(world, KEY, "milk");
  await world.flush(self);
  const backups = new Map([self, third].map((name) => [name, world.images.get(name)!.copy()]));
  await putAtAll(world, KEY, null);
  await putAtAll(world, alive, "alive");
  await world.time.pass(FORGET_AFTER_MS + 1);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, KEY);
  const putBack = (name: string) =>
    world.restart(name, () => world.images.set(name, backups.get(name)!));
  await putBack(self);
  await world.restart(self, () => world.damage(self, KEY));
  world.node(self).filling.begin("The disk is an old one");
  const { cluster, replica, namespaces, log } = world.node(self);
  const repairs = new CorruptRepairs(cluster, replica, namespaces, world.time.clock(), log);
  return { world, self, second, third, putBack, repairs };
}

Deno.test("a record of what all others have forgotten is removed", async () => {
  const { world, self, repairs } = await damagedThoughForgotten();
  await stumble(world, self);
  await world.time.until(() => repairs.repairedCount === 1, "it is repaired");
  assert.ok((await world.read(self, KEY)).isEmpty);
  await world.flush(self);
  assert.equal(recordCount(world, self), 0);
});

Deno.test("a record is not replaced by what one owner holds from an old disk and another has forgotten", async () => {
  const { world, self, third, putBack, repairs } = await damagedThoughForgotten();
  await putBack(third);
  assert.deepEqual(await world.textsOf(third, KEY), ["milk"]);
  await stumble(world, self);
  await world.time.until(() => repairs.repairedCount === 1, "it is repaired");
  assert.deepEqual(await world.textsOf(self, KEY), []);
});
