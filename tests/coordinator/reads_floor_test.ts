// What a read makes of copies that have forgotten; the rest of reading is tested in reads_test.ts.

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import type { VersionVector } from "../../src/causality/version_vector.ts";
import { Reads } from "../../src/coordinator/reads.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import {
  deletedAtAll,
  floorsAt,
  forgotten,
  goRound,
  keysBeside,
  longAgo,
  lookedWorld,
  putAtAll,
} from "../replica/floor_world.ts";
import { METHODS } from "../../src/wire/message_codec.ts";
import { type RepairWorld, textOf, textsOf } from "../replica/repair_world.ts";

const KEY = "cart:alice";

/** Five nodes that all have a floor for the partition of a key that lives at three of them. */
async function fiveWithFloors() {
  const names = ["n1", "n2", "n3", "n4", "n5"];
  const world = await lookedWorld({ names, namespaces: [{ prefix: "five/", n: 5 }] });
  const [gone] = keysBeside(world, KEY, 1, "five/") as [string];
  await putAtAll(world, KEY, "milk");
  await deletedAtAll(world, gone);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, gone);
  assert.ok(floorsAt(world, gone, names).every((floor) => floor > 0));
  const [first, second, third] = world.ownersOf(KEY) as [string, string, string];
  return { world, first, second, third, others: world.othersOf(KEY) };
}

/** Reads a key at a node as its coordinator does. */
async function read(
  world: RepairWorld,
  name: string,
  r: number,
  atLeast?: VersionVector,
): Promise<string[]> {
  const { cluster, deadlines, log, namespaces, replica } = world.node(name);
  const reads = new Reads(cluster, replica, deadlines, log);
  const key = utf8(KEY);
  const where = { key, partition: world.partitionOf(KEY), namespace: namespaces.of(key) };
  const reading = reads.read({ ...where, r, atLeast, isStrict: false, timeoutMs: 2_000 });
  return textsOf((await world.settle(reading)).object);
}

Deno.test("a stand-in that has the floor for other keys of the partition hides nothing", async () => {
  const { world, first, second, third } = await fiveWithFloors();
  for (const owner of [second, third]) world.disconnect(first, owner);
  assert.deepEqual(await read(world, first, 3), ["milk"]);
});

Deno.test("a coordinator that has the floor for other keys of the partition hides nothing", async () => {
  const { world, first, third, others } = await fiveWithFloors();
  for (const owner of [first, third]) world.disconnect(others[0]!, owner);
  assert.deepEqual(await read(world, others[0]!, 2), ["milk"]);
});

Deno.test("the same holds while it looks further for what its client has seen", async () => {
  const { world, first, third, others } = await fiveWithFloors();
  const keeper = others[0]!;
  const dot = { actor: "n9~a", time: (await world.read(first, KEY)).latestTime() + 1e9 };
  const eggs = DataObject.empty.write(dot, textOf("eggs"), undefined, undefined);
  await world.give(first, KEY, eggs);
  for (const owner of [first, third]) world.disconnect(keeper, owner);
  const reading = read(world, keeper, 1, eggs.vector());
  world.time.after(500, () => world.connect(keeper, first));
  assert.deepEqual(await reading, ["eggs", "milk"]);
});

Deno.test("a quorum with an old disk in it shows nothing that the others have forgotten", async () => {
  const world = await lookedWorld({ names: ["n1", "n2", "n3"] });
  const [first, second, third] = world.ownersOf(KEY) as [string, string, string];
  await putAtAll(world, KEY, "milk");
  const backup = world.images.get(third)!.copy();
  await putAtAll(world, KEY, null);
  await deletedAtAll(world, KEY);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, KEY);
  await world.restart(third, () => world.images.set(third, backup));
  assert.deepEqual(await read(world, third, 1), ["milk"], "it is there");
  for (const name of [first, second, third]) assert.deepEqual(await read(world, name, 3), [], name);
  assert.deepEqual(await world.textsOf(first, KEY), [], "and it has not spread");
});

Deno.test("a floor that one owner alone tells may mislead a reader, and no disk", async () => {
  const world = await lookedWorld({ names: ["n1", "n2", "n3"] });
  const [first, second, third] = world.ownersOf(KEY) as [string, string, string];
  const owners = [first, second, third];
  await putAtAll(world, KEY, "milk");
  const lie = [DataObject.empty.encoded(), longAgo(world, -1)];
  world.node(second).rpc.serve(METHODS.read, () => lie);
  assert.deepEqual(await read(world, first, 2), []);
  await world.time.pass(5_000);
  for (const name of owners) assert.deepEqual(await world.textsOf(name, KEY), ["milk"], name);
  // All three are asked: that two of them have seen nothing like it counts for more.
  await read(world, first, 3);
  await world.time.pass(5_000);
  for (const name of owners) assert.deepEqual(await world.textsOf(name, KEY), ["milk"], name);
});
