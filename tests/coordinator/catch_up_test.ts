import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import type { VersionVector } from "../../src/causality/version_vector.ts";
import { Reads } from "../../src/coordinator/reads.ts";
import { RepairWorld, textsOf } from "../replica/repair_world.ts";

const KEY = "cart:alice";
const TIMEOUT_MS = 2_000;

interface HowToRead {
  readonly atLeast: VersionVector;
  readonly isStrict?: boolean;
}

async function fiveNodes() {
  const world = await RepairWorld.of({ names: ["n1", "n2", "n3", "n4", "n5"] });
  const [self, second, third] = world.ownersOf(KEY) as [string, string, string];
  const [fallback, other] = world.othersOf(KEY) as [string, string];
  return { world, self, second, third, fallback, other };
}

/** Begins a read of one owner as its coordinator does. */
function begin(world: RepairWorld, name: string, { atLeast, isStrict = false }: HowToRead) {
  const { cluster, deadlines, log, namespaces, replica } = world.node(name);
  const reads = new Reads(cluster, replica, deadlines, log);
  const key = utf8(KEY);
  const namespace = namespaces.of(key);
  const partition = world.partitionOf(KEY);
  return reads.read({
    key,
    partition,
    namespace,
    r: 1,
    isStrict,
    timeoutMs: TIMEOUT_MS,
    atLeast,
  });
}

async function read(world: RepairWorld, name: string, how: HowToRead) {
  return textsOf((await world.settle(begin(world, name, how))).object);
}

Deno.test("a read that must have seen a write asks further until it is found, and brings it home", async () => {
  const { world, self, third } = await fiveNodes();
  const { texts } = await written(world, third, "milk");
  assert.deepEqual(texts, ["milk"]);
  const atLeast = (await world.read(third, KEY)).vector();
  assert.deepEqual(await read(world, self, { atLeast: new Map() }), [], "one owner is enough");
  assert.deepEqual(await read(world, self, { atLeast }), ["milk"]);
  await world.time.pass(100);
  assert.deepEqual(await world.textsOf(self, KEY), ["milk"], "the own copy has learned it");
});

Deno.test("a read that has found enough asks nobody else", async () => {
  const { world, self, second, third } = await fiveNodes();
  const { vector } = await written(world, self, "milk");
  await written(world, third, "bread");
  assert.deepEqual(await read(world, self, { atLeast: vector }), ["milk"]);
  assert.deepEqual([...world.node(second).asked, ...world.node(third).asked], []);
});

Deno.test("what several nodes have seen together is enough", async () => {
  const { world, self, second, third } = await fiveNodes();
  const milk = await written(world, second, "milk");
  const bread = await written(world, third, "bread");
  const atLeast = new Map([...milk.vector, ...bread.vector]);
  assert.deepEqual(await read(world, self, { atLeast }), ["bread", "milk"]);
});

Deno.test("a node that stands in is asked as well, unless the read is strict", async () => {
  const { world, self, fallback } = await fiveNodes();
  const { vector: atLeast } = await written(world, fallback, "milk");
  await assert.rejects(read(world, self, { atLeast, isStrict: true }), { code: "stale" });
  assert.deepEqual(await read(world, self, { atLeast }), ["milk"]);
});

Deno.test("who may stand in is asked as soon as all owners have answered in vain", async () => {
  const { world, self, second, third, fallback } = await fiveNodes();
  const { vector: atLeast } = await written(world, fallback, "milk");
  const beganAtMs = world.time.nowMs;
  await read(world, self, { atLeast });
  assert.ok(world.time.nowMs - beganAtMs < 20, "before the first pause is over");
  for (const owner of [second, third]) {
    assert.equal(world.node(owner).asked.filter((method) => method === "read").length, 1);
  }
});

Deno.test("an owner that is filling its copy is asked as well", async () => {
  const { world, self, third } = await fiveNodes();
  const { vector: atLeast } = await written(world, third, "milk");
  world.node(third).filling.begin("a test says so");
  assert.ok(world.node(third).filling.isFilling(world.partitionOf(KEY)));
  assert.deepEqual(await read(world, self, { atLeast, isStrict: true }), ["milk"]);
});

Deno.test("the same nodes are asked again, since one of them may be catching up", async () => {
  const { world, self, second, fallback } = await fiveNodes();
  const object = await world.write(fallback, KEY, "milk");
  world.disconnect(self, fallback);
  const reading = begin(world, self, { atLeast: object.vector() });
  await world.time.pass(200);
  assert.ok(world.node(second).asked.length > 1);
  await world.give(second, KEY, object);
  assert.deepEqual(textsOf((await world.settle(reading)).object), ["milk"]);
});

Deno.test("what comes to the own copy meanwhile is found without asking anybody", async () => {
  const { world, self, second, third, fallback, other } = await fiveNodes();
  const object = await world.write(fallback, KEY, "milk");
  for (const name of [second, third, fallback, other]) world.disconnect(self, name);
  const reading = begin(world, self, { atLeast: object.vector() });
  await world.time.pass(200);
  await world.give(self, KEY, object);
  assert.deepEqual(textsOf((await world.settle(reading)).object), ["milk"]);
});

Deno.test("a read that finds nobody who has seen enough fails before its time is over", async () => {
  const { world, self, second } = await fiveNodes();
  const beganAtMs = world.time.nowMs;
  const nowhere = new Map([["n9~lost", 7]]);
  await assert.rejects(read(world, self, { atLeast: nowhere }), { code: "stale", outcome: "no" });
  const tookMs = world.time.nowMs - beganAtMs;
  assert.ok(tookMs > TIMEOUT_MS / 2 && tookMs < TIMEOUT_MS, `it took ${tookMs} ms`);
  const { length } = world.node(second).asked;
  assert.ok(length >= 4 && length <= 12, `${length} questions`);
  await world.time.pass(TIMEOUT_MS);
  assert.equal(world.node(second).asked.length, length, "nobody is asked any more");
  assert.equal(world.node(self).rpc.openCount, 0);
});

Deno.test("a node that does not answer is not asked again, and holds nobody up", async () => {
  const { world, self, second, third } = await fiveNodes();
  const { vector: atLeast } = await written(world, third, "milk");
  world.trouble(second).serving = () => new Promise<void>(() => {});
  const nowhere = new Map([["n9~lost", 7]]);
  await assert.rejects(read(world, self, { atLeast: nowhere }), { code: "stale" });
  assert.equal(world.node(second).asked.length, 1);
  assert.deepEqual(await read(world, self, { atLeast }), ["milk"]);
});

async function written(world: RepairWorld, name: string, text: string) {
  const object = await world.write(name, KEY, text);
  return { texts: await world.textsOf(name, KEY), vector: object.vector() };
}
