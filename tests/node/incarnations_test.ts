import assert from "node:assert/strict";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import type { DataObject } from "../../src/crdt/data_object.ts";
import { INCARNATION_MAX } from "../../src/membership/incarnation_step.ts";
import { keepIncarnation, nextIncarnation } from "../../src/node/incarnations.ts";
import type { Storage } from "../../src/storage/storage.ts";
import { VirtualTime } from "../sim/virtual_clock.ts";

function emptyDisk(): Storage<DataObject> {
  const held = new Map<string, Uint8Array | undefined>();
  return {
    getMeta: (name: string) => Promise.resolve(held.get(name)),
    setMeta: (name: string, bytes: Uint8Array) => Promise.resolve(void held.set(name, bytes)),
  } as unknown as Storage<DataObject>;
}

Deno.test("a later run on a disk has a higher incarnation, whatever the clock says", async () => {
  const clock = new VirtualTime().clock();
  const random = new SeededRandom("runs");
  const disk = emptyDisk();
  const first = await nextIncarnation(disk, clock, random);
  assert.deepEqual(first, { former: 0, incarnation: Math.floor(clock.now()) });
  const second = await nextIncarnation(disk, clock, random);
  assert.equal(second.former, first.incarnation);
  assert.ok(second.incarnation > first.incarnation);
});

Deno.test("an old copy of a disk begins no two runs with one incarnation, though the clock is behind", async () => {
  const clock = new VirtualTime().clock();
  const found = new Set<number>();
  for (const run of ["first", "second"]) {
    const disk = emptyDisk();
    await keepIncarnation(disk, Math.floor(clock.now()) + 10_000);
    found.add((await nextIncarnation(disk, clock, new SeededRandom(run))).incarnation);
  }
  assert.equal(found.size, 2);
});

Deno.test("a stored incarnation that none can follow, or that cannot be read, does not keep a node from starting", async () => {
  const clock = new VirtualTime().clock();
  const random = new SeededRandom("edge");
  const edges = [INCARNATION_MAX, INCARNATION_MAX - 1, Number.MAX_SAFE_INTEGER];
  for (const edge of edges) {
    const disk = emptyDisk();
    await keepIncarnation(disk, edge);
    const { former, incarnation } = await nextIncarnation(disk, clock, random);
    assert.deepEqual([former, incarnation], [0, Math.floor(clock.now())]);
  }
  for (const bytes of [new Uint8Array(), new Uint8Array(9).fill(0xff)]) {
    const disk = emptyDisk();
    await disk.setMeta("incarnation", bytes);
    assert.equal((await nextIncarnation(disk, clock, random)).former, 0);
  }
  const late = { ...clock, now: () => 8.64e15 };
  const { incarnation } = await nextIncarnation(emptyDisk(), late, random);
  assert.ok(incarnation <= INCARNATION_MAX);
});

Deno.test("a node whose former run was a day ahead of the clock counts on from there", async () => {
  const clock = new VirtualTime().clock();
  const disk = emptyDisk();
  const ahead = Math.floor(clock.now()) + 86_400_000;
  await keepIncarnation(disk, ahead);
  const { former, incarnation } = await nextIncarnation(disk, clock, new SeededRandom("ahead"));
  assert.equal(former, ahead);
  assert.ok(incarnation > ahead && incarnation <= ahead + 1_000);
});
