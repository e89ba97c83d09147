import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { MAX_FLOOR, TICKS_PER_MS } from "../../src/causality/dot.ts";
import { partId } from "../../src/replica/parts.ts";
import { METHODS } from "../../src/wire/message_codec.ts";
import { type MethodName, STANDING } from "../../src/wire/standing.ts";
import { deletedAtAll, floorsAt, longAgo, lookedWorld, putAtAll } from "./floor_world.ts";
import { MAX_ABSENCE_MS } from "./repair_world.ts";

const KEY = "cart:alice";

async function fiveNodes() {
  const world = await lookedWorld({ names: ["n1", "n2", "n3", "n4", "n5"] });
  const owners = world.ownersOf(KEY) as [string, string, string];
  const [other] = [...world.nodes.keys()].filter((name) => !owners.includes(name)) as [string];
  const partition = world.partitionOf(KEY);
  const { id } = world.placement.layout;
  const ask = (from: string, to: string, name: MethodName, args: readonly unknown[]) =>
    world.settle(world.node(from).rpc.call(to, METHODS[name], [id, ...args], 5_000, "bulk"));
  return { world, owners, other, partition, ask };
}

Deno.test("what only owners may ask is refused to a member that owns nothing of the part", async () => {
  const { world, owners, other, partition, ask } = await fiveNodes();
  await putAtAll(world, KEY, "milk");
  const upTo = longAgo(world);
  const asked: Partial<Record<MethodName, readonly unknown[]>> = {
    level: [partition, utf8(KEY), null, 0],
    leaves: [0, partition],
    entries: [0, partition, [1], null],
    promiseFloor: [upTo, [partition], []],
    keptBelow: [[partition, upTo]],
    fence: [upTo, [partition]],
    raiseFloor: [upTo, [partition]],
  };
  const names = (Object.keys(STANDING) as MethodName[])
    .filter((name) => STANDING[name].from === "owner");
  assert.deepEqual(Object.keys(asked).sort(), names.sort());
  for (const [name, args] of Object.entries(asked) as [MethodName, unknown[]][]) {
    const refused = { code: "not_allowed", outcome: "no" };
    await assert.rejects(ask(other, owners[0], name, args), refused, name);
    await ask(owners[1], owners[0], name, args);
  }
  for (const owner of owners) assert.deepEqual(await world.textsOf(owner, KEY), ["milk"]);
});

Deno.test("of several parts all must be the asker's", async () => {
  const { world, owners, ask } = await fiveNodes();
  const [first, second] = owners;
  const isForeign = (partition: number) => !world.placement.isOwner(second, partition);
  const foreign = [...Array(256).keys()].find(isForeign)!;
  const message = [longAgo(world), [world.partitionOf(KEY), foreign], []];
  await assert.rejects(ask(second, first, "promiseFloor", message), { code: "not_allowed" });
});

Deno.test("what is no part, by its partition or its number of copies, is nonsense", async () => {
  const { world, owners, ask } = await fiveNodes();
  const [first, second] = owners;
  for (const part of [256, 65_535, partId({ partition: 7, copies: 4 })]) {
    const message = [longAgo(world), [part]];
    await assert.rejects(ask(second, first, "fence", message), { code: "malformed" });
  }
});

Deno.test("a floor that no clock can have come to makes a level nonsense, and takes nothing away", async () => {
  const { world, owners, partition, ask } = await fiveNodes();
  const [first, second] = owners;
  await putAtAll(world, KEY, "milk");
  await world.node(first).floors.promise(longAgo(world), []);
  for (const floor of [MAX_FLOOR, longAgo(world) + 100 * 365 * 24 * 3_600_000 * TICKS_PER_MS]) {
    const message = [partition, utf8(KEY), null, Math.min(floor, MAX_FLOOR)];
    await assert.rejects(ask(second, first, "level", message), { code: "malformed" });
  }
  assert.deepEqual(await world.textsOf(first, KEY), ["milk"]);
  await ask(second, first, "level", [partition, utf8(KEY), null, longAgo(world)]);
});

Deno.test("a key that is said to lie in another partition than its own is nonsense", async () => {
  const { world, owners, partition, ask } = await fiveNodes();
  const [first, second] = owners;
  await putAtAll(world, KEY, "milk");
  const object = (await world.read(second, KEY)).encoded();
  const elsewhere = [...Array(256).keys()].find((it) => {
    return it !== partition && [first, second].every((node) => world.placement.isOwner(node, it));
  })!;
  const asked: Partial<Record<MethodName, readonly unknown[]>> = {
    store: [elsewhere, utf8(KEY), object],
    level: [elsewhere, utf8(KEY), object, 0],
    read: [elsewhere, utf8(KEY), null],
  };
  for (const [name, args] of Object.entries(asked) as [MethodName, unknown[]][]) {
    await assert.rejects(ask(second, first, name, args), { code: "malformed" }, name);
    await ask(second, first, name, [partition, ...args.slice(1)]);
  }
  const { replica } = world.node(first);
  assert.equal((await replica.read(elsewhere, utf8(KEY))).isEmpty, true);
});

Deno.test("nobody is left out on one node's word", async () => {
  const { world, owners, other, partition, ask } = await fiveNodes();
  const [first, second] = owners;
  const promise = (without: readonly string[]) =>
    ask(second, first, "promiseFloor", [longAgo(world), [partition], without]);
  for (const without of [[other], [first], ["n9"]]) {
    await assert.rejects(promise(without), { outcome: "no" });
  }
  world.downForMs.set(other, MAX_ABSENCE_MS);
  await assert.rejects(promise([other]), { code: "not_ready" });
  world.downForMs.set(other, MAX_ABSENCE_MS + 1);
  world.downForMs.set("n9", MAX_ABSENCE_MS + 1);
  const another = [...world.nodes.keys()].find((it) => it !== other && !owners.includes(it))!;
  world.downForMs.set(another, MAX_ABSENCE_MS + 1);
  await assert.rejects(promise([other, another]), { code: "not_allowed" });
  await assert.rejects(promise(["n9"]), { code: "not_allowed" });
  await promise([other]);
  assert.deepEqual([...world.node(first).floors.leftOut], [other]);
});

Deno.test("a floor is raised as far as its receiver has its fence, whatever an owner says", async () => {
  const { world, owners, partition, ask } = await fiveNodes();
  const [first, second] = owners;
  await deletedAtAll(world, KEY);
  for (
    const [name, args] of [
      ["raiseFloor", [longAgo(world), [partition]]],
      ["keptBelow", [[partition, longAgo(world)]]],
      ["fence", [longAgo(world), [partition]]],
    ] as const
  ) {
    await ask(second, first, name, args);
    assert.deepEqual(floorsAt(world, KEY, [first]), [0], name);
    assert.equal(world.node(first).floors.fenceOf(partition), 0, name);
  }
});
