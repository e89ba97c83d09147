import assert from "node:assert/strict";
import { standInsFor } from "../../src/coordinator/stand_ins.ts";
import { RepairWorld } from "../replica/repair_world.ts";

const KEY = "cart:alice";

async function sixNodes() {
  const world = await RepairWorld.of({ names: ["n1", "n2", "n3", "n4", "n5", "n6"] });
  const [first, second, third] = world.othersOf(KEY) as [string, string, string];
  const namesAt = (name: string) => {
    const { cluster } = world.node(name);
    return standInsFor(cluster, world.partitionOf(KEY), world.ownersOf(KEY))
      .map(({ node, peer }) => [node, peer]);
  };
  return { world, first, second, third, owner: world.ownersOf(KEY)[0]!, namesAt };
}

Deno.test("the fallbacks of a partition stand in, in the order of the ring", async () => {
  const { first, second, third, owner, namesAt } = await sixNodes();
  assert.deepEqual(namesAt(owner), [[first, first], [second, second], [third, third]]);
});

Deno.test("a node that is no owner has the same order as all others, and needs no peer for itself", async () => {
  const { first, second, third, namesAt } = await sixNodes();
  assert.deepEqual(namesAt(second), [[first, first], [second, undefined], [third, third]]);
});

Deno.test("who cannot be asked does not stand in", async () => {
  const { world, first, second, third, owner, namesAt } = await sixNodes();
  world.disconnect(owner, first);
  assert.deepEqual(namesAt(owner), [[second, second], [third, third]]);
  world.peers.set(second, "nobody");
  assert.deepEqual(namesAt(owner), [[third, third]]);
});
