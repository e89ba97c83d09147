// The keys that contexts are sealed with, in whole nodes and virtual time.

import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { contextOf } from "../../src/causality/context.ts";
import { sealContext } from "../../src/causality/context_token.ts";
import { MAX_TIME } from "../../src/causality/dot.ts";
import { SealKey, SealKeys } from "../../src/causality/seal_key.ts";
import { zstd } from "../../src/host/zstd.ts";
import { SealKeyStore } from "../../src/node/seal_key_store.ts";
import { storedObjects } from "../../src/replica/stored_objects.ts";
import { openStorage } from "../../src/storage/storage.ts";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { DiskImage } from "../sim/memory_disk.ts";
import { ManualTime } from "../membership/manual_clock.ts";
import { LogBook } from "./layout_world.ts";
import { NodeWorld } from "./node_world.ts";

const KEY = utf8("cart");
const SECONDS = 1_000;

function text(value: string) {
  return { kind: "text", bytes: utf8(value) } as const;
}

/** Puts with the context that each node gives, through each other one. */
async function checkTokens(world: NodeWorld): Promise<void> {
  for (const giver of world.names) {
    for (const taker of world.names) {
      const read = await world.ended(world.node(giver).get(KEY));
      const context = read.context();
      const value = text(`${giver} ${taker}`);
      const written = await world.ended(
        world.node(taker).put(KEY, value, { context, w: "all" }),
      );
      assert.equal(written.siblings, 1, `${giver} has given it, ${taker} takes it`);
      const atLeast = written.atLeast();
      assert.ok((await world.ended(world.node(giver).get(KEY, { atLeast }))).exists);
    }
  }
}

/** Makes a disk one of a cluster that is older than seals. */
async function forgetKeys(world: NodeWorld, name: string): Promise<void> {
  const disk = world.image(name).open();
  const storage = await openStorage(disk, storedObjects(), { compressor: zstd });
  assert.ok(await world.ended(storage.getMeta("seal-keys")) !== undefined);
  await world.ended(storage.setMeta("seal-keys", undefined));
  await world.ended(storage.close());
}

Deno.test("what one node has sealed is good at all as soon as the cluster is ready, and after restarts", async () => {
  await using world = await NodeWorld.of(3);
  await checkTokens(world);
  const context = (await world.ended(world.node("n2").get(KEY))).context();
  for (const name of world.names) await world.stop(name);
  for (const name of world.names) await world.start(name);
  await world.whenReady();
  await world.ended(world.node("n3").put(KEY, text("later"), { context }));
  await checkTokens(world);
});

Deno.test("a node on an empty disk has the key before it has the layout", async () => {
  await using world = await NodeWorld.of(3);
  await world.stop("n2");
  world.loseDisk("n2");
  const context = (await world.ended(world.node("n1").get(KEY))).context();
  await world.start("n2");
  const n2 = world.node("n2");
  await world.time.until(() => n2.ring() !== undefined, "n2 to have the layout");
  await world.ended(n2.put(KEY, text("milk"), { context, w: 1 }));
  await world.whenReady();
  await checkTokens(world);
});

Deno.test("a cluster that is older than seals makes itself one key, and is ready when all have it", async () => {
  await using world = await NodeWorld.of(3);
  await world.ended(world.node("n1").put(KEY, text("old")));
  for (const name of world.names) await world.stop(name);
  for (const name of world.names) await forgetKeys(world, name);
  for (const name of world.names) await world.start(name);
  await world.whenReady();
  assert.ok(world.time.nowMs < 60 * SECONDS);
  await checkTokens(world);
});

Deno.test("when its first member is gone for good, the next one makes the key", async () => {
  await using world = await NodeWorld.of(3);
  for (const name of world.names) await world.stop(name);
  for (const name of world.names) await forgetKeys(world, name);
  for (const name of ["n2", "n3"]) await world.start(name);
  await world.time.until(
    () => ["n2", "n3"].every((name) => world.node(name).status().isReady),
    "both to be ready",
  );
  await world.time.pass(10 * SECONDS);
  const context = (await world.ended(world.node("n2").get(KEY))).context();
  await world.ended(world.node("n3").put(KEY, text("milk"), { context }));
  await world.start("n1");
  await world.whenReady();
  await world.time.pass(2 * SECONDS);
  await checkTokens(world);
});

Deno.test("two halves that have each made a key take both, and what either has sealed stays good", async () => {
  await using world = await NodeWorld.of(4, { defaults: { r: 1, w: 1, timeoutMs: 5_000 } });
  for (const name of world.names) await world.stop(name);
  for (const name of world.names) await forgetKeys(world, name);
  const across = ["n1", "n2"].flatMap((a) => ["n3", "n4"].map((b) => [a, b] as const));
  for (const [a, b] of across) world.cut(a, b);
  for (const name of world.names) await world.start(name);
  await world.time.pass(20 * SECONDS);
  const give = async (name: string) => (await world.ended(world.node(name).get(KEY))).context();
  const contexts = [await give("n2"), await give("n3")];
  for (const [a, b] of across) world.heal(a, b);
  await world.whenReady();
  await world.time.pass(5 * SECONDS);
  for (const context of contexts) {
    for (const name of world.names) {
      await world.ended(world.node(name).put(KEY, text(name), { context }));
    }
  }
  await checkTokens(world);
});

Deno.test("what the cluster has not sealed is refused with no effect, whatever it says", async () => {
  await using world = await NodeWorld.of(3);
  await world.put("n1", "cart", "milk");
  const forged = sealContext(
    KEY,
    contextOf(new Map([["n1~AAAAAAAAAAA", MAX_TIME]])),
    new SealKey("n1", new Uint8Array(32)),
  );
  const unsealed = "ASEIlSQelG_eAQ56en5BQUFBQUFBQUFBQYCAgIDw__8PSzxboQ";
  for (const name of world.names) {
    const node = world.node(name);
    for (const context of [forged, unsealed, "nonsense", "", "x".repeat(8_193)]) {
      const refused = { code: "bad_context", outcome: "no" };
      await assert.rejects(world.ended(node.put(KEY, text("forged"), { context })), refused);
      await assert.rejects(world.ended(node.delete(KEY, { context })), refused);
      await assert.rejects(world.ended(node.get(KEY, { atLeast: context })), refused);
      const operation = { kind: "add", amount: 1, id: undefined } as const;
      const operations = [{ type: "counter", operation }] as const;
      await assert.rejects(world.ended(node.update(KEY, operations, { context })), refused);
    }
    const { siblings } = await world.ended(node.get(KEY, { r: "all" }));
    assert.deepEqual(siblings, [text("milk")]);
  }
});

/** A store on a disk of its own. */
async function openStore(
  image: DiskImage,
  self = "n1",
  members: readonly string[] = [],
  others: readonly { node: string; sealKeys?: string }[] = [],
) {
  const time = new ManualTime();
  const storage = await openStorage(image.open(), storedObjects(), {});
  const told: (string | undefined)[] = [];
  const log = new LogBook();
  const random = new SeededRandom(self);
  const changed = () => void told.push(store.digest);
  const store: SealKeyStore = new SealKeyStore({
    self,
    storage,
    clock: time.clock(),
    random,
    log,
    layout: () => ({ members: members.map((node) => ({ node })) }),
    members: () => others.map((heartbeat) => ({ ...heartbeat, state: "up", heartbeat })),
    changed,
  });
  await store.load();
  return { store, storage, told, time };
}

Deno.test("keys are told when they are on the disk, and a damaged record is an error, not a new key", async () => {
  const image = new DiskImage();
  const { store, storage, told } = await openStore(image);
  const own = store.sealing;
  assert.equal(store.digest, undefined, "what it seals with meanwhile it tells nobody");
  await store.make();
  assert.deepEqual(told, [store.digest]);
  assert.notEqual(store.sealing.id, own.id);
  assert.equal(store.find(own.id), own, "and takes it as long as it runs");
  await store.make();
  assert.equal(told.length, 1);
  const reopened = await openStore(image);
  assert.equal(reopened.store.digest, store.digest);
  assert.equal(reopened.store.find(own.id), undefined);
  await storage.setMeta("seal-keys", new Uint8Array([1, 9]));
  await assert.rejects(openStore(image), { code: "corrupt" });
});

Deno.test("a key is made by the first member by name, when all that are up have none", async () => {
  const [n1, n3] = [{ node: "n1" }, { node: "n3" }];
  const digestOf = async (
    self: string,
    up: { node: string; sealKeys?: string }[],
    uptimeMs = 0,
    members = ["n1", "n2", "n3"],
  ) => {
    const { store, time } = await openStore(new DiskImage(), self, members, up);
    time.run(uptimeMs);
    await store.makeIfDue();
    return store.digest;
  };
  assert.ok(await digestOf("n1", [], 0, ["n1"]) !== undefined, "it is its cluster");
  assert.ok(await digestOf("n1", [{ node: "n2" }, n3]) !== undefined);
  assert.equal(await digestOf("n2", [n1, n3]), undefined, "n1 is before it");
  assert.equal(await digestOf("n1", [n3]), undefined, "n2 may have one");
  assert.ok(await digestOf("n1", [n3], 5_000) !== undefined, "n2 does not come");
  assert.ok(await digestOf("n2", [n3], 5_000) !== undefined, "nor does n1");
  assert.equal(await digestOf("n1", [{ node: "n2", sealKeys: "ab" }, n3]), undefined);
  assert.equal(await digestOf("n0", [n1, { node: "n2" }, n3]), undefined, "it is no member");
});

Deno.test("a peer that has nothing more to give is not asked again", async () => {
  const { store } = await openStore(new DiskImage());
  await store.make();
  let asked = 0;
  const keys = SealKeys.of(new SealKey("n1", new Uint8Array(32).fill(9)));
  const rpc = { call: () => Promise.resolve([keys.encoded()]).finally(() => asked++) };
  const digest = keys.digest!;
  assert.ok(store.differsFrom("peer-2", digest));
  assert.ok(!store.differsFrom("peer-2", undefined) && !store.differsFrom("peer-2", store.digest));
  const before = store.digest;
  await store.fetchFrom("peer-2", digest, rpc as never);
  assert.deepEqual([store.digest, asked], [before, 1], "n1 has a key already");
  assert.ok(!store.differsFrom("peer-2", digest));
  await store.take(SealKeys.of(new SealKey("n3", new Uint8Array(32).fill(3))).encoded());
  assert.notEqual(store.digest, before);
  assert.ok(store.differsFrom("peer-2", digest), "it is asked again when something has changed");
});
