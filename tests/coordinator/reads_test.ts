import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { Reads } from "../../src/coordinator/reads.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import { QuorumError } from "../../src/wire/errors.ts";
import { RepairWorld, textsOf } from "../replica/repair_world.ts";

const KEY = "cart:alice";

async function fiveNodes() {
  const world = await RepairWorld.of({ names: ["n1", "n2", "n3", "n4", "n5"] });
  const [self, second, third] = world.ownersOf(KEY) as [string, string, string];
  return { world, self, second, third, others: world.othersOf(KEY) };
}

/** Reads a key at a node as its coordinator does. */
async function read(world: RepairWorld, name: string, r: number, isStrict = false) {
  const { cluster, deadlines, log, namespaces, replica } = world.node(name);
  const reads = new Reads(cluster, replica, deadlines, log);
  const key = utf8(KEY);
  const namespace = namespaces.of(key);
  const partition = world.partitionOf(KEY);
  const { object } = await world.settle(
    reads.read({ key, partition, namespace, r, isStrict, timeoutMs: 1_000 }),
  );
  await world.time.pass(100);
  return { texts: textsOf(object), repaired: reads.repairedCount };
}

Deno.test("a read merges what the owners hold and sends it to those that lack part of it", async () => {
  const { world, self, second, third } = await fiveNodes();
  await world.write(self, KEY, "milk");
  await world.write(second, KEY, "bread");
  assert.deepEqual(await read(world, self, 3), { texts: ["bread", "milk"], repaired: 3 });
  for (const owner of [self, second, third]) {
    assert.deepEqual(await world.textsOf(owner, KEY), ["bread", "milk"]);
  }
  assert.deepEqual(await read(world, self, 3), { texts: ["bread", "milk"], repaired: 0 });
});

Deno.test("a read that meets stand-ins merges what they keep and does not repair them", async () => {
  const { world, self, second, third, others } = await fiveNodes();
  const [keeper, empty] = others as [string, string];
  await world.write(self, KEY, "milk");
  await world.write(keeper, KEY, "bread");
  for (const owner of [second, third]) world.disconnect(self, owner);
  const { texts, repaired } = await read(world, self, 3);
  assert.deepEqual(texts, ["bread", "milk"]);
  assert.equal(repaired, 1, "the own copy of an owner");
  assert.deepEqual(await world.textsOf(self, KEY), ["bread", "milk"]);
  assert.deepEqual(await world.textsOf(keeper, KEY), ["bread"]);
  assert.deepEqual([...world.node(keeper).asked, ...world.node(empty).asked], ["read", "read"]);
  assert.ok((await world.read(empty, KEY)).isEmpty, "who keeps nothing is given nothing to keep");
});

Deno.test("a node that stands in for a read keeps nothing of what it has read", async () => {
  const { world, self, second, third, others } = await fiveNodes();
  const [keeper] = others as [string];
  await world.write(second, KEY, "milk");
  for (const owner of [self, third]) world.disconnect(keeper, owner);
  assert.deepEqual((await read(world, keeper, 2)).texts, ["milk"]);
  assert.ok((await world.read(keeper, KEY)).isEmpty);
});

Deno.test("a stand-in that cannot read what it keeps is no answer", async () => {
  const { world, self, second, third, others } = await fiveNodes();
  const [keeper, other] = others as [string, string];
  await world.write(keeper, KEY, "milk");
  await world.flush(keeper);
  await world.restart(keeper, () => world.damage(keeper, KEY));
  for (const owner of [self, second, third]) world.disconnect(keeper, owner);
  await assert.rejects(read(world, keeper, 2), QuorumError);
  await world.write(other, KEY, "bread");
  assert.deepEqual((await read(world, keeper, 1)).texts, ["bread"], "another one is");
});

Deno.test("that there is nothing takes an owner; what stand-ins keep is shown, a deletion too", async () => {
  const { world, self, second, third, others } = await fiveNodes();
  const [entry, other] = others as [string, string];
  assert.deepEqual((await read(world, entry, 2)).texts, [], "an owner says so");
  for (const owner of [self, second, third]) world.disconnect(entry, owner);
  for (const r of [1, 2, 3]) {
    await assert.rejects(read(world, entry, r), { code: "quorum", outcome: "no" });
  }
  const deleted = DataObject.empty.write({ actor: "n9~1", time: 7 }, null, undefined, undefined);
  await world.give(other, KEY, deleted);
  for (const r of [1, 2]) assert.deepEqual((await read(world, entry, r)).texts, []);
});
