import assert from "node:assert/strict";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import type { DataObject } from "../../src/crdt/data_object.ts";
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
