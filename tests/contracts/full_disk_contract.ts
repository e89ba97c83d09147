// What every disk must do that has no more room: the part of the contract of ports/disk.ts about it.

import assert from "node:assert/strict";
import type { Disk, DiskChange } from "../../src/ports/disk.ts";
import { DiskFullError } from "../../src/wire/errors.ts";

const VALUE_BYTES = 60_000;

/** So many values are more than there is room for. */
const TOO_MANY_COUNT = 400;

/** Fills a disk that has little room, gives it more, and checks what it does meanwhile. */
export async function checkFullDisk(disk: Disk, giveRoom: () => Promise<void>): Promise<void> {
  const batch = (i: number): DiskChange[] => [
    { key: ["k", i], value: new Uint8Array(VALUE_BYTES).fill(i) },
    { key: ["n"], value: Uint8Array.of(i) },
  ];
  let count = 0;
  let failure: unknown;
  while (failure === undefined && count < TOO_MANY_COUNT) {
    try {
      await disk.commit(batch(count));
      count++;
    } catch (error) {
      failure = error;
    }
  }
  assert.ok(failure instanceof DiskFullError, `a full disk says so, not: ${failure}`);
  assert.ok(count > 0, "there was some room");
  assert.equal(failure.code, "disk_failed");
  await assert.rejects(disk.commit(batch(count)), DiskFullError);
  await checkReads(disk, count);
  await giveRoom();
  for (let i = count; i < count + 20; i++) await disk.commit(batch(i));
  await checkReads(disk, count + 20);
}

/** What was committed is there, and every batch is there as a whole. */
async function checkReads(disk: Disk, count: number): Promise<void> {
  assert.deepEqual(await disk.get(["n"]), Uint8Array.of(count - 1));
  const listed = await disk.range({ start: ["k"], end: ["l"] }, 2 * TOO_MANY_COUNT);
  assert.equal(listed.length, count);
  for (const [i, { value }] of listed.entries()) assert.equal(value[VALUE_BYTES - 1], i & 0xff);
}
