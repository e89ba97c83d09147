import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { FILLING_META } from "../../src/replica/filling.ts";
import { type Gap, readFilling, writeFilling } from "../../src/replica/filling_record.ts";
import type { NamespaceSettings } from "../../src/replica/namespaces.ts";
import { ByteWriter } from "../../src/base/byte_writer.ts";
import { type RepairNode, RepairWorld } from "./repair_world.ts";

const FIVE = ["n1", "n2", "n3", "n4", "n5"];

/** Five nodes with three copies of a key, and of those that begin with "wide:" and "thin:" other numbers. */
function fiveNodes(namespaces: readonly NamespaceSettings[] = OTHERS): Promise<RepairWorld> {
  return RepairWorld.of({ names: FIVE, namespaces });
}

const OTHERS = [{ prefix: "wide:", n: 5 }, { prefix: "thin:", n: 2 }];

async function compare(world: RepairWorld, from: string, to: string): Promise<void> {
  await world.settle(world.node(from).antiEntropy.compareWith(to));
}

/** Sets how many copies the keys of a prefix have, at all nodes. */
function setCopies(world: RepairWorld, prefix: string, n: number, time: number): void {
  for (const node of world.nodes.values()) {
    const { filling, namespaces, replica } = node;
    const moves = namespaces.use(namespaces.table.with(prefix, { n }, time, "n1"));
    replica.trees.reset();
    filling.keysMoved(moves);
  }
}

function isFilling(world: RepairWorld, { filling, namespaces }: RepairNode, key: string): boolean {
  return filling.isFilling(world.partitionOf(key), namespaces.of(utf8(key)).n);
}

for (const [prefix, needed] of [["wide:", 3], ["", 2], ["thin:", 1]] as const) {
  Deno.test(`keys of "${prefix}" are filled by ${needed} comparisons of their own owners`, async () => {
    const world = await fiveNodes();
    const [key] = world.keysWhere(() => true, 1, `${prefix}key `);
    const [self, ...others] = world.ownersOf(key!);
    const strangers = world.othersOf(key!);
    const node = world.node(self!);
    node.filling.begin("a test says so");
    for (const name of strangers) await compare(world, self!, name);
    for (const [i, name] of others.entries()) {
      assert.equal(isFilling(world, node, key!), i < needed, `after ${i} comparisons`);
      await compare(world, self!, name);
    }
    assert.equal(isFilling(world, node, key!), false);
  });
}

Deno.test("an owner of keys with more copies than the layout says has to fill them too", async () => {
  const world = await fiveNodes();
  const [key] = world.keysWhere(() => true, 1, "wide:");
  const last = world.node(world.ownersOf(key!)[4]!);
  last.filling.begin("a test says so");
  assert.ok(isFilling(world, last, key!));
  assert.equal(last.filling.problem(world.partitionOf(key!), 5)?.code, "not_ready");
  assert.equal(last.filling.problem(world.partitionOf(key!), undefined), undefined, "not its own");
});

Deno.test("a part is filled only when it was compared itself", async () => {
  const world = await fiveNodes();
  const [key] = world.keysWhere(() => true, 1, "wide:");
  const [self, second, third, fourth] = world.ownersOf(key!);
  const node = world.node(self!);
  node.filling.begin("a test says so");
  const partition = world.partitionOf(key!);
  const ofLayout = partition;
  for (const name of [second!, third!, fourth!]) node.filling.comparedWith(name, [ofLayout]);
  assert.equal(node.filling.isFilling(partition), false);
  assert.ok(node.filling.isFilling(partition, 5));
});

Deno.test("owners that a higher number of copies brings fill before they answer; the others go on", async () => {
  const world = await fiveNodes([]);
  const [key] = world.keysWhere(() => true, 1, "cart:");
  await world.write(world.ownersOf(key!)[1]!, key!, "milk");
  setCopies(world, "cart:", 5, 1);
  const [first, second, third, fourth, fifth] = world.ownersOf(key!).map((it) => world.node(it));
  for (const node of [first!, second!, third!]) assert.equal(isFilling(world, node, key!), false);
  for (const node of [fourth!, fifth!]) assert.ok(isFilling(world, node, key!));
  await compare(world, fourth!.name, fifth!.name);
  await compare(world, fourth!.name, first!.name);
  assert.ok(isFilling(world, fourth!, key!), "one of three that had it before is not enough");
  await compare(world, fourth!.name, second!.name);
  assert.equal(isFilling(world, fourth!, key!), false);
  assert.deepEqual(await world.textsOf(fourth!.name, key!), ["milk"]);
});

Deno.test("keys that had one copy are filled from the one that had it", async () => {
  const world = await fiveNodes([{ prefix: "cart:", n: 1 }]);
  const [key] = world.keysWhere(() => true, 1, "cart:");
  setCopies(world, "cart:", 5, 1);
  const [first, ...others] = world.ownersOf(key!);
  const last = world.node(others.pop()!);
  for (const name of others) await compare(world, last.name, name);
  assert.ok(isFilling(world, last, key!));
  await compare(world, last.name, first!);
  assert.equal(isFilling(world, last, key!), false);
});

Deno.test("what was not filled when the number of copies changes again is not filled afterwards", async () => {
  const world = await fiveNodes([]);
  const [key] = world.keysWhere(() => true, 1, "cart:");
  setCopies(world, "cart:", 5, 1);
  setCopies(world, "cart:", 4, 2);
  const fourth = world.node(world.ownersOf(key!)[3]!);
  assert.ok(isFilling(world, fourth, key!));
  setCopies(world, "cart:", 3, 3);
  for (const { filling } of world.nodes.values()) assert.equal(filling.isActive, false);
});

Deno.test("a comparison that began before keys came says nothing of them", async () => {
  const world = await fiveNodes(OTHERS);
  const [key] = world.keysWhere(() => true, 1, "cart:");
  setCopies(world, "cart:", 4, 1);
  const [first, second, , fourth] = world.placement.preferenceList(world.partitionOf(key!));
  const { filling } = world.node(fourth!);
  const { epoch } = filling;
  setCopies(world, "cart:", 5, 2);
  const parts = filling.lackedFrom(first!)!;
  assert.ok(parts.size > 0);
  for (const name of [first!, second!]) filling.comparedWith(name, parts, epoch);
  assert.ok(isFilling(world, world.node(fourth!), key!));
});

Deno.test("a node that was stopped while keys came to it fills them after its start", async () => {
  const world = await fiveNodes([]);
  const [key] = world.keysWhere(() => true, 1, "cart:");
  const last = world.placement.preferenceList(world.partitionOf(key!))[4]!;
  world.settings = { ...world.settings, namespaces: [{ prefix: "cart:", n: 5 }] };
  const node = await world.restart(last);
  assert.ok(isFilling(world, node, key!));
});

Deno.test("how far it has come is the same after a restart", async () => {
  const world = await fiveNodes();
  const [key] = world.keysWhere(() => true, 1, "wide:");
  const [self, second, third, fourth] = world.ownersOf(key!);
  world.node(self!).filling.begin("a test says so");
  for (const name of [second!, third!]) await compare(world, self!, name);
  const node = await world.restart(self!);
  assert.ok(isFilling(world, node, key!));
  await compare(world, self!, fourth!);
  assert.equal(isFilling(world, node, key!), false);
});

Deno.test("a record by partitions, of earlier versions, tells of keys with as many copies as the layout says", async () => {
  const world = await fiveNodes();
  const [key] = world.keysWhere(() => true, 1, "wide:");
  const partition = world.partitionOf(key!);
  const [self, second, third] = world.ownersOf(key!);
  const writer = new ByteWriter(64);
  writer.byte(2);
  writer.integer(2);
  for (const name of [second!, third!]) writer.text(name);
  writer.integer(1);
  for (const number of [partition, 2, 0, 1]) writer.integer(number);
  await world.settle(world.node(self!).storage.setMeta(FILLING_META, writer.finish()));
  const { filling } = await world.restart(self!);
  assert.equal(filling.isFilling(partition), false);
  assert.ok(filling.isFilling((partition + 1) % 256) || filling.count > 0);
  assert.ok(filling.isFilling(partition, 5), "nothing was said of these");
});

Deno.test("readFilling() reads what writeFilling() wrote", () => {
  const gap: Gap = { sources: new Set([3, 5]), compared: new Set(["n2"]) };
  const state = {
    copies: new Map([["", 0], ["wide:", 5]]),
    isAll: true,
    gaps: new Map([[65_536 * 5 + 7, gap]]),
  };
  assert.deepEqual(readFilling(writeFilling(state)), state);
});
