import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { sendObject } from "../../src/coordinator/send_object.ts";
import type { DataObject } from "../../src/crdt/data_object.ts";
import type { DenamoError } from "../../src/wire/errors.ts";
import { RepairWorld } from "../replica/repair_world.ts";

const KEY = "cart:alice";

async function worldOf() {
  const world = await RepairWorld.of({ names: ["n1", "n2", "n3", "n4"] });
  const [self, second, third] = world.ownersOf(KEY) as [string, string, string];
  return { world, self, second, third, other: world.othersOf(KEY)[0]! };
}

/** Adds elements to the set of the key, at its coordinator alone. */
async function add(world: RepairWorld, name: string, elements: readonly string[]) {
  const operation = { kind: "add", elements: elements.map((text) => utf8(text)) } as const;
  const change = (held: DataObject, nextDot: (above: number) => { actor: string; time: number }) =>
    held.update(nextDot(held.latestTime()), { type: "set", operation });
  const written = await world.node(name).replica.coordinate(
    world.partitionOf(KEY),
    utf8(KEY),
    undefined,
    change,
  );
  await world.settle(written.durable);
  return written;
}

/** Sends what was written; the answer of each peer, in order, undefined for stored. */
async function send(
  world: RepairWorld,
  from: string,
  peers: readonly string[],
  { before, object }: { before: DataObject; object: DataObject },
  standsInFor: readonly string[] = [],
) {
  const answers = new Map<string, DenamoError | undefined>();
  const done = Promise.withResolvers<void>();
  const sent = {
    partition: world.partitionOf(KEY),
    key: utf8(KEY),
    before,
    object,
    timeoutMs: 1_000,
  };
  sendObject(world.node(from).cluster, peers, sent, standsInFor, (peer, error) => {
    answers.set(peer, error);
    if (answers.size === peers.length) done.resolve();
  });
  await world.settle(done.promise);
  return peers.map((peer) => answers.get(peer)?.code);
}

const MANY = Array.from({ length: 1_000 }, (_, i) => `element ${i}`);

Deno.test("one more element of a large set travels alone", async () => {
  const { world, self, second, third } = await worldOf();
  const first = await add(world, self, MANY);
  assert.deepEqual(await send(world, self, [second, third], first), [undefined, undefined]);
  let bytes = 0;
  world.tap = (from, _to, message) => void (bytes += from === self ? message.length : 0);
  const later = await add(world, self, ["one more"]);
  assert.deepEqual(await send(world, self, [second, third], later), [undefined, undefined]);
  assert.ok(bytes < 500, `${bytes} bytes to two peers`);
  for (const name of [second, third]) {
    assert.deepEqual((await world.read(name, KEY)).encoded(), later.object.encoded());
  }
});

Deno.test("who has missed something is sent the whole", async () => {
  const { world, self, second, third } = await worldOf();
  const first = await add(world, self, MANY);
  await send(world, self, [second], first);
  const later = await add(world, self, ["one more"]);
  assert.deepEqual(await send(world, self, [second, third], later), [undefined, undefined]);
  assert.deepEqual(world.node(second).asked, ["store", "storeDelta"]);
  assert.deepEqual(world.node(third).asked, ["storeDelta", "store"]);
  assert.deepEqual((await world.read(third, KEY)).encoded(), later.object.encoded());
});

Deno.test("who stands in for an owner keeps changes too", async () => {
  const { world, self, third, other } = await worldOf();
  const first = await add(world, self, MANY);
  assert.deepEqual(await send(world, self, [other], first, [third]), [undefined]);
  const later = await add(world, self, ["one more"]);
  assert.deepEqual(await send(world, self, [other], later, [third]), [undefined]);
  assert.deepEqual(world.node(other).asked, ["store", "storeDelta"]);
  const [kept] = [...world.node(other).handOff.kept()];
  assert.ok(kept!.lacking.includes(third) && kept!.bytes > 1_000);
  assert.deepEqual((await world.read(other, KEY)).encoded(), later.object.encoded());
});

Deno.test("a refusal of the whole is told", async () => {
  const { world, self, other } = await worldOf();
  const first = await add(world, self, MANY);
  const later = await add(world, self, ["one more"]);
  assert.deepEqual(await send(world, self, [other], first), ["wrong_layout"]);
  assert.deepEqual(await send(world, self, [other], later), ["wrong_layout"]);
});
