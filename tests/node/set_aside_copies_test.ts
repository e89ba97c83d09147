import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { HybridClock } from "../../src/causality/hybrid_clock.ts";
import type { DataObject } from "../../src/crdt/data_object.ts";
import { silentLog } from "../../src/host/logtape_log.ts";
import { setAsideCopies } from "../../src/node/set_aside_copies.ts";
import { Floors } from "../../src/replica/floors.ts";
import { storedObjects } from "../../src/replica/stored_objects.ts";
import { partitionOf } from "../../src/ring/partition.ts";
import { openStorage, type Storage } from "../../src/storage/storage.ts";
import { DiskFullError } from "../../src/wire/errors.ts";
import { DiskImage, type MemoryDisk } from "../sim/memory_disk.ts";
import { NodeWorld } from "./node_world.ts";

const KEY = utf8("cart");

Deno.test("a node that was left behind sets aside all that it holds, then empties its copies", async () => {
  await using world = await NodeWorld.of(3);
  await world.ended(world.node("n1").put(KEY, { kind: "text", bytes: utf8("milk") }, { w: "all" }));
  await world.stop("n3");
  const image = world.image("n3");
  await withStorage(image.open(), async (storage) => {
    assert.ok(await heldOf(storage) !== undefined, "it has a copy");
    const floors = new Floors(storage, new HybridClock(world.time.clock(), 1_000));
    await floors.load();
    await floors.miss(5);
  });

  await world.start("n3");
  assert.equal(image.setAsides.size, 1);
  const [kept] = image.setAsides.values();
  assert.match(kept!.reason, /the others have forgotten without it/);
  await withStorage(kept!.image.open(), async (storage) => {
    assert.ok(await heldOf(storage) !== undefined, "what was set aside has the copy");
  });
  await world.stop("n3");

  await world.start("n3");
  assert.equal(image.setAsides.size, 1, "a later start has nothing to set aside");
});

Deno.test("copies are set aside once for each time that was missed, whatever is left of them", async () => {
  const image = new DiskImage();
  const disk = image.open();
  await withStorage(disk, async (storage) => {
    await setAsideCopies(disk, storage, 7, silentLog);
    await setAsideCopies(disk, storage, 7, silentLog);
    assert.equal(image.setAsides.size, 1);
    await setAsideCopies(disk, storage, 8, silentLog);
    assert.equal(image.setAsides.size, 2);
  });
});

Deno.test("copies that cannot be set aside are a reason not to go on, and it says what to do", async () => {
  const disk = new DiskImage().open({
    before: ({ kind }) => {
      if (kind === "setAside") throw new DiskFullError("Cannot set aside 12 MiB in /data/n1");
    },
  });
  await withStorage(disk, async (storage) => {
    await assert.rejects(setAsideCopies(disk, storage, 7, silentLog), (error: Error) => {
      assert.match(error.message, /12 MiB in \/data\/n1, there is no room left\. Make room/);
      return (error as Error & { code: string }).code === "disk_failed";
    });
    await assert.rejects(setAsideCopies(disk, storage, 7, silentLog), "nothing was noted");
  });
});

async function withStorage(
  disk: MemoryDisk,
  use: (storage: Storage<DataObject>) => Promise<void>,
): Promise<void> {
  const storage = await openStorage(disk, storedObjects());
  try {
    await use(storage);
  } finally {
    await storage.close();
  }
}

function heldOf(storage: Storage<DataObject>): Promise<DataObject | undefined> {
  return storage.get(partitionOf(KEY, 256), KEY);
}
