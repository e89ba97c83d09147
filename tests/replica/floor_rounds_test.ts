import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import {
  deletedAtAll,
  floorsAt,
  forgotten,
  goRound,
  holdersOf,
  holdUp,
  keepAt,
  keysBeside,
  longAgo,
  lookedWorld,
  putAt,
  putAtAll,
  recordCount,
  refuse,
  startHandOff,
  store,
  writeOfOld,
} from "./floor_world.ts";
import { FORGET_AFTER_MS, type RepairWorld, type WorldSettings } from "./repair_world.ts";

const FIVE = ["n1", "n2", "n3", "n4", "n5"];
const KEY = "cart:alice";

/** A world of five nodes, with the owners of one key and one that may stand in for them. */
async function fiveNodes(settings: Partial<WorldSettings> = {}) {
  const world = await lookedWorld({ names: FIVE, ...settings });
  const owners = world.ownersOf(KEY) as [string, string, string];
  const [first, second, third] = owners;
  return { world, owners, first, second, third, keeper: world.othersOf(KEY)[0]! };
}

async function assertNothingForgotten(world: RepairWorld, owners: readonly string[]) {
  assert.deepEqual(floorsAt(world, KEY, owners), [0, 0, 0]);
  await world.time.pass(2_000);
  assert.deepEqual((await holdersOf(world, KEY)).sort(), [...owners].sort());
}

Deno.test("a delete that is old enough is forgotten by all owners, and leaves no record", async () => {
  const { world, owners, first } = await fiveNodes();
  await putAtAll(world, KEY, "milk");
  await putAtAll(world, KEY, null);
  await world.time.pass(FORGET_AFTER_MS - 1_000);
  assert.equal(await goRound(world, KEY), 0, "it is too young");
  await world.time.pass(1_001);
  const latest = (await world.read(first, KEY)).latestTime();
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, KEY);
  const floors = floorsAt(world, KEY, owners);
  assert.equal(new Set(floors).size, 1);
  assert.ok(floors[0]! >= latest);
  assert.equal(world.node(first).floorRounds.raisedCount, 1);
  for (const name of owners) {
    await world.flush(name);
    assert.equal(recordCount(world, name), 0, name);
    assert.equal(world.node(name).forgetting.count, 1, name);
  }
  world.node(first).forgetting.beginAll();
  await world.time.pass(1);
  assert.equal(await goRound(world, KEY), 0, "there is nothing left to forget");
});

Deno.test("once started, the first owners forget by themselves, and nothing after stop()", async () => {
  const { world, first } = await fiveNodes();
  const rounds = FIVE.map((name) => world.node(name).floorRounds);
  for (const it of rounds) it.start();
  const keys = world.keysWhere(() => true, 40);
  for (const key of keys) await deleteNow(world, key);
  for (const key of keys) await forgotten(world, key);
  const raised = rounds.map(({ raisedCount }) => raisedCount);
  assert.ok(raised.every((count) => count > 0), `${raised}`);

  await deleteNow(world, KEY);
  world.node(first).floorRounds.stop();
  const { raisedCount } = world.node(first).floorRounds;
  await world.time.pass(4 * FORGET_AFTER_MS);
  assert.equal(world.node(first).floorRounds.raisedCount, raisedCount);
  for (const it of rounds) it.stop();
});

async function deleteNow(world: RepairWorld, key: string): Promise<void> {
  await putAtAll(world, key, "milk");
  await putAtAll(world, key, null);
}

Deno.test("what lives below the floor stays", async () => {
  const { world, owners } = await fiveNodes();
  const [alive] = keysBeside(world, KEY, 1) as [string];
  await putAtAll(world, alive, "alive");
  await deletedAtAll(world, KEY);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, KEY);
  for (const name of owners) assert.deepEqual(await world.textsOf(name, alive), ["alive"]);
});

Deno.test("nothing is forgotten while a member is not connected, though it owns nothing of it", async () => {
  const { world, owners, keeper } = await fiveNodes();
  await deletedAtAll(world, KEY);
  world.isolate(keeper);
  await assert.rejects(goRound(world, KEY), { code: "timeout", message: /is not connected/ });
  await assertNothingForgotten(world, owners);
  world.connectAll(keeper);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, KEY);
});

Deno.test("nothing is forgotten while a stand-in keeps something of the partition", async () => {
  const { world, owners, third, keeper } = await fiveNodes();
  await deletedAtAll(world, KEY);
  const [other] = keysBeside(world, KEY, 1) as [string];
  world.readOnly.add(third);
  await keepAt(world, keeper, other, writeOfOld(longAgo(world)));
  assert.equal(await goRound(world, KEY), 0);
  await assertNothingForgotten(world, owners);
  world.readOnly.delete(third);
  const { handOff } = world.node(keeper);
  await world.time.until(() => handOff.counts.keys === 0, "it is handed over");
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, KEY);
  for (const name of owners) assert.deepEqual(await world.textsOf(name, other), ["old"]);
});

Deno.test("nothing is forgotten before every member has searched its disk for what it keeps", async () => {
  const { world, owners, keeper } = await fiveNodes();
  await deletedAtAll(world, KEY);
  await world.restart(keeper);
  assert.equal(await goRound(world, KEY), 0);
  await assertNothingForgotten(world, owners);
  await startHandOff(world, keeper);
  assert.equal(await goRound(world, KEY), 1);
});

Deno.test("nothing is forgotten while an earlier write is under way, at whichever member", async () => {
  const { world, owners, second, keeper } = await fiveNodes();
  const [other] = keysBeside(world, KEY, 1) as [string];
  for (const writer of [second, keeper]) {
    const { durable, ended } = await world.begin(writer, other, "slow");
    await durable;
    if (writer === second) await deletedAtAll(world, KEY);
    else await world.time.pass(FORGET_AFTER_MS + 1);
    if (writer === keeper) {
      const { replica } = world.node(keeper);
      const held = await world.read(keeper, other);
      await replica.drop(world.partitionOf(other), utf8(other), held);
    }
    assert.equal(await goRound(world, KEY), 0, writer);
    await assertNothingForgotten(world, owners);
    ended();
  }
  assert.equal(await goRound(world, KEY), 1);
});

Deno.test("a write that is under way and later than the floor holds nothing up", async () => {
  const { world, first } = await fiveNodes();
  await deletedAtAll(world, KEY);
  const [other] = keysBeside(world, KEY, 1) as [string];
  const { ended } = await world.begin(first, other, "late");
  assert.equal(await goRound(world, KEY), 1);
  ended();
});

Deno.test("a node whose clock is behind cannot promise, and nothing is forgotten", async () => {
  const { world, owners, keeper } = await fiveNodes();
  await deletedAtAll(world, KEY);
  const { floors } = world.node(keeper);
  floors.promise = () => Promise.resolve(false);
  await assert.rejects(goRound(world, KEY), { code: "clock_skew" });
  await assertNothingForgotten(world, owners);
});

for (const method of ["roots", "fence"] as const) {
  Deno.test(`nothing is forgotten if something unseen comes in before ${method} is answered`, async () => {
    const { world, owners, second } = await fiveNodes();
    await deletedAtAll(world, KEY);
    const [other] = keysBeside(world, KEY, 1) as [string];
    const { reached, release } = holdUp(world, second, method);
    const going = goRound(world, KEY);
    await reached();
    await world.give(second, other, writeOfOld(longAgo(world)));
    release();
    assert.equal(await going, 0);
    await assertNothingForgotten(world, owners);
    assert.equal(await goRound(world, KEY), 1, "the next round has compared it");
    for (const name of owners) assert.deepEqual(await world.textsOf(name, other), ["old"]);
  });
}

Deno.test("what an owner has seen already, and what is later, may come in during a round", async () => {
  const { world, second } = await fiveNodes();
  const [other, fresh] = keysBeside(world, KEY, 2) as [string, string];
  const seen = await putAtAll(world, other, "seen");
  await putAtAll(world, other, "replaced");
  await deletedAtAll(world, KEY);
  const { reached, release } = holdUp(world, second, "fence");
  const going = goRound(world, KEY);
  await reached();
  await world.give(second, other, seen);
  await putAt(world, second, fresh, "fresh");
  release();
  assert.equal(await going, 1);
});

Deno.test("the owners are made the same first: what one of them missed all have, and is not lost", async () => {
  const { world, owners, third } = await fiveNodes();
  const [missed] = keysBeside(world, KEY, 1) as [string];
  await putAt(world, third, missed, "only here");
  await deletedAtAll(world, KEY);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, KEY);
  for (const name of owners) {
    assert.deepEqual(await world.textsOf(name, missed), ["only here"], name);
  }
});

Deno.test("an owner that missed a delete takes it before it is forgotten", async () => {
  const { world, owners, first, second } = await fiveNodes();
  await putAtAll(world, KEY, "milk");
  const tombstone = await putAt(world, first, KEY, null);
  await world.give(second, KEY, tombstone);
  await world.time.pass(FORGET_AFTER_MS + 1);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, KEY);
  assert.ok(floorsAt(world, KEY, owners).every((floor) => floor > 0));
});

Deno.test("an owner that takes nothing at present holds up forgetting if it lacks something", async () => {
  const { world, third } = await fiveNodes();
  await putAtAll(world, KEY, "milk");
  const tombstone = await putAt(world, third, KEY, null);
  await world.time.pass(FORGET_AFTER_MS + 1);
  const [first, second] = world.ownersOf(KEY) as [string, string];
  await world.give(first, KEY, tombstone);
  world.readOnly.add(second);
  assert.equal(await goRound(world, KEY), 0);
  world.readOnly.delete(second);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, KEY);
});

Deno.test("an owner that does not hear of the floor learns it in its next comparison", async () => {
  const { world, owners, first, second } = await fiveNodes();
  await deletedAtAll(world, KEY);
  const accept = refuse(world, second, "raiseFloor");
  assert.equal(await goRound(world, KEY), 1);
  accept();
  const [floor, unheard] = floorsAt(world, KEY, owners);
  assert.ok(floor! > 0);
  assert.equal(unheard, 0);
  await world.time.pass(2_000);
  assert.ok((await holdersOf(world, KEY)).includes(second));
  await world.settle(world.node(second).antiEntropy.compareWith(first));
  assert.equal(floorsAt(world, KEY, [second])[0], floor);
  for (const other of owners.slice(2)) {
    await world.settle(world.node(other).antiEntropy.compareWith(second));
  }
  await forgotten(world, KEY);
});

Deno.test("fences of a round that broke off are taken back by the next one", async () => {
  const { world, owners, first } = await fiveNodes();
  const [late] = keysBeside(world, KEY, 1) as [string];
  const last = owners.slice(1).sort().at(-1)!;
  const fenced = owners.filter((name) => name !== last);
  await deletedAtAll(world, KEY);
  const object = writeOfOld(longAgo(world));
  let accept = refuse(world, last, "fence");
  assert.equal(await goRound(world, KEY), 0);
  for (const name of fenced) {
    const at = world.node(name).floors;
    assert.deepEqual(at.fenced(), [world.partitionOf(KEY)], name);
    await assert.rejects(world.give(name, late, object), { code: "outdated" });
  }
  accept();
  // The next one breaks off as well, after it has heard the floors of all.
  accept = refuse(world, last, "roots");
  await world.time.pass(100);
  assert.equal(await goRound(world, KEY), 0);
  for (const name of fenced) {
    assert.deepEqual(world.node(name).floors.fenced(), [], name);
    await world.give(name, late, object);
  }
  accept();
  await world.time.pass(100);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, KEY);
  assert.deepEqual(await world.textsOf(first, late), ["old"]);
});

Deno.test("a fence that an owner has relied upon is not taken back but passed", async () => {
  const { world, owners, first, second } = await fiveNodes();
  await deletedAtAll(world, KEY);
  let accept = refuse(world, second, "raiseFloor");
  assert.equal(await goRound(world, KEY), 1);
  accept();
  const [floor] = floorsAt(world, KEY, [first]);
  await deletedAtAll(world, KEY);
  accept = refuse(world, second, "roots");
  assert.equal(await goRound(world, KEY), 0);
  accept();
  for (const name of owners) {
    const { floors } = world.node(name);
    assert.equal(floors.floorOf(world.partitionOf(KEY)), floor, name);
    assert.equal(floors.fenceOf(world.partitionOf(KEY)), floor, name);
  }
});

Deno.test("a round that broke off behind the fences is made again though nothing is left to forget", async () => {
  const { world, owners, first } = await fiveNodes();
  await deletedAtAll(world, KEY);
  const last = owners.slice(1).sort().at(-1)!;
  const accept = refuse(world, last, "fence");
  assert.equal(await goRound(world, KEY), 0);
  accept();
  await putAtAll(world, KEY, "alive again");
  world.node(first).replica.forgettable.clear(world.partitionOf(KEY));
  await world.time.pass(100);
  assert.equal(await goRound(world, KEY), 1);
  assert.deepEqual(world.node(first).floors.fenced(), []);
});

Deno.test("a restart of an owner during the round ends it", async () => {
  const { world, second } = await fiveNodes();
  await deletedAtAll(world, KEY);
  const { reached, release } = holdUp(world, second, "fence");
  const going = goRound(world, KEY);
  await reached();
  await world.restart(second);
  release();
  assert.equal(await going, 0);
  assert.equal(await goRound(world, KEY), 0, "it has not searched its disk");
  await startHandOff(world, second);
  assert.equal(await goRound(world, KEY), 1);
});

Deno.test("a late store of what is forgotten is refused as outdated, and what is replaced as well", async () => {
  const { world, owners, first, second } = await fiveNodes();
  const [other] = keysBeside(world, KEY, 1) as [string];
  const replaced = await putAtAll(world, other, "replaced");
  await putAtAll(world, other, "alive");
  const gone = await deletedAtAll(world, KEY);
  await goRound(world, KEY);
  await forgotten(world, KEY);
  const never = writeOfOld(longAgo(world), "never seen");
  for (const [key, object] of [[KEY, gone], [KEY, never], [other, never]] as const) {
    await assert.rejects(store(world, first, second, key, object), {
      code: "outdated",
      outcome: "no",
    });
  }
  await store(world, first, second, other, replaced);
  assert.deepEqual(await world.textsOf(second, other), ["alive"], "its entry knows it");
  await putAtAll(world, KEY, "back");
  for (const name of owners) assert.deepEqual(await world.textsOf(name, KEY), ["back"]);
});

Deno.test("one round raises floors for keys of two, three and five owners alike", async () => {
  const { world, owners } = await fiveNodes({
    namespaces: [{ prefix: "two/", n: 2 }, { prefix: "five/", n: 5 }],
  });
  const [two] = keysBeside(world, KEY, 1, "two/") as [string];
  const [five, missed] = keysBeside(world, KEY, 2, "five/") as [string, string];
  const order = world.ownersOf(five);
  assert.deepEqual([world.ownersOf(two).length, order.length], [2, 5]);
  await putAt(world, order[4]!, missed, "only at the last");
  for (const key of [two, five]) {
    await putAtAll(world, key, "gone");
    await putAtAll(world, key, null);
  }
  await deletedAtAll(world, KEY);
  assert.equal(await goRound(world, KEY), 3, "one of each kind");
  for (const key of [two, five, KEY]) await forgotten(world, key);
  assert.equal(new Set(floorsAt(world, five, order)).size, 1);
  assert.ok(floorsAt(world, KEY, owners)[0]! > 0);
  for (const name of order) {
    assert.deepEqual(await world.textsOf(name, missed), ["only at the last"], name);
  }
});

Deno.test("who owns but a part of a partition gives its floor to nobody who owns more", async () => {
  const { world } = await fiveNodes({ namespaces: [{ prefix: "five/", n: 5 }] });
  const [five] = keysBeside(world, KEY, 1, "five/") as [string];
  const order = world.ownersOf(five) as [string, string, string, string, string];
  await deletedAtAll(world, KEY);
  await goRound(world, KEY);
  await forgotten(world, KEY);
  const { floors } = world.node(order[0]);
  // As after an old disk: it is the same as the fourth in what both own, and lacks the floor.
  await world.node(order[0]).storage.setMeta("floors", undefined);
  await world.restart(order[0]);
  world.node(order[0]).filling.begin("The disk is an old one");
  assert.equal(floorsAt(world, KEY, [order[0]])[0], 0);
  await world.settle(world.node(order[0]).antiEntropy.compareWith(order[3]));
  assert.equal(floorsAt(world, KEY, [order[0]])[0], 0);
  await world.settle(world.node(order[0]).antiEntropy.compareWith(order[1]));
  assert.equal(floorsAt(world, KEY, [order[0]])[0], floors.floorOf(world.partitionOf(KEY)));
});
