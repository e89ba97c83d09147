// What repair costs: `deno bench -A bench/repair_bench.ts`.
//
// Two nodes hold the same 100,000 keys but for a hundred, half of them at either side. Before the benches one
// comparison is made between them, over a network and on disks in memory, and what it took is printed: bytes
// by what was asked, counted as messages before they are encrypted, and the time of both nodes together, both
// of which run in this process; the pause between first and second sight passes in virtual time.

import { utf8 } from "../src/base/bytes.ts";
import { DataObject } from "../src/crdt/data_object.ts";
import { HashTrees } from "../src/replica/hash_trees.ts";
import { decodeMessage, METHODS } from "../src/wire/message_codec.ts";
import { RepairWorld } from "../tests/replica/repair_world.ts";

const KEY_COUNT = 100_000;
const DIFFERING_COUNT = 100;
const VALUE_BYTES = 100;
const PARTITIONS = 1024;

const world = await RepairWorld.of({ names: ["n1", "n2"], partitions: PARTITIONS });
const value = { kind: "bytes", bytes: new Uint8Array(VALUE_BYTES) } as const;
const keys = Array.from({ length: KEY_COUNT }, (_, i) => {
  const name = `user:${i.toString().padStart(12, "0")}`;
  return { name, key: utf8(name), partition: world.partitionOf(name) };
});

/** The i-th key after so many writes. */
function objectAt(i: number, writes: number): DataObject {
  let object = DataObject.empty;
  for (let write = 0; write < writes; write++) {
    const dot = { actor: "n1~AAAAAAAAAAA", time: i + 1 + KEY_COUNT * write };
    object = object.write(dot, value, undefined, undefined);
  }
  return object;
}

async function fill(name: string, isNewer: (i: number) => boolean): Promise<void> {
  const { replica } = world.node(name);
  for (let from = 0; from < KEY_COUNT; from += 5_000) {
    const some = keys.slice(from, from + 5_000);
    await Promise.all(some.map(({ key, partition }, at) => {
      const i = from + at;
      return replica.merge(partition, key, objectAt(i, isNewer(i) ? 2 : 1));
    }));
  }
}

const EVERY = KEY_COUNT / DIFFERING_COUNT;
await fill("n1", (i) => i % (2 * EVERY) === 0);
await fill("n2", (i) => i % (2 * EVERY) === EVERY);
for (const name of ["n1", "n2"]) await world.flush(name);

/** The messages of a comparison, by what was asked. */
const sent = new Map<string, { count: number; bytes: number }>();
const methods = new Map(Object.entries(METHODS).map(([name, method]) => [method as number, name]));
const open = new Map<number, string>();
world.tap = (_from, _to, bytes) => {
  const message = decodeMessage(bytes);
  if (message.kind === "request") open.set(message.id, methods.get(message.method)!);
  const method = open.get(message.id)!;
  const { bytes: before, count } = sent.get(method) ?? { bytes: 0, count: 0 };
  sent.set(method, { count: count + 1, bytes: before + bytes.length });
};

async function compare() {
  const beganAtMs = performance.now();
  const comparison = await world.settle(world.node("n1").antiEntropy.compareWith("n2"));
  return { ...comparison, tookMs: Math.round(performance.now() - beganAtMs) };
}

async function timeOf(what: () => unknown): Promise<string> {
  const beganAtMs = performance.now();
  await what();
  return `${Math.round(performance.now() - beganAtMs)} ms`;
}

const treesOf = (name: string) => world.node(name).replica.trees;
console.log(`${KEY_COUNT} keys in ${PARTITIONS} partitions, ${DIFFERING_COUNT} of them differ`);
for (const name of ["n1", "n2"]) {
  console.log(`trees of ${name} built in ${await timeOf(() => treesOf(name).get(0, 0))}`);
}
const { differing, repaired, tookMs } = await compare();
console.log(`${repaired} keys repaired in ${differing.length} partitions, ${tookMs} ms`);
let findingBytes = 0;
for (const [method, { bytes, count }] of sent) {
  console.log(`  ${method}: ${count} messages, ${bytes} bytes`);
  if (["roots", "leaves", "entries"].includes(method)) findingBytes += bytes;
}
console.log(`${findingBytes} bytes to find them, limit 100000`);
if (repaired !== DIFFERING_COUNT) throw new Error(`${repaired} keys were repaired`);
if (findingBytes >= 100_000) throw new Error("Finding them took too many bytes");

const empty = new HashTrees(() => Promise.resolve([]), () => 0);
await empty.get(0, 0);
const { key, partition } = keys[1]!;
const [one, two] = [objectAt(1, 1), objectAt(1, 2)];
let isTwo = false;
let written = 0;

/** An object that nobody has encoded or hashed yet. */
function next(): DataObject {
  return DataObject.empty.write({ actor: "n1~A", time: ++written }, value, undefined, undefined);
}

Deno.bench({
  name: "changed(), of objects that have been hashed",
  group: "write",
  baseline: true,
  fn() {
    empty.changed(partition, key, isTwo ? two : one, isTwo ? one : two);
    isTwo = !isTwo;
  },
});

Deno.bench({
  name: "changed(), to an object that is made, encoded and hashed for it",
  group: "write",
  fn() {
    const object = next();
    object.encoded();
    empty.changed(partition, key, one, object);
  },
});

Deno.bench({
  name: "the same without changed(): as every write makes and encodes its object",
  group: "write",
  fn() {
    next().encoded();
  },
});

Deno.bench({
  name: "comparison of copies that are the same, both sides",
  group: "compare",
  async fn() {
    await compare();
  },
});

Deno.bench({
  name: `trees of ${KEY_COUNT} keys, built`,
  group: "build",
  n: 3,
  warmup: 0,
  async fn() {
    const { namespaces, replica } = world.node("n1");
    const trees = new HashTrees(
      (from, until, limit) => replica.scan(from, until, undefined, limit),
      (key) => namespaces.copiesOf(key),
    );
    await trees.get(0, 0);
  },
});
