// Keys that so many actors have written that a context cannot name all of them, and keys that lie in the future.

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { type Context, contextOf, encodeContext } from "../../src/causality/context.ts";
import { MAX_TIME, TICKS_PER_MS } from "../../src/causality/dot.ts";
import { Coordinator } from "../../src/coordinator/coordinator.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import { LIMITS } from "../../src/wire/limits.ts";
import { RepairWorld, textOf, textsOf } from "../replica/repair_world.ts";

const NAME = "cart";
const KEY = utf8(NAME);
const TIMEOUT_MS = 2_000;

async function threeNodes() {
  const world = await RepairWorld.of({ names: ["n1", "n2", "n3"] });
  const coordinators = new Map([...world.nodes].map(([name, node]) => {
    const { cluster, deadlines, handOff, log, namespaces, replica } = node;
    const clock = world.time.clock();
    return [
      name,
      new Coordinator(cluster, replica, namespaces, handOff, clock, deadlines, log),
    ];
  }));
  const options = { level: undefined, strict: undefined } as const;
  const get = async (name: string, ...atLeast: Context[]) => {
    const request = { op: "get", key: KEY, ...options, atLeast } as const;
    return (await world.settle(coordinators.get(name)!.execute(request, TIMEOUT_MS))).object!;
  };
  const put = (name: string, text: string, context?: Context, key = KEY) =>
    world.settle(
      coordinators.get(name)!.execute({
        op: "put",
        key,
        value: textOf(text),
        ...options,
        context,
        expiresAtMs: undefined,
        keepExpiry: false,
      }, TIMEOUT_MS),
    );
  const del = (name: string, context: Context) =>
    world.settle(
      coordinators.get(name)!.execute({ op: "delete", key: KEY, ...options, context }, TIMEOUT_MS),
    );
  const update = (name: string, context: Context) =>
    world.settle(
      coordinators.get(name)!.execute({
        op: "update",
        key: KEY,
        ...options,
        context,
        operations: [{
          type: "set",
          operation: { kind: "remove", elements: [utf8("milk")], seen: undefined },
        }],
      }, TIMEOUT_MS),
    );
  return { world, get, put, del, update };
}

/** Gives a node what a peer sends of the key. */
async function take(world: RepairWorld, name: string, object: DataObject): Promise<void> {
  await world.settle(world.node(name).replica.merge(world.partitionOf(NAME), KEY, object));
}

/** Gives all three a key that a thousand actors have written, the last of them twice at once. */
async function writeByMany(world: RepairWorld): Promise<DataObject> {
  let object = DataObject.empty;
  for (let i = 0; i < 1_000; i++) {
    const dot = { actor: `n1~actor${String(i).padStart(5, "0")}`, time: i + 1 };
    object = object.write(dot, textOf(`v${i}`), undefined, undefined);
  }
  const other = object.write(
    { actor: "n2~beside", time: 2_000 },
    textOf("w"),
    new Map(),
    undefined,
  );
  const both = object.merge(other);
  for (const name of ["n1", "n2", "n3"]) await take(world, name, both);
  return both;
}

Deno.test("a write with a context that names a part replaces what was seen, as long as nothing has changed", async () => {
  const { world, get, put } = await threeNodes();
  const object = await writeByMany(world);
  assert.deepEqual(textsOf(object), ["v999", "w"]);
  const context = contextOf(object.vector());
  assert.ok(context.hash !== undefined && encodeContext(context).length <= LIMITS.context);
  const { isShown, seen, siblings } = await put("n2", "merged", context);
  assert.deepEqual([siblings, isShown], [1, true]);
  for (const name of ["n1", "n3"]) assert.deepEqual(textsOf(await get(name, seen()!)), ["merged"]);
  const again = await put("n3", "again", seen());
  assert.equal(again.siblings, 1, "what a write answers is good for the next");
});

Deno.test("a delete with the context of what was read says that it was there, also by a copy that has missed it", async () => {
  const { world, get, del } = await threeNodes();
  const object = DataObject.empty
    .write({ actor: "n1~a", time: 10 }, textOf("milk"), undefined, undefined);
  for (const name of ["n1", "n2"]) await take(world, name, object);
  const context = contextOf(object.vector());
  assert.equal((await del("n3", context)).existed, true);
  assert.deepEqual(textsOf(await get("n3")), []);
  assert.equal((await del("n3", context)).existed, false, "now it has seen all of that");
});

Deno.test("when the key has changed a write with such a context is refused without effect: read it again", async () => {
  const { world, get, put, del, update } = await threeNodes();
  const context = contextOf((await writeByMany(world)).vector());
  await put("n1", "meanwhile");
  for (
    const write of [
      () => put("n2", "late", context),
      () => del("n3", context),
      () => update("n1", context),
    ]
  ) {
    await assert.rejects(write(), { code: "conflict", outcome: "no" });
  }
  const found = await get("n3");
  assert.deepEqual(textsOf(found), ["meanwhile"]);
  await put("n2", "read again", contextOf(found.vector()));
  assert.deepEqual(textsOf(await get("n1")), ["read again"]);
});

Deno.test("a read asks with such a context for the latest that it names", async () => {
  const { world, get, put } = await threeNodes();
  await writeByMany(world);
  const { seen } = await put("n1", "last");
  assert.ok(seen()!.hash !== undefined);
  assert.deepEqual(textsOf(await get("n2", seen()!)), ["last"]);
  const lost = { ...seen()!, vector: new Map(seen()!.vector).set("n9~lost", 5_000) };
  await assert.rejects(get("n2", lost), { code: "stale", outcome: "no" });
});

Deno.test("honest data of a day ahead converges, is written at every node, and dates no other key", async () => {
  for (const time of [86_400_000 * TICKS_PER_MS, MAX_TIME - 1, MAX_TIME]) {
    const { world, get, put } = await threeNodes();
    const far = DataObject.empty.write(
      { actor: "n1~far", time },
      textOf("far"),
      undefined,
      undefined,
    );
    await take(world, "n1", far);
    await take(world, "n2", far);
    assert.deepEqual(textsOf(await get("n3")), ["far"]);
    let context = contextOf(far.vector());
    for (let round = 0; round < 6; round++) {
      for (const name of ["n1", "n2", "n3"]) {
        const text = `${name} ${round}`;
        const { seen, siblings } = await put(name, text, round % 2 === 0 ? undefined : context);
        assert.equal(siblings, 1);
        context = seen()!;
        assert.deepEqual(textsOf(await get("n2", context)), [text]);
      }
    }
    const { opaque } = await get("n1");
    assert.ok(opaque.entries.length <= 7, `${opaque.entries.length} actors`);
    const { seen } = await put("n1", "bob", undefined, utf8("{cart}:bob"));
    const latest = Math.max(...seen()!.vector.values());
    assert.ok(latest < (world.time.clock().now() + 2_000) * TICKS_PER_MS, `${latest}`);
  }
});
