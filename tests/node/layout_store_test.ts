import assert from "node:assert/strict";
import { MalformedError } from "../../src/base/malformed.ts";
import { encodeLayout } from "../../src/ring/layout_codec.ts";
import { CorruptError } from "../../src/wire/errors.ts";
import { METHODS } from "../../src/wire/message_codec.ts";
import { DiskImage } from "../sim/memory_disk.ts";
import { layoutOf, LayoutWorld, LogBook, openLayouts } from "./layout_world.ts";

const FIRST = layoutOf(["n1", "n2"]);
const SECOND = layoutOf(["n1", "n2", "n3"], 3, 2);

Deno.test("install() puts a layout in force, and load() finds it at the next start", async () => {
  const image = new DiskImage();
  const { store, storage, changes } = await openLayouts(image.open());
  assert.deepEqual([store.held, store.version], [undefined, 0]);

  await store.install(encodeLayout(FIRST));
  assert.deepEqual(store.held?.layout, FIRST);
  assert.deepEqual([store.version, changes.count], [1, 1]);
  assert.equal(store.held?.placement.ownersFor(7, undefined).length, 2);
  await storage.close();

  const again = await openLayouts(image.open());
  assert.deepEqual(again.store.held?.layout, FIRST);
  assert.equal(again.changes.count, 0, "nothing has changed for others");
});

Deno.test("install() takes newer layouts only, in whatever order they come", async () => {
  const image = new DiskImage();
  const { store, storage, changes } = await openLayouts(image.open());
  const all = [FIRST, SECOND, FIRST].map((layout) => store.install(encodeLayout(layout)));
  await Promise.all(all);
  assert.deepEqual([store.held?.layout.id, changes.count], [SECOND.id, 2]);
  await store.install(encodeLayout(layoutOf(["n9"], 1, 2)));
  assert.equal(store.held?.layout.id, SECOND.id, "another layout of the same version is not newer");
  await storage.close();
  assert.equal((await openLayouts(image.open())).store.held?.layout.id, SECOND.id);
});

Deno.test("install() keeps its own copy of the bytes", async () => {
  const { store } = await openLayouts(new DiskImage().open());
  const message = encodeLayout(FIRST);
  const installed = store.install(message);
  message.fill(255);
  await installed;
  assert.deepEqual(store.held?.encoded, encodeLayout(FIRST));
});

Deno.test("a layout is on the disk before it is in force", async () => {
  const image = new DiskImage();
  const gate = Promise.withResolvers<void>();
  let hasStarted = false;
  const disk = image.open({
    before: ({ kind }) => hasStarted && kind === "commit" ? gate.promise : undefined,
  });
  const { store, changes } = await openLayouts(disk);
  hasStarted = true;
  const installed = store.install(encodeLayout(FIRST));
  for (let turn = 0; turn < 100; turn++) await undefined;
  assert.deepEqual([store.held, changes.count], [undefined, 0]);
  gate.resolve();
  await installed;
  assert.equal(store.version, 1);
});

Deno.test("a disk that fails leaves the layout in force as it was, and the next one is taken", async () => {
  let isBroken = false;
  const disk = new DiskImage().open({
    before: ({ kind }) => {
      if (isBroken && kind === "commit") throw new Error("out of order");
    },
  });
  const { store } = await openLayouts(disk);
  await store.install(encodeLayout(FIRST));
  isBroken = true;
  await assert.rejects(store.install(encodeLayout(SECOND)), /out of order/);
  assert.equal(store.version, 1);
  isBroken = false;
  await store.install(encodeLayout(SECOND));
  assert.equal(store.version, 2);
});

Deno.test("install() rejects bytes that are no layout, and load() calls them corrupt", async () => {
  const image = new DiskImage();
  const { store, storage } = await openLayouts(image.open());
  let rejected: Promise<void> | undefined;
  // A caller that only handles the promise must not be thrown at.
  assert.doesNotThrow(() => rejected = store.install(new Uint8Array([1, 2, 3])));
  await assert.rejects(rejected!, MalformedError);
  assert.equal(store.held, undefined);

  await storage.setMeta("layout", new Uint8Array([1, 2, 3]));
  await storage.close();
  await assert.rejects(
    openLayouts(image.open()),
    (error) => error instanceof CorruptError && error.where === "the stored layout",
  );
});

Deno.test("fetchFrom() takes the layout of a peer, and asks once at a time", async () => {
  const world = await LayoutWorld.of("n1", "n2", "n3");
  const [n1, n2] = [world.node("n1"), world.node("n2")];
  await n2.store.install(encodeLayout(FIRST));
  let asked = 0;
  n2.rpc.serve(METHODS.fetchLayout, () => {
    asked++;
    return [n2.store.held!.encoded];
  });
  const both = [n1.store.fetchFrom("n2", n1.rpc), n1.store.fetchFrom("n2", n1.rpc)];
  await world.outcome(Promise.all(both));
  assert.deepEqual([n1.store.held?.layout.id, asked], [FIRST.id, 1]);
  await n2.store.install(encodeLayout(SECOND));
  await world.outcome(n1.store.fetchFrom("n2", n1.rpc));
  assert.deepEqual([n1.store.held?.layout.id, asked], [SECOND.id, 2]);
});

Deno.test("fetchFrom() reports in the log what goes wrong, and may be called again", async () => {
  const world = await LayoutWorld.of("n1", "n2");
  const [n1, n2] = [world.node("n1"), world.node("n2")];
  const fetch = () => world.outcome(n1.store.fetchFrom("n2", n1.rpc));
  assert.equal(await fetch(), undefined);
  assert.match(n1.log.lines.at(-1)!, /Cannot fetch the layout of a peer .*n2 has no layout/);

  for (const answer of [[new Uint8Array(3)], ["text"], []]) {
    n2.rpc.serve(METHODS.fetchLayout, () => answer);
    assert.equal(await fetch(), undefined);
    assert.match(n1.log.lines.at(-1)!, /Cannot fetch the layout of a peer .*[Ll]ayout/);
  }
  world.delayMs = () => Infinity;
  assert.equal(await fetch(), undefined);
  assert.match(n1.log.lines.at(-1)!, /took longer than/);
  assert.equal(n1.log.lines.length, 5);

  world.delayMs = () => 1;
  n2.rpc.serve(METHODS.fetchLayout, () => [encodeLayout(FIRST)]);
  await fetch();
  assert.equal(n1.store.version, 1);
});

Deno.test("the log tells which layout is in force", async () => {
  const told: string[] = [];
  const log = Object.assign(new LogBook(), { info: (message: string) => told.push(message) });
  const { store } = await openLayouts(new DiskImage().open(), log);
  await store.install(encodeLayout(FIRST));
  await store.install(encodeLayout(FIRST));
  assert.deepEqual(told, [`Layout ${FIRST.id} is in force`]);
});
