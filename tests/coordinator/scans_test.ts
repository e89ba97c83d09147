import assert from "node:assert/strict";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import {
  type KeyReader,
  type Position,
  type ScanResult,
  Scans,
} from "../../src/coordinator/scans.ts";
import {
  deletedAtAll,
  forgotten,
  goRound,
  keysBeside,
  lookedWorld,
  putAt,
  putAtAll,
} from "../replica/floor_world.ts";
import type { RepairWorld } from "../replica/repair_world.ts";

const KEY = "cart:alice";
const THREE = { names: ["n1", "n2", "n3"] } as const;

/** All keys that a node lists, page by page. */
async function list(
  world: RepairWorld,
  name: string,
  r: number,
  limit = 100,
  read: KeyReader["read"] = () => Promise.reject(new Error("Nothing here is large")),
): Promise<string[]> {
  const { cluster, namespaces, replica } = world.node(name);
  const scans = new Scans(cluster, replica, namespaces, { now: () => 0 }, { read });
  const how = { prefix: undefined, limit, wholePartitions: false, r, timeoutMs: 1_000 };
  const found: string[] = [];
  for (let from: Position | undefined = { partition: 0 }; from !== undefined;) {
    const page: ScanResult = await world.settle(scans.scan({ ...how, from }));
    found.push(...page.keys.map(utf8Text));
    from = page.next;
  }
  return found.sort();
}

Deno.test("a scan lists every key that lives at one of the owners that are asked, each once", async () => {
  const world = await lookedWorld(THREE);
  const keys = world.keysWhere(() => true, 60).sort();
  for (const [i, key] of keys.entries()) await putAt(world, `n${1 + i % 3}`, key, "milk");
  assert.deepEqual(await list(world, "n1", 3), keys);
  assert.deepEqual(await list(world, "n2", 3, 7), keys);
  for (const key of keys.slice(0, 20)) {
    await putAtAll(world, key, "eggs");
    for (const name of THREE.names) await putAt(world, name, key, null);
  }
  assert.deepEqual(await list(world, "n1", 3), keys.slice(20));
});

Deno.test("an owner that is filling its copies counts towards no listing, here or elsewhere", async () => {
  const world = await lookedWorld(THREE);
  const keys = world.keysWhere(() => true, 20).sort();
  for (const key of keys) await putAt(world, "n3", key, "milk");
  world.node("n1").filling.begin("a test says so");
  for (const name of ["n1", "n2"]) assert.deepEqual(await list(world, name, 2), keys);
  for (const name of ["n1", "n2"]) await assert.rejects(list(world, name, 3), { code: "quorum" });
});

Deno.test("whether anything is in a large set is asked of a read, and none of it is sent", async () => {
  const world = await lookedWorld(THREE);
  const elements = Array.from({ length: 10_000 }, (_, i) => utf8(`element ${i}`));
  const add = { type: "set", operation: { kind: "add", elements } } as const;
  const large = DataObject.empty.update({ actor: "n2~a", time: 1 }, add);
  await world.settle(world.give("n2", KEY, large));
  await putAt(world, "n2", "another", "milk");
  let bytes = 0;
  world.tap = (_from, _to, message) => void (bytes += message.length);
  for (const [found, listed] of [[large, [KEY]], [DataObject.empty, []]] as const) {
    const asked: string[] = [];
    const read: KeyReader["read"] = (key, level) => {
      asked.push(`${utf8Text(key)} ${level}`);
      return Promise.resolve(found);
    };
    assert.deepEqual(await list(world, "n1", 3, 100, read), ["another", ...listed].sort());
    assert.deepEqual(asked, [`${KEY} 3`]);
  }
  assert.ok(bytes < 10_000, `${bytes} bytes`);
});

Deno.test("an old disk lists nothing that the others have forgotten", async () => {
  const world = await lookedWorld(THREE);
  const [, , third] = world.ownersOf(KEY) as [string, string, string];
  const [alive, later] = keysBeside(world, KEY, 2) as [string, string];
  await putAtAll(world, KEY, "milk");
  await putAtAll(world, alive, "alive");
  const backup = world.images.get(third)!.copy();
  await putAtAll(world, later, "later");
  await deletedAtAll(world, KEY);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, KEY);
  await world.restart(third, () => world.images.set(third, backup));
  for (const name of THREE.names) {
    for (const limit of [1, 100]) {
      assert.deepEqual(await list(world, name, 3, limit), [alive, later].sort(), name);
    }
  }
});

Deno.test("a node that has the floor for other keys of a partition hides none", async () => {
  const names = ["n1", "n2", "n3", "n4", "n5"];
  const world = await lookedWorld({ names, namespaces: [{ prefix: "five/", n: 5 }] });
  const [gone] = keysBeside(world, KEY, 1, "five/") as [string];
  await putAtAll(world, KEY, "milk");
  await deletedAtAll(world, gone);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, gone);
  for (const name of names) assert.deepEqual(await list(world, name, 3), [KEY], name);
});

Deno.test("a record that one owner cannot read is hidden by no floor", async () => {
  const world = await lookedWorld(THREE);
  const [first] = world.ownersOf(KEY) as [string];
  const [gone] = keysBeside(world, KEY, 1) as [string];
  await putAtAll(world, KEY, "milk");
  await deletedAtAll(world, gone);
  assert.equal(await goRound(world, KEY), 1);
  await forgotten(world, gone);
  await world.flush(first);
  await world.restart(first, () => world.damage(first, KEY));
  for (const name of THREE.names) assert.deepEqual(await list(world, name, 3), [KEY], name);
});
