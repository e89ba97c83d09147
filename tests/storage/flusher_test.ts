import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import type { DiskKey } from "../../src/ports/disk.ts";
import { openStorage, type Storage } from "../../src/storage/storage.ts";
import { DenamoError } from "../../src/wire/errors.ts";
import { DiskImage, type DiskOperation } from "../sim/memory_disk.ts";
import { flushed, Gate, textCodec, turns } from "./fixtures.ts";

function put(storage: Storage<string>, key: string, object?: string): Promise<void> {
  return storage.commit([{ partition: 7, key: utf8(key), object }]);
}

/** Tells the steps of flushing from the commits to the journal. */
function isFlush(operation: DiskOperation): boolean {
  return operation.kind === "commit" &&
    operation.batch.some(({ key, value }) => key[0] !== "j" || value === undefined);
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

Deno.test("what stands longest in the journal becomes records, and overwritten versions never do", async () => {
  const image = new DiskImage();
  const storage = await openStorage(image.open(), textCodec, { journalCount: 4 });
  assert.equal(await storage.get(7, utf8("alice")), undefined);
  for (const object of ["1", "2", "3"]) await put(storage, "alice", object);
  assert.equal(storage.stats().cachedCount, 0, "an object is kept once");
  await put(storage, "bob", "b");
  await turns();
  assert.equal(image.entries().filter(({ key }) => key[0] === "o").length, 0, "not due yet");
  await put(storage, "carol", "c");
  await turns();
  const { flushedCount, journalBatches, memoryTableCount, cachedCount } = storage.stats();
  assert.deepEqual({ flushedCount, journalBatches, memoryTableCount, cachedCount }, {
    flushedCount: 3,
    journalBatches: 0,
    memoryTableCount: 0,
    cachedCount: 3,
  });
  assert.equal(storage.peek(7, utf8("alice")), "3");
  await storage.close();
  assert.equal(image.size, 3);
});

Deno.test("a record of known size is written without a search for its surplus pieces", async () => {
  const removed: DiskKey[] = [];
  const storage = await openStorage(
    new DiskImage().open({
      before: (operation) => {
        if (operation.kind !== "commit") return;
        for (const { key, value } of operation.batch) if (value === undefined) removed.push(key);
      },
    }),
    textCodec,
    { journalCount: 3 },
  );
  assert.equal(await storage.get(7, utf8("alice")), undefined);
  for (const object of ["1", "2", "3", "4"]) await put(storage, "alice", object);
  await turns();
  assert.equal(storage.stats().flushedCount, 1);
  assert.deepEqual(removed.map(([table]) => table), ["j", "j", "j", "j"]);
  await storage.close();
});

Deno.test("a key that changes all the time is not flushed at all", async () => {
  const storage = await openStorage(new DiskImage().open(), textCodec, {
    journalCount: 4,
    flushChanges: 1,
  });
  for (let i = 0; i < 50; i++) await put(storage, "alice", `${i}`);
  await turns();
  const { flushedCount, journalBatches } = storage.stats();
  assert.deepEqual({ flushedCount, journalBatches }, { flushedCount: 0, journalBatches: 4 });
  await storage.close();
});

Deno.test("a step of flushing makes few changes, and a commit comes after one of them", async () => {
  const kinds: string[] = [];
  const changeCounts: number[] = [];
  const storage = await openStorage(
    new DiskImage().open({
      before: (operation) => {
        if (operation.kind !== "commit") return;
        kinds.push(isFlush(operation) ? "flush" : "commit");
        if (isFlush(operation)) changeCounts.push(operation.batch.length);
      },
    }),
    textCodec,
    { journalBytes: 30_000, flushChanges: 10 },
  );
  const keys = Array.from({ length: 100 }, (_, i) => `k${i}`);
  await Promise.all(keys.map((key) => storage.get(7, utf8(key))));
  const writers = keys.map(async (key) => {
    for (let round = 0; round < 4; round++) await put(storage, key, `${round}`);
  });
  await Promise.all(writers);
  assert.ok(Math.max(...changeCounts) <= 10);
  assert.deepEqual(kinds.slice(0, 7), [
    "commit",
    "flush",
    "commit",
    "flush",
    "commit",
    "flush",
    "commit",
  ]);
  await storage.close();
});

Deno.test("a step of flushing is bounded in bytes, and an object larger than it goes alone", async () => {
  const sizes: number[] = [];
  const storage = await openStorage(
    new DiskImage().open({
      before: (operation) => {
        if (operation.kind === "commit" && isFlush(operation)) {
          sizes.push(operation.batch.reduce((sum, { value }) => sum + (value?.length ?? 0), 0));
        }
      },
    }),
    textCodec,
    { journalCount: 1 },
  );
  // The large one does not fit the first entry of the journal.
  await Promise.all([
    ...["a", "b", "c", "d", "e"].map((key) => put(storage, key, "x".repeat(100_000))),
    put(storage, "large", "x".repeat(700_000)),
  ]);
  await turns();
  assert.deepEqual(sizes.map((size) => Math.round(size / 1000)), [200, 200, 100]);
  assert.equal(storage.stats().journalBatches, 1);
  await put(storage, "small", "x");
  await turns();
  assert.deepEqual(sizes.slice(3).map((size) => Math.round(size / 1000)), [700, 0]);
  await storage.close();
});

Deno.test("a step that fails loses nothing and is taken again after ever more commits", async () => {
  const image = new DiskImage();
  const kinds: string[] = [];
  let isBroken = true;
  const warnings: string[] = [];
  const storage = await openStorage(
    image.open({
      before: (operation) => {
        if (operation.kind === "commit") kinds.push(isFlush(operation) ? "f" : "c");
        if (isBroken && isFlush(operation)) throw new Error("bad sector");
      },
    }),
    textCodec,
    { journalCount: 20, log: { ...silent, warn: (message) => warnings.push(message) } },
  );
  for (let i = 0; i < 36; i++) await put(storage, `k${i}`, `${i}`);
  await turns();
  assert.equal(
    kinds.join(""),
    "c".repeat(21) + "f" + "cc" + "f" + "cccc" + "f" + "cccccccc" + "f" + "c",
  );
  assert.equal(storage.stats().failedFlushCount, 4);
  assert.deepEqual(new Set(warnings), new Set(["The journal could not be flushed: bad sector"]));
  assert.equal(storage.peek(7, utf8("k0")), "0");
  const crashed = await openStorage(image.copy().open(), textCodec);
  assert.equal(await crashed.get(7, utf8("k0")), "0");
  isBroken = false;
  for (let i = 0; i < 16; i++) await put(storage, `again${i}`, "x");
  await turns();
  assert.ok(storage.stats().journalBatches <= 20, "it is flushed after 16 commits");
  isBroken = true;
  kinds.length = 0;
  for (let i = 0; !kinds.join("").includes("fccf"); i++) {
    assert.ok(i < 100, "patience begins anew");
    await put(storage, `more${i}`, "x");
  }
  assert.equal(await storage.get(7, utf8("k35")), "35");
  await storage.close();
});

Deno.test("when the journal cannot be flushed at twice its bound, commits fail until it can", async () => {
  const image = new DiskImage();
  let isBroken = true;
  const storage = await openStorage(
    image.open({
      before: (operation) => {
        if (isBroken && isFlush(operation)) throw new Error("bad sector");
      },
    }),
    textCodec,
    { journalCount: 4 },
  );
  for (let i = 0; i < 9; i++) await put(storage, `k${i}`, "x");
  await assert.rejects(
    put(storage, "one more", "x"),
    (error) =>
      error instanceof DenamoError && error.code === "disk_failed" &&
      error.message === "A commit of 1 changes failed: bad sector",
  );
  assert.equal(storage.stats().journalBatches, 9);
  isBroken = false;
  await put(storage, "one more", "x");
  assert.ok(storage.stats().journalBatches <= 8);
  assert.equal(storage.peek(7, utf8("one more")), "x");
  await storage.close();
});

Deno.test("a start goes on where a crash has interrupted flushing", async () => {
  const gate = new Gate(["commit"]);
  const image = new DiskImage();
  const disk = image.open(gate);
  const storage = await openStorage(disk, textCodec, { journalCount: 3, flushChanges: 4 });
  const objects = ["a", "b", "c", "d", "a", "e"];
  for (const [at, key] of objects.entries()) {
    const commit = put(storage, key, `${key}${at}`);
    for (let turn = 0; turn < 3; turn++) await turns();
    gate.waiting[0]!.end();
    await commit;
    await turns();
    if (gate.waiting.length > 0) break;
  }
  assert.ok(isFlush(gate.waiting[0]!.operation));
  disk.crash(1);
  const again = await openStorage(image.open(), textCodec, { journalBytes: 0 });
  assert.ok(again.stats().journalBatches > 0);
  assert.deepEqual(
    (await again.range({ partition: 7 }, 7, undefined, 10)).map(({ object }) => object),
    ["a0", "b1", "c2", "d3"],
  );
  await again.setMeta("start", undefined);
  await flushed(again);
  await again.close();
  assert.equal(image.size, 4);
});

Deno.test("an object from the journal that cannot be decoded is an error of its key alone", async () => {
  const image = new DiskImage();
  const storage = await openStorage(image.open(), textCodec);
  await Promise.all([put(storage, "alice", "!"), put(storage, "bob", "milk")]);
  await storage.close();
  const again = await openStorage(image.open(), textCodec);
  await assert.rejects(again.get(7, utf8("alice")), { name: "CorruptError" });
  const [alice, bob] = await again.range({ partition: 0 }, 9, undefined, 9);
  assert.equal(alice!.corrupt?.where, 'key "alice" of partition 7');
  assert.equal(bob!.object, "milk");
  assert.equal(again.stats().corruptCount, 2);
  await put(again, "alice", "bread");
  assert.equal(await again.get(7, utf8("alice")), "bread");
  await again.close();
});

Deno.test("a record that was cut in large pieces leaves none when a run with smaller ones writes it", async () => {
  const image = new DiskImage();
  const options = { journalBytes: 0, pieceBytes: 60_000 };
  const storage = await openStorage(image.open(), textCodec, options);
  await put(storage, "alice", "x".repeat(700_000));
  await flushed(storage);
  await storage.close();
  const kept = await openStorage(image.open(), textCodec);
  await kept.get(7, utf8("alice"));
  await put(kept, "alice", "y".repeat(500_000));
  await kept.close();
  const small = await openStorage(image.open(), textCodec, { journalBytes: 0, pieceBytes: 1000 });
  await small.setMeta("start", undefined);
  await flushed(small);
  assert.equal(await small.get(7, utf8("alice")), "y".repeat(500_000));
  assert.equal(image.size, 13);
  await put(small, "alice");
  await flushed(small);
  assert.equal(image.size, 0);
});
