import { storedObjects } from "../../src/replica/stored_objects.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteWriter } from "../../src/base/byte_writer.ts";
import { MalformedError } from "../../src/base/malformed.ts";
import { TICKS_PER_MS } from "../../src/causality/dot.ts";
import { HybridClock } from "../../src/causality/hybrid_clock.ts";
import { DataObject } from "../../src/crdt/data_object.ts";
import { Floors, FLOORS_META, readFloors } from "../../src/replica/floors.ts";
import { partId } from "../../src/replica/parts.ts";
import { openStorage } from "../../src/storage/storage.ts";
import { DiskImage, type DiskOperation } from "../sim/memory_disk.ts";
import { textOf } from "./repair_world.ts";

const NOW = 1_000_000 * TICKS_PER_MS;

/** One run of a node on a disk, and what a test does to both. */
async function run(image = new DiskImage(), nowMs = 1_000_000) {
  const wall = { ms: nowMs };
  const trouble = { disk: (_operation: DiskOperation): void | Promise<void> => {} };
  const after = () => ({ cancel() {} });
  const clock = new HybridClock({ now: () => wall.ms, monotonic: () => 0, after }, 1_000);
  const disk = image.open({ before: (operation) => trouble.disk(operation) });
  const storage = await openStorage(disk, storedObjects());
  const floors = new Floors(storage, clock);
  await floors.load();
  return { image, wall, trouble, clock, storage, floors };
}

function written(time: number, actor = "n9~a"): DataObject {
  return DataObject.empty.write({ actor, time }, textOf("old"), undefined, undefined);
}

/** Lets all commits fail until it is called again. */
function failing(trouble: { disk: (operation: DiskOperation) => void | Promise<void> }) {
  trouble.disk = ({ kind }) => {
    if (kind === "commit") throw new Error("The disk fails");
  };
  return () => trouble.disk = () => {};
}

Deno.test("owners promise, watch, put up their fences and raise the floor, and it is on the disk", async () => {
  const { image, floors } = await run();
  const upTo = NOW - 1;
  assert.equal(await floors.promise(upTo), true);
  for (const partition of [3, 4]) floors.watch(partition, upTo);
  assert.deepEqual(await floors.fence([3, 4], upTo), [3, 4]);
  assert.deepEqual([floors.floorOf(3), floors.fenceOf(3)], [0, upTo]);
  assert.deepEqual(floors.fenced(), [3, 4]);
  assert.deepEqual(await floors.raise(new Map([[3, upTo]])), [3]);
  assert.deepEqual(floors.fenced(), [4]);

  const { floors: after } = await run(image.copy());
  assert.deepEqual([3, 4, 5].map((it) => after.floorOf(it)), [upTo, 0, 0]);
  assert.deepEqual([3, 4, 5].map((it) => after.fenceOf(it)), [upTo, upTo, 0]);
});

Deno.test("promise() is refused up to where the clock has not come", async () => {
  const { clock, floors } = await run();
  const reading = clock.reading();
  assert.equal(await floors.promise(reading), false);
  assert.ok(clock.reading() <= reading, "and binds nobody");
  assert.equal(await floors.promise(reading - 1), true);
});

Deno.test("what was promised is kept in later runs, though the clock on the wall has gone back", async () => {
  const { image, floors } = await run();
  assert.ok(await floors.promise(NOW - 1));
  assert.ok(await floors.promise(NOW - 5), "a lower promise takes nothing back");
  const { clock } = await run(image, 500_000);
  assert.ok(clock.tick(0) >= NOW);
  const { clock: other } = await run(new DiskImage(), 500_000);
  assert.ok(other.tick(0) < NOW, "this is what was prevented");
});

Deno.test("a promise is made when the disk has it, though one that reaches further is under way", async () => {
  const { image, trouble, floors } = await run();
  const { promise: isHeld, resolve } = Promise.withResolvers<void>();
  trouble.disk = ({ kind }) => kind === "commit" ? isHeld : undefined;
  const first = floors.promise(NOW - 1);
  let isMade = false;
  const second = floors.promise(NOW - 9).then((made) => isMade = made);
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  assert.ok(!isMade);
  resolve();
  assert.ok(await first && await second);
  const { clock } = await run(image, 500_000);
  assert.ok(clock.tick(0) >= NOW);
});

Deno.test("a promise that the disk does not take is none, and can be made again", async () => {
  const { image, trouble, floors } = await run();
  const mend = failing(trouble);
  await assert.rejects(floors.promise(NOW - 1), { code: "disk_failed" });
  await assert.rejects(floors.promise(NOW - 1), { code: "disk_failed" });
  mend();
  assert.ok(await floors.promise(NOW - 1));
  const { clock } = await run(image, 500_000);
  assert.ok(clock.tick(0) >= NOW);
});

Deno.test("fence() leaves out partitions that are not watched up to there, and those that were disturbed", async () => {
  const { floors } = await run();
  for (const partition of [1, 2, 3, 4, 5]) floors.watch(partition, NOW);
  const { empty } = DataObject;
  floors.watch(2, NOW - 1);
  assert.ok(floors.admits(3, empty, written(NOW)), "it is taken in, and noted");
  assert.ok(floors.admits(4, empty, written(NOW + 1)), "later than the watch");
  const seen = written(NOW - 7);
  assert.ok(floors.admits(5, seen, seen.merge(empty)), "it was here");
  floors.mayHaveLost(1);
  assert.deepEqual(await floors.fence([1, 2, 3, 4, 5, 6], NOW), [4, 5]);
  assert.deepEqual(floors.fenced(), [4, 5]);
});

Deno.test("fence() leaves out a partition into which something comes while the disk takes the fence", async () => {
  const { trouble, floors } = await run();
  for (const partition of [1, 2]) floors.watch(partition, NOW);
  const { promise: isHeld, resolve } = Promise.withResolvers<void>();
  trouble.disk = ({ kind }) => kind === "commit" ? isHeld : undefined;
  const fencing = floors.fence([1, 2], NOW);
  floors.mayHaveLost(1);
  assert.ok(!floors.admits(2, DataObject.empty, written(NOW)), "the fence is up at once");
  resolve();
  assert.deepEqual(await fencing, [2]);
});

Deno.test("below the fence nothing unseen is admitted, and a fence that is taken back admits it", async () => {
  const { floors } = await run();
  const { empty } = DataObject;
  floors.watch(1, NOW);
  await floors.fence([1], NOW);
  const held = written(NOW - 5);
  assert.ok(!floors.admits(1, empty, written(NOW)));
  assert.ok(!floors.admits(1, held, written(NOW, "n8~b").merge(held)));
  assert.ok(floors.admits(1, empty, written(NOW + 1)));
  assert.ok(floors.admits(1, held, held));
  assert.ok(floors.admits(2, empty, written(NOW)), "another partition");
  await floors.release([1, 2]);
  assert.deepEqual([floors.fenceOf(1), floors.fenced()], [0, []]);
  assert.ok(floors.admits(1, empty, written(NOW)));
});

Deno.test("release() takes a fence back to the floor and no further", async () => {
  const { image, floors } = await run();
  await floors.raise(new Map([[1, NOW - 9]]));
  floors.watch(1, NOW);
  await floors.fence([1], NOW);
  await floors.release([1]);
  assert.deepEqual([floors.floorOf(1), floors.fenceOf(1)], [NOW - 9, NOW - 9]);
  const { floors: after } = await run(image);
  assert.deepEqual([after.floorOf(1), after.fenceOf(1)], [NOW - 9, NOW - 9]);
});

Deno.test("neither floor nor fence goes down by raising", async () => {
  const { floors } = await run();
  await floors.raise(new Map([[1, NOW]]));
  assert.deepEqual(await floors.raise(new Map([[1, NOW - 1], [2, NOW]])), [2]);
  floors.watch(1, NOW - 1);
  await floors.fence([1], NOW - 1);
  assert.deepEqual([floors.floorOf(1), floors.fenceOf(1)], [NOW, NOW]);
});

Deno.test("a disk that does not take the marks leaves them as they were", async () => {
  const { image, trouble, floors } = await run();
  await floors.raise(new Map([[1, NOW - 9]]));
  floors.watch(1, NOW);
  const mend = failing(trouble);
  const isAsBefore = () =>
    assert.deepEqual([floors.floorOf(1), floors.fenceOf(1)], [NOW - 9, NOW - 9]);
  await assert.rejects(floors.fence([1], NOW), { code: "disk_failed" });
  isAsBefore();
  await assert.rejects(floors.raise(new Map([[1, NOW], [2, NOW]])), { code: "disk_failed" });
  isAsBefore();
  assert.deepEqual([floors.floorOf(2), floors.fenceOf(2)], [0, 0]);
  await assert.rejects(floors.adopt(new Map([[1, NOW]]), floors.lossCount), {
    code: "disk_failed",
  });
  isAsBefore();
  mend();
  const { floors: after } = await run(image);
  assert.deepEqual([after.floorOf(1), after.floorOf(2)], [NOW - 9, 0]);
});

Deno.test("adopt() takes over floors, and none if something may have been lost since the comparison began", async () => {
  const { floors } = await run();
  const before = floors.lossCount;
  assert.deepEqual(await floors.adopt(new Map([[1, NOW]]), before), [1]);
  floors.mayHaveLost(7);
  assert.deepEqual(await floors.adopt(new Map([[2, NOW]]), before), []);
  assert.equal(floors.floorOf(2), 0);
  assert.deepEqual(await floors.adopt(new Map([[2, NOW]]), floors.lossCount), [2]);
});

Deno.test("adopt() takes over nothing if something is lost while it waits for the disk", async () => {
  const { trouble, floors } = await run();
  const { promise: isHeld, resolve } = Promise.withResolvers<void>();
  trouble.disk = ({ kind }) => kind === "commit" ? isHeld : undefined;
  const adopting = floors.adopt(new Map([[1, NOW]]), floors.lossCount);
  assert.equal(floors.floorOf(1), 0, "what was taken is not on the disk");
  floors.mayHaveLost(1);
  resolve();
  assert.deepEqual(await adopting, []);
  assert.equal(floors.floorOf(1), 0);
});

Deno.test("whatever is kept of many partitions is read again", async () => {
  const time = fc.integer({ min: 1, max: NOW });
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.nat(65_535).map(String), time), async (wanted) => {
      const { image, floors } = await run();
      const table = new Map(Object.entries(wanted).map(([it, floor]) => [Number(it), floor]));
      await floors.raise(table);
      const { floors: after } = await run(image);
      for (const [partition, floor] of table) assert.equal(after.floorOf(partition), floor);
    }),
    { numRuns: 30 },
  );
});

Deno.test("readFloors() of any bytes ends, with what was written or a MalformedError", async () => {
  const { storage, floors } = await run();
  await floors.promise(NOW - 1);
  for (const partition of [3, 300]) floors.watch(partition, NOW - 1);
  await floors.fence([3, 300], NOW - 1);
  const whole = (await storage.getMeta(FLOORS_META))!;
  assert.equal(readFloors(whole).promised, NOW - 1);
  assert.throws(() => readFloors(new Uint8Array([...whole, 0])), MalformedError);
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => readFloors(whole.subarray(0, length)), MalformedError);
  }
  const many = new ByteWriter(16);
  many.integer(0);
  many.integer(Number.MAX_SAFE_INTEGER);
  assert.throws(() => readFloors(many.finish()), MalformedError);
  const damage = fc.record({ at: fc.nat(whole.length - 1), by: fc.integer({ min: 1, max: 255 }) });
  fc.assert(fc.property(fc.oneof(fc.uint8Array(), damage), (change) => {
    const bytes = change instanceof Uint8Array ? change : whole.slice();
    if (!(change instanceof Uint8Array)) bytes[change.at]! ^= change.by;
    try {
      readFloors(bytes);
    } catch (error) {
      assert.ok(error instanceof MalformedError, `${error}`);
    }
  }));
});

Deno.test("resettle() forgets the floors of parts to which keys have come, and no watch from before counts", async () => {
  const { image, floors } = await run();
  const [upTo, other] = [NOW - 1, partId({ partition: 3, copies: 5 })];
  for (const part of [3, 4, other]) floors.watch(part, upTo);
  await floors.fence([3, other], upTo);
  await floors.raise(new Map([[3, upTo], [other, upTo]]));
  const losses = floors.lossCount;
  await floors.resettle([5]);
  assert.deepEqual([3, other].map((it) => floors.floorOf(it)), [upTo, 0]);
  assert.deepEqual([3, other].map((it) => floors.fenceOf(it)), [upTo, 0]);
  assert.deepEqual(await floors.fence([4], upTo), [], "what was compared was compared before");
  assert.deepEqual(await floors.adopt(new Map([[other, upTo]]), losses), []);
  const { floors: after } = await run(image.copy());
  assert.deepEqual([3, other].map((it) => after.floorOf(it)), [upTo, 0]);
});
