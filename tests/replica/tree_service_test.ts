import assert from "node:assert/strict";
import fc from "fast-check";
import { EMPTY, utf8, utf8Text } from "../../src/base/bytes.ts";
import { LEAF_COUNT, leafOf, LEAVES_BYTES } from "../../src/replica/hash_tree.ts";
import { ENTRIES_COUNT, rootBytes, ROOTS_COUNT, rootsIn } from "../../src/replica/tree_service.ts";
import { METHODS } from "../../src/wire/message_codec.ts";
import { layoutOf } from "../node/layout_world.ts";
import { currentOf, RepairWorld } from "./repair_world.ts";

const ALL_LEAVES = Array.from({ length: LEAF_COUNT }, (_, leaf) => leaf);

/** Two nodes, one of which asks the other, and keys of one partition. */
async function twoNodes() {
  const world = await RepairWorld.of({
    names: ["n1", "n2"],
    namespaces: [{ prefix: "two/", n: 2 }],
  });
  const { id } = world.layouts.get("n1")!.layout;
  const ask = (method: "roots" | "leaves" | "entries", ...args: readonly unknown[]) =>
    world.settle(
      world.node("n1").rpc.call("n2", METHODS[method], [id, ...args], 5_000, "bulk"),
    );
  const entries = async (...args: readonly unknown[]) => {
    const [found] = await ask("entries", ...args) as [[Uint8Array, Uint8Array][]];
    return found.map(([key, digest]) => ({ key: utf8Text(key), digest: rootsIn(digest)[0] }));
  };
  const isHere = (key: string) => world.partitionOf(key) === 7;
  const [first, second] = world.keysWhere(isHere, 2) as [string, string];
  const [alone] = world.keysWhere(isHere, 1, "two/") as [string];
  return { world, ask, entries, first, second, alone };
}

Deno.test("roots and leaves are those of the trees, and entries are the keys of the leaves", async () => {
  const { world, ask, entries, first, second } = await twoNodes();
  const object = await world.write("n2", first, "milk");
  const other = await world.write("n2", second, "bread");
  const { trees } = world.node("n2").replica;
  const [tree, none] = [await trees.get(7, 0), await trees.get(8, 0)];

  const [roots] = await ask("roots", 0, [8, 7, 7]) as [Uint8Array];
  assert.deepEqual(rootsIn(roots), [none.root(), tree.root(), tree.root()]);
  const [leaves] = await ask("leaves", 0, 7) as [Uint8Array];
  assert.equal(leaves.length, LEAVES_BYTES);
  assert.deepEqual([...leaves], [...tree.leaves()]);
  assert.deepEqual(
    await entries(0, 7, ALL_LEAVES, null),
    [
      { key: first, digest: object.digest() },
      { key: second, digest: other.digest() },
    ].sort((a, b) => (a.key < b.key ? -1 : 1)),
  );
});

Deno.test("entries are of the leaves, the partition and the number of copies that were asked for", async () => {
  const { world, entries, first, alone } = await twoNodes();
  await world.write("n2", first, "milk");
  await world.write("n2", alone, "milk");
  const keysOf = async (...args: readonly unknown[]) =>
    (await entries(...args)).map(({ key }) => key);
  assert.deepEqual(await keysOf(0, 7, [leafOf(utf8(first))], null), [first]);
  assert.deepEqual(await keysOf(2, 7, ALL_LEAVES, null), [alone]);
  assert.deepEqual(await keysOf(0, 8, ALL_LEAVES, null), []);
  assert.deepEqual(await keysOf(0, 7, [(leafOf(utf8(first)) + 1) % LEAF_COUNT], null), []);
  assert.deepEqual(await keysOf(0, 7, [], null), []);
});

Deno.test("entries come in pages, each behind the last key of the one before", async () => {
  const { world, entries } = await twoNodes();
  const keys = world.keysWhere((key) => world.partitionOf(key) === 7, 1_200);
  await Promise.all(keys.map((key) => world.write("n2", key, "milk")));
  const found: string[] = [];
  const sizes: number[] = [];
  for (let after: Uint8Array | null = null; sizes.at(-1) !== 176;) {
    const page = await entries(0, 7, ALL_LEAVES, after);
    sizes.push(page.length);
    found.push(...page.map(({ key }) => key));
    after = utf8(found.at(-1)!);
  }
  assert.deepEqual(sizes, [ENTRIES_COUNT, ENTRIES_COUNT, 176]);
  assert.deepEqual(found, keys.toSorted());
});

Deno.test("who has another layout, or none, is refused and told ours", async () => {
  const { world, ask } = await twoNodes();
  const other = currentOf(layoutOf(["n1", "n2"], 1));
  world.layouts.set("n2", other);
  for (const args of [["roots", 0, [7]], ["leaves", 0, 7], ["entries", 0, 7, [1], null]] as const) {
    const [method, ...rest] = args;
    const refused = ask(method, ...rest);
    await assert.rejects(refused, { code: "wrong_layout", details: { layoutId: other.layout.id } });
  }
  world.layouts.delete("n2");
  await assert.rejects(ask("roots", 0, [7]), { code: "not_ready", outcome: "no" });
});

const MALFORMED = [
  ["roots", 0, [256]],
  ["roots", 0, Array(ROOTS_COUNT + 1).fill(7)],
  ["roots", 1025, [7]],
  ["roots", 3, [7]],
  ["leaves", 0, 256],
  ["leaves", 0, "7"],
  ["entries", 0, 7, [LEAF_COUNT], null],
  ["entries", 0, 7, [-1], null],
  ["entries", 0, 7, [...ALL_LEAVES, 0], null],
  ["entries", 0, 7, [1], EMPTY.length],
] as const;

for (const [method, ...args] of MALFORMED) {
  const shown = JSON.stringify(args).slice(0, 40);
  Deno.test(`${method} of ${shown} makes no sense, and costs the asker this request alone`, async () => {
    const { world, ask } = await twoNodes();
    await assert.rejects(ask(method, ...args), { code: "malformed", outcome: "no" });
    assert.deepEqual(world.node("n2").rpc.nonsense, [{ peer: "n1", kind: method, count: 1 }]);
    assert.deepEqual(world.resets, []);
  });
}

Deno.test("a record that cannot be read is told, and like no other: neither what it was nor nothing", async () => {
  const { world, entries, ask, first, second } = await twoNodes();
  for (const key of [first, second]) {
    await world.give("n1", key, await world.write("n2", key, "milk"));
  }
  const { trees } = world.node("n1").replica;
  const whole = (await trees.get(7, 0)).root();
  await world.flush("n2");
  await world.restart("n2", () => world.damage("n2", first));
  const told = await entries(0, 7, ALL_LEAVES, null);
  assert.deepEqual(told.map(({ key }) => key).sort(), [first, second].sort());
  const digest = told.find(({ key }) => key === first)!.digest;
  assert.notEqual(digest, (await world.read("n1", first)).digest());
  const [roots] = await ask("roots", 0, [7]) as [Uint8Array];
  assert.notEqual(rootsIn(roots)[0], whole);
  await world.node("n1").replica.drop(7, utf8(first), await world.read("n1", first));
  assert.notEqual(rootsIn(roots)[0], (await trees.get(7, 0)).root());
});

Deno.test("rootsIn() reads what rootBytes() writes", () => {
  fc.assert(fc.property(fc.array(fc.bigInt(0n, 2n ** 64n - 1n)), (roots) => {
    const bytes = rootBytes(roots);
    assert.equal(bytes.length, 8 * roots.length);
    assert.deepEqual(rootsIn(bytes), roots);
    const within = new Uint8Array([1, 2, 3, ...bytes, 4]).subarray(3, 3 + bytes.length);
    assert.deepEqual(rootsIn(within), roots);
  }));
});

Deno.test("leaves and entries are told to owners of the part alone, roots to every node", async () => {
  const world = await RepairWorld.of({ names: ["n1", "n2", "n3", "n4", "n5"] });
  const owners = world.placement.owners(7);
  const stranger = ["n1", "n2", "n3", "n4", "n5"].find((name) => !owners.includes(name))!;
  const { id } = world.placement.layout;
  const ask = (method: "roots" | "leaves" | "entries", ...args: readonly unknown[]) =>
    world.settle(
      world.node(stranger).rpc.call(owners[0]!, METHODS[method], [id, ...args], 5_000, "bulk"),
    );
  assert.equal((await ask("roots", 0, [7])).length, 2);
  await assert.rejects(ask("leaves", 0, 7), { code: "not_allowed", outcome: "no" });
  await assert.rejects(ask("entries", 0, 7, [1], null), { code: "not_allowed", outcome: "no" });
});
