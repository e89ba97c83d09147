import assert from "node:assert/strict";
import { TICKS_PER_MS } from "../../src/causality/dot.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import { WORLD_BEGIN_MS } from "../sim/virtual_clock.ts";
import { putAt } from "./floor_world.ts";
import { RepairWorld } from "./repair_world.ts";

const PARTITION = 7;

/** One node with keys of one partition, some deleted and some alive, and what else the tests need. */
async function oneNode(deletedCount: number, aliveCount = 0) {
  const world = await RepairWorld.of({ names: ["n1"], replication: 1 });
  const keys = world.keysWhere(
    (key) => world.partitionOf(key) === PARTITION,
    deletedCount + aliveCount,
  );
  // Spread, so that every page has some of both.
  const alive = keys.filter((_, i) => aliveCount > 0 && i % 3 === 0).slice(0, aliveCount);
  const deleted = keys.filter((key) => !alive.includes(key));
  await Promise.all(keys.map((key) => putAt(world, "n1", key, "milk")));
  await Promise.all(deleted.map((key) => putAt(world, "n1", key, null)));
  const { floors, forgetting, replica } = world.node("n1");
  const countLeft = async (names: readonly string[]) => {
    const held = await Promise.all(names.map((key) => world.read("n1", key)));
    return held.filter(({ isEmpty }) => !isEmpty).length;
  };
  const raise = () => {
    const floor = (WORLD_BEGIN_MS + world.time.nowMs) * TICKS_PER_MS;
    return floors.raise(new Map([[PARTITION, floor]]));
  };
  await world.time.pass(1_000);
  const rest = () => world.time.until(() => !forgetting.isBusy, "it has gone through");
  return { world, deleted, alive, forgetting, replica, countLeft, raise, rest };
}

Deno.test("a partition is gone through when its floor has risen: what lies below is forgotten", async () => {
  const { deleted, alive, forgetting, countLeft, raise, rest } = await oneNode(3, 2);
  forgetting.begin([PARTITION]);
  assert.ok(!forgetting.isBusy, "it has no floor");
  forgetting.begin(await raise());
  assert.ok(forgetting.isBusy);
  await rest();
  assert.equal(forgetting.count, 3);
  assert.deepEqual([await countLeft(deleted), await countLeft(alive)], [0, 2]);
});

for (const count of [255, 256, 257, 512, 700]) {
  Deno.test(`${count} keys are forgotten page by page, and what lives between them stays`, async () => {
    const { deleted, alive, forgetting, countLeft, raise, rest } = await oneNode(count, 60);
    forgetting.begin(await raise());
    await rest();
    assert.equal(forgetting.count, count);
    assert.deepEqual([await countLeft(deleted), await countLeft(alive)], [0, 60]);
  });
}

Deno.test("exactly one page is followed by an empty one", async () => {
  const { deleted, forgetting, countLeft, raise, rest } = await oneNode(256);
  forgetting.begin(await raise());
  await rest();
  assert.equal(await countLeft(deleted), 0);
});

Deno.test("when all is forgotten a partition is not due any more", async () => {
  const { forgetting, replica, raise, rest } = await oneNode(300, 10);
  forgetting.begin(await raise());
  await rest();
  forgetting.beginAll();
  await rest();
  assert.deepEqual([...replica.forgettable.parts()], []);
  forgetting.beginAll();
  assert.ok(!forgetting.isBusy);
});

Deno.test("what is above the floor is forgotten when that rises again", async () => {
  const { world, deleted, forgetting, countLeft, raise, rest } = await oneNode(20);
  const partitions = await raise();
  await putAt(world, "n1", deleted[0]!, "again");
  await putAt(world, "n1", deleted[0]!, null);
  forgetting.begin(partitions);
  await rest();
  assert.deepEqual([forgetting.count, await countLeft(deleted)], [19, 1]);
  forgetting.beginAll();
  await rest();
  assert.equal(await countLeft(deleted), 1);
  await world.time.pass(1_000);
  forgetting.begin(await raise());
  await rest();
  assert.equal(await countLeft(deleted), 0);
});

Deno.test("stop() ends it in the middle, and nothing is begun after it", async () => {
  const { deleted, forgetting, replica, countLeft, raise, rest } = await oneNode(600);
  const forget = replica.forget.bind(replica);
  replica.forget = (partition, key) => {
    forgetting.stop();
    return forget(partition, key);
  };
  forgetting.begin(await raise());
  await rest();
  assert.equal(await countLeft(deleted), 600 - 256, "one page was under way");
  forgetting.beginAll();
  assert.ok(!forgetting.isBusy);
});

Deno.test("a disk that takes no commit ends it, and the next look goes on", async () => {
  const { world, deleted, forgetting, countLeft, raise, rest } = await oneNode(300);
  const partitions = await raise();
  let commits = 0;
  world.trouble("n1").disk = ({ kind }) => {
    if (kind === "commit" && ++commits > 1) throw new Error("The disk fails");
  };
  forgetting.begin(partitions);
  await rest();
  const left = await countLeft(deleted);
  assert.ok(left > 0, `${left}`);
  world.trouble("n1").disk = () => {};
  forgetting.beginAll();
  await rest();
  assert.equal(await countLeft(deleted), 0);
});

Deno.test("a disk that cannot be read ends it, and the next look goes on", async () => {
  const { world, deleted, countLeft, raise } = await oneNode(300);
  await world.flush("n1");
  await raise();
  await world.restart("n1");
  const { forgetting, replica } = world.node("n1");
  await replica.trees.get(PARTITION, 0);
  world.trouble("n1").disk = ({ kind }) => {
    if (kind === "range") throw new Error("The disk fails");
  };
  forgetting.beginAll();
  await world.time.until(() => !forgetting.isBusy, "it has ended");
  assert.equal(await countLeft(deleted), 300);
  world.trouble("n1").disk = () => {};
  forgetting.beginAll();
  await world.time.until(() => !forgetting.isBusy, "it has gone through");
  assert.equal(await countLeft(deleted), 0);
});

Deno.test("a disk that takes nothing is not tried", async () => {
  const { deleted, forgetting, replica, countLeft, raise, rest } = await oneNode(3);
  const partitions = await raise();
  const full = new DenamoError("disk_failed", "no", "The disk is full");
  replica.writeProblem = () => full;
  forgetting.begin(partitions);
  await rest();
  assert.equal(await countLeft(deleted), 3);
  replica.writeProblem = () => undefined;
  forgetting.beginAll();
  await rest();
  assert.equal(await countLeft(deleted), 0);
});

Deno.test("a key that is written while its partition is gone through keeps its value", async () => {
  const { world, deleted, forgetting, raise, rest } = await oneNode(300);
  forgetting.begin(await raise());
  await Promise.all(deleted.slice(0, 50).map((key) => putAt(world, "n1", key, "new")));
  await rest();
  for (const [i, key] of deleted.entries()) {
    assert.deepEqual(await world.textsOf("n1", key), i < 50 ? ["new"] : []);
  }
});
