import assert from "node:assert/strict";
import { testDiskContract } from "../contracts/disk_contract.ts";
import { checkFullDisk } from "../contracts/full_disk_contract.ts";
import { DiskFullError } from "../../src/wire/errors.ts";
import { DiskImage, type MemoryDisk } from "./memory_disk.ts";

testDiskContract("MemoryDisk", () => {
  const image = new DiskImage();
  let latest: MemoryDisk | undefined;
  return Promise.resolve({
    open: () => Promise.resolve(latest = image.open()),
    openSetAside: (where) => Promise.resolve(image.setAsides.get(where)!.image.open()),
    reasonOf: (where) => Promise.resolve(image.setAsides.get(where)!.reason),
    takeAway: () => Promise.resolve(latest!.takeAway()),
    cleanUp: () => Promise.resolve(),
  });
});

Deno.test("MemoryDisk: a disk without room says so, serves reads, and goes on when there is room", async () => {
  const image = new DiskImage();
  let roomCount = 9;
  const disk = image.open({
    before: ({ kind }) => {
      if (kind === "commit" && image.size > roomCount) throw new DiskFullError("Cannot commit");
    },
    room: () => ({ freeBytes: roomCount, totalBytes: 10 }),
  });
  await checkFullDisk(disk, () => {
    roomCount = Infinity;
    return Promise.resolve();
  });
  assert.deepEqual(await disk.room(), { freeBytes: Infinity, totalBytes: 10 });
  assert.equal(await image.open().room(), undefined);
});

const one = { key: ["k", 1], value: Uint8Array.of(1) };
const two = { key: ["k", 2], value: Uint8Array.of(2) };

Deno.test("a crash loses what was not committed and keeps what was", async () => {
  const image = new DiskImage();
  const disk = image.open();
  await disk.commit([one]);
  const lost = ended(disk.commit([two]));
  assert.equal(disk.inFlightCount, 1);
  disk.crash();
  await turns();
  assert.equal(lost.hasEnded, false);
  assert.deepEqual(image.entries().map(({ key }) => key), [one.key]);
  assert.deepEqual(await image.open().get(one.key), one.value);
});

Deno.test("a crash may keep commits of which nobody was told", async () => {
  const image = new DiskImage();
  const disk = image.open();
  const first = ended(disk.commit([one]));
  const second = ended(disk.commit([two]));
  disk.crash(1);
  await turns();
  assert.deepEqual([first.hasEnded, second.hasEnded], [false, false]);
  assert.deepEqual(image.entries().map(({ key }) => key), [one.key]);
});

Deno.test("what the hook before throws fails the operation without effect", async () => {
  const image = new DiskImage();
  const disk = image.open({
    before: ({ kind }) => {
      if (kind === "commit") throw new Error("No space left");
    },
  });
  await assert.rejects(disk.commit([one]), { message: "No space left" });
  assert.equal(await disk.get(one.key), undefined);
  assert.equal(disk.inFlightCount, 0);
});

Deno.test("what the hook after throws fails a commit that took effect", async () => {
  const image = new DiskImage();
  const disk = image.open({
    after: ({ kind }) => {
      if (kind === "commit") throw new Error("Lost the answer");
    },
  });
  await assert.rejects(disk.commit([one]), { message: "Lost the answer" });
  assert.deepEqual(await disk.get(one.key), one.value);
});

Deno.test("a commit that the hook holds back holds back those after it", async () => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const image = new DiskImage();
  let commits = 0;
  const disk = image.open({
    before: ({ kind }) => kind === "commit" && commits++ === 0 ? held : undefined,
  });
  const both = Promise.all([
    disk.commit([one]),
    disk.commit([{ key: one.key, value: Uint8Array.of(9) }]),
  ]);
  await turns();
  assert.equal(image.size, 0);
  release();
  await both;
  assert.deepEqual(image.get(one.key), Uint8Array.of(9));
});

Deno.test("a copy of an image is an old backup that later changes leave alone", async () => {
  const image = new DiskImage();
  await image.open().commit([one]);
  const backup = image.copy();
  await image.open().commit([{ key: one.key }, two]);
  assert.deepEqual(backup.entries().map(({ key }) => key), [one.key]);
  image.entries()[0]!.value[0]! ^= 1;
  assert.deepEqual(image.get(two.key), Uint8Array.of(3));
});

function ended(promise: Promise<unknown>): { hasEnded: boolean } {
  const state = { hasEnded: false };
  const end = () => (state.hasEnded = true);
  promise.then(end, end);
  return state;
}

/** Lets everything happen that can happen: a memory disk takes microtasks only. */
async function turns(): Promise<void> {
  for (let i = 0; i < 100; i++) await undefined;
}
