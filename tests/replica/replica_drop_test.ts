import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import type { DataObject } from "../../src/crdt/data_object.ts";
import { HashTrees } from "../../src/replica/hash_trees.ts";
import { RepairWorld } from "./repair_world.ts";

const KEY = "cart:alice";

async function oneNode() {
  const world = await RepairWorld.of({ names: ["n1"] });
  const drop = (object: DataObject) =>
    world.node("n1").replica.drop(world.partitionOf(KEY), utf8(KEY), object);
  return { world, partition: world.partitionOf(KEY), drop };
}

Deno.test("drop() forgets what was handed over, for good", async () => {
  const { world, drop } = await oneNode();
  const object = await world.write("n1", KEY, "milk");
  assert.equal(await drop(object), true);
  assert.ok((await world.read("n1", KEY)).isEmpty);
  await world.restart("n1");
  assert.ok((await world.read("n1", KEY)).isEmpty);
});

Deno.test("drop() leaves a copy alone that has changed since it was handed over", async () => {
  const { world, drop } = await oneNode();
  const object = await world.write("n1", KEY, "milk");
  await world.write("n1", KEY, "bread");
  assert.equal(await drop(object), false);
  assert.deepEqual(await world.textsOf("n1", KEY), ["bread"]);
});

Deno.test("drop() leaves a write alone that came in the same turn, before or after", async () => {
  const { world, drop } = await oneNode();
  const first = await world.write("n1", KEY, "milk");
  const second = world.write("n1", KEY, "bread");
  const dropping = drop(first);
  const third = world.write("n1", KEY, "butter");
  assert.equal(await dropping, false);
  await Promise.all([second, third]);
  const now = await world.read("n1", KEY);
  const [isDropped] = await Promise.all([drop(now), world.write("n1", KEY, "cheese")]);
  assert.equal(isDropped, true);
  assert.deepEqual(await world.textsOf("n1", KEY), ["cheese"]);
  await world.restart("n1");
  assert.deepEqual(await world.textsOf("n1", KEY), ["cheese"]);
});

Deno.test("drop() takes an equal object of another origin for the one that was handed over", async () => {
  const { world, drop } = await oneNode();
  const object = await world.write("n1", KEY, "milk");
  await world.restart("n1");
  assert.equal(await drop(object), true);
});

Deno.test("a drop that the disk refuses rejects, and the copy is there again", async () => {
  const { world, drop, partition } = await oneNode();
  const object = await world.write("n1", KEY, "milk");
  world.trouble("n1").disk = ({ kind }) => {
    if (kind === "commit") throw new Error("disk full");
  };
  await assert.rejects(drop(object), { code: "disk_failed", outcome: "unknown" });
  assert.deepEqual(await world.textsOf("n1", KEY), ["milk"]);
  world.trouble("n1").disk = () => {};
  const { trees } = world.node("n1").replica;
  const root = (await trees.get(partition, 0)).root();
  assert.equal(await drop(object), true);
  assert.notEqual((await trees.get(partition, 0)).root(), root);
});

Deno.test("the actor ends with the first key it drops, and with no other", async () => {
  const { world, drop, partition } = await oneNode();
  const object = await world.write("n1", KEY, "milk");
  const { actors } = world.node("n1");
  const actor = actors.of(partition);
  const newer = await world.write("n1", KEY, "bread");
  await drop(object);
  assert.equal(actors.of(partition), actor);
  await drop(newer);
  assert.equal(actors.of(partition), undefined);
  await world.write("n1", KEY, "butter");
  assert.notEqual(actors.of(partition), actor);
});

Deno.test("a commit that fails while a tree is built is not in the tree", async () => {
  const { world, partition } = await oneNode();
  const { trees } = world.node("n1").replica;
  await world.write("n1", KEY, "milk");
  const root = (await trees.get(partition, 0)).root();
  trees.forget(partition);
  const [reading, failing] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  world.trouble("n1").disk = async ({ kind }) => {
    if (kind === "range") await reading.promise;
    if (kind !== "commit") return;
    await failing.promise;
    throw new Error("disk full");
  };
  const building = trees.get(partition, 0);
  const writing = assert.rejects(world.write("n1", KEY, "bread"), { code: "disk_failed" });
  await world.time.pass(1);
  failing.resolve();
  await writing;
  reading.resolve();
  assert.equal((await building).root(), root);
});

Deno.test("after any writes, drops, failures and crashes a tree is the same as one built from nothing", async () => {
  const step = fc.record({
    what: fc.constantFrom("write", "write", "drop", "ask", "fail", "mend", "crash"),
    key: fc.nat(5),
    isAwaited: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const world = await RepairWorld.of({
        names: ["n1"],
        namespaces: [{ prefix: "one/", n: 1 }],
      });
      const isHere = (key: string) => world.partitionOf(key) === 7;
      const keys = [...world.keysWhere(isHere, 3), ...world.keysWhere(isHere, 3, "one/")];
      const mend = () => world.trouble("n1").disk = () => {};
      for (const { what, key, isAwaited } of steps) {
        const { replica } = world.node("n1");
        const name = keys[key]!;
        let done: Promise<unknown> = Promise.resolve();
        if (what === "write") done = world.write("n1", name, "milk");
        if (what === "drop") {
          done = world.read("n1", name).then((held) => replica.drop(7, utf8(name), held));
        }
        if (what === "ask") done = Promise.resolve(replica.trees.get(7, key % 2));
        if (what === "mend") mend();
        if (what === "crash") await world.restart("n1");
        if (what === "fail") {
          world.trouble("n1").disk = ({ kind }) => {
            if (kind === "commit") throw new Error("disk full");
          };
        }
        const ended = done.catch(() => {});
        if (isAwaited) await ended;
      }
      mend();
      await world.time.pass(10);
      const { namespaces, replica } = world.node("n1");
      const fresh = new HashTrees(
        (from, until, limit) => replica.scan(from, until, undefined, limit),
        (key) => namespaces.copiesOf(key),
      );
      for (const copies of [0, 1]) {
        const [kept, built] = [await replica.trees.get(7, copies), await fresh.get(7, copies)];
        assert.deepEqual(kept.leaves(), built.leaves());
      }
    }),
    { numRuns: 200 },
  );
});
