import assert from "node:assert/strict";
import { MalformedError } from "../../src/base/malformed.ts";
import { encodeLayout } from "../../src/ring/layout_codec.ts";
import { CorruptError } from "../../src/wire/errors.ts";
import { DiskImage } from "../sim/memory_disk.ts";
import { VirtualTime } from "../sim/virtual_clock.ts";
import { layoutOf, LogBook, openLayouts } from "./layout_world.ts";

const FIRST = layoutOf(["n1", "n2"]);
const OTHER = layoutOf(["n1", "n2", "n3"]);

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

Deno.test("a node that holds a layout takes no other, whatever its version", async () => {
  const image = new DiskImage();
  const { store, storage, changes } = await openLayouts(image.open());
  await store.install(encodeLayout(FIRST));
  await store.install(encodeLayout(FIRST));
  await assert.rejects(store.install(encodeLayout(layoutOf(["n9"]))), { code: "layout_exists" });
  assert.deepEqual([store.held?.layout.id, changes.count], [FIRST.id, 1]);
  await storage.close();
  assert.equal((await openLayouts(image.open())).store.held?.layout.id, FIRST.id);
});

Deno.test("of two layouts at once the first is taken", async () => {
  const { store } = await openLayouts(new DiskImage().open());
  const [first, second] = await Promise.allSettled(
    [FIRST, OTHER].map((layout) => store.install(encodeLayout(layout))),
  );
  assert.deepEqual([first!.status, second!.status], ["fulfilled", "rejected"]);
  assert.equal(store.held?.layout.id, FIRST.id);
});

Deno.test("no rule makes a layout of a later version, so none is taken", async () => {
  const { store } = await openLayouts(new DiskImage().open());
  for (const version of [2, Number.MAX_SAFE_INTEGER]) {
    const encoded = encodeLayout(layoutOf(["n1"], 1, version));
    await assert.rejects(store.install(encoded), { code: "layout_refused", outcome: "no" });
  }
  assert.equal(store.held, undefined);
});

Deno.test("another layout is told to the operator, with both ids and the peer, once a minute", async () => {
  const log = new LogBook();
  const time = new VirtualTime();
  const { store } = await openLayouts(new DiskImage().open(), log, time.clock());
  store.report(OTHER.id, "peer-9");
  assert.equal(log.lines.length, 0, "a node without a layout has none to differ from");
  await store.install(encodeLayout(FIRST));
  for (let i = 0; i < 3; i++) store.report(OTHER.id, "peer-9");
  store.report(FIRST.id, "peer-2");
  assert.equal(log.lines.length, 1);
  for (const part of [OTHER.id, FIRST.id, "peer-9"]) assert.ok(log.lines[0]!.includes(part), part);
  await time.pass(60_000);
  store.report(OTHER.id, undefined);
  assert.equal(log.lines.length, 2);
});

Deno.test("promises are on the disk, the latest last, and not without end", async () => {
  const image = new DiskImage();
  const { store, storage } = await openLayouts(image.open());
  for (let i = 0; i < 20; i++) await store.keepPromise(`1-${i}`);
  await store.keepPromise("1-10");
  await storage.close();
  const { promised } = (await openLayouts(image.open())).store;
  assert.deepEqual([promised.length, promised[0], promised.at(-1)], [16, "1-4", "1-10"]);
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

Deno.test("a disk that fails leaves a node without a layout, and the next one is taken", async () => {
  let isBroken = false;
  const disk = new DiskImage().open({
    before: ({ kind }) => {
      if (isBroken && kind === "commit") throw new Error("out of order");
    },
  });
  const { store } = await openLayouts(disk);
  isBroken = true;
  await assert.rejects(store.install(encodeLayout(FIRST)), /out of order/);
  assert.equal(store.version, 0);
  isBroken = false;
  await store.install(encodeLayout(OTHER));
  assert.equal(store.held?.layout.id, OTHER.id);
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

Deno.test("the log tells which layout is in force", async () => {
  const told: string[] = [];
  const log = Object.assign(new LogBook(), { info: (message: string) => told.push(message) });
  const { store } = await openLayouts(new DiskImage().open(), log);
  await store.install(encodeLayout(FIRST));
  await store.install(encodeLayout(FIRST));
  assert.deepEqual(told, [`Layout ${FIRST.id} is in force`]);
});
