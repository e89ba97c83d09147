import { storedObjects } from "../../src/replica/stored_objects.ts";
import assert from "node:assert/strict";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { MAX_TIME, TICKS_PER_MS } from "../../src/causality/dot.ts";
import { HybridClock } from "../../src/causality/hybrid_clock.ts";
import { DataObject, type Opaque } from "../../src/crdt/data_object.ts";
import { decodeObject } from "../../src/crdt/object_codec.ts";
import { Actors } from "../../src/replica/actors.ts";
import { Floors } from "../../src/replica/floors.ts";
import { Namespaces, type NamespaceSettings } from "../../src/replica/namespaces.ts";
import { type Change, Replica } from "../../src/replica/replica.ts";
import { openStorage } from "../../src/storage/storage.ts";
import { CorruptError } from "../../src/wire/errors.ts";
import { type DiskFaults, DiskImage } from "../sim/memory_disk.ts";

const PARTITION = 3;
const key = utf8("cart:alice");

function text(value: string): Opaque {
  return { kind: "text", bytes: utf8(value) };
}

function textsOf(object: DataObject): string[] {
  return object.live(1000).map(({ value }) => utf8Text(value.bytes)).sort();
}

/** One run of a process on a disk. */
async function run(
  image: DiskImage,
  options: { faults?: DiskFaults; settings?: NamespaceSettings[]; journalBytes?: number } = {},
) {
  const seed = crypto.randomUUID();
  const wall = { now: () => 1000, monotonic: () => 0, after: () => ({ cancel() {} }) };
  const clock = new HybridClock(wall, 1000);
  const actors = new Actors("n1", new SeededRandom(seed), clock);
  const failed = { handler: (_partitions: Iterable<number>) => {} };
  const storage = await openStorage(image.open(options.faults), storedObjects(), {
    journalBytes: options.journalBytes,
    onCommitFailed: (partitions) => failed.handler(partitions),
  });
  const namespaces = new Namespaces({}, options.settings ?? []);
  const floors = new Floors(storage, clock);
  await floors.load();
  const replica = new Replica(storage, actors, clock, namespaces, floors);
  failed.handler = (partitions) => replica.commitFailed(partitions);
  return { replica, actors, floors, storage };
}

/** A put that replaces what the copy holds. */
function put(value: string): Change {
  return (held, nextDot) =>
    held.write(nextDot(held.latestTime()), text(value), held.vector(), undefined);
}

async function written(replica: Replica, value: string): Promise<DataObject> {
  const write = await replica.coordinate(PARTITION, key, undefined, put(value));
  await write.durable;
  return write.object;
}

Deno.test("what was coordinated is visible at once, durable later, and there after a restart", async () => {
  const image = new DiskImage();
  const { replica } = await run(image);
  assert.equal(await replica.read(PARTITION, key), DataObject.empty);
  const write = await replica.coordinate(PARTITION, key, undefined, put("milk"));
  assert.deepEqual(textsOf(await replica.read(PARTITION, key)), ["milk"]);
  await write.durable;
  assert.deepEqual(textsOf(await (await run(image)).replica.read(PARTITION, key)), ["milk"]);
});

Deno.test("merge() keeps what is here and what comes, and acknowledges when both are durable", async () => {
  const image = new DiskImage();
  const { replica } = await run(image);
  await written(replica, "here");
  const other = await written((await run(new DiskImage())).replica, "there");
  await replica.merge(PARTITION, key, other);
  assert.deepEqual(textsOf(await (await run(image)).replica.read(PARTITION, key)), [
    "here",
    "there",
  ]);
});

Deno.test("merge() of what is known already waits for the commit under way", async () => {
  const gate = Promise.withResolvers<void>();
  const { replica } = await run(new DiskImage(), {
    faults: { before: ({ kind }) => kind === "commit" ? gate.promise : undefined },
  });
  const write = await replica.coordinate(PARTITION, key, undefined, put("milk"));
  let isAcknowledged = false;
  const again = replica.merge(PARTITION, key, write.object).then(() => isAcknowledged = true);
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  assert.ok(!isAcknowledged, "nothing is acknowledged before it is durable");
  gate.resolve();
  await again;
});

Deno.test("every run of the process writes as another actor", async () => {
  const image = new DiskImage();
  const first = await written((await run(image)).replica, "one");
  const second = await written((await run(image)).replica, "two");
  const [actor] = first.opaque.entries.map(({ actor }) => actor);
  assert.deepEqual(second.opaque.entries.map(({ actor }) => actor).includes(actor!), true);
  assert.equal(second.opaque.entries.length, 2);
});

Deno.test("the actor ends when a peer knows a later write of ours than this copy holds", async () => {
  const { replica, actors } = await run(new DiskImage());
  const object = await written(replica, "one");
  const actor = actors.of(PARTITION)!;
  await replica.merge(PARTITION, key, object);
  assert.equal(actors.of(PARTITION), actor, "what we hold is no sign");
  const forgotten = object.write(
    { actor, time: object.timeOf(actor) + 5 },
    text("x"),
    new Map(),
    undefined,
  );
  await replica.merge(PARTITION, key, forgotten);
  assert.equal(actors.of(PARTITION), undefined);
});

/** An object that a peer's wrong clock, or a flipped bit, has dated. */
function datedObject(time: number, value = "far"): DataObject {
  return DataObject.empty.write({ actor: "n9~far", time }, text(value), undefined, undefined);
}

Deno.test("an object at the end of time stays writable, and no other key of its partition is dated by it", async () => {
  const image = new DiskImage();
  const { replica, actors } = await run(image);
  await written(replica, "before");
  const actor = actors.of(PARTITION);
  await replica.merge(PARTITION, key, datedObject(MAX_TIME));
  for (let i = 0; i < 50; i++) {
    for (const hasContext of [false, true]) {
      const context = hasContext ? (await replica.read(PARTITION, key)).vector() : undefined;
      const change: Change = (held, nextDot) =>
        held.write(nextDot(held.timeBefore(context)), text(`v${i}`), context, undefined);
      const write = await replica.coordinate(PARTITION, key, context, change);
      await write.durable;
      assert.deepEqual(textsOf(write.object), [`v${i}`]);
    }
    const expire: Change = (held, nextDot) => held.expire(nextDot(held.latestTime()), 5_000);
    const { object } = await replica.coordinate(PARTITION, key, undefined, expire);
    assert.equal(object.live(1_000)[0]!.expiresAtMs, 5_000);
    assert.deepEqual(decodeObject(object.encoded()).encoded(), object.encoded());
    assert.ok(object.latestTime() <= MAX_TIME);
  }
  const other = utf8("cart:bob");
  const write = await replica.coordinate(PARTITION, other, undefined, put("bob"));
  await write.durable;
  assert.ok(write.object.latestTime() < 2_001 * TICKS_PER_MS);
  assert.equal(write.object.opaque.entries[0]!.actor, actor);
  const restarted = (await run(image)).replica;
  assert.deepEqual(textsOf(await restarted.read(PARTITION, key)), ["v49"]);
  assert.deepEqual(textsOf(await restarted.read(PARTITION, other)), ["bob"]);
});

Deno.test("data of a day ahead is written in its own time by few actors, and other keys are not", async () => {
  const { replica } = await run(new DiskImage());
  const far = 86_400_000 * TICKS_PER_MS;
  await replica.merge(PARTITION, key, datedObject(far));
  for (let i = 0; i < 30; i++) {
    const object = await written(replica, `v${i}`);
    assert.deepEqual(textsOf(object), [`v${i}`]);
    assert.equal(object.opaque.entries.length, 2, "that of the clock ahead, and ours");
    assert.ok(object.latestTime() > far);
  }
  const write = await replica.coordinate(PARTITION, utf8("cart:bob"), undefined, put("bob"));
  assert.ok(write.object.latestTime() < 2_001 * TICKS_PER_MS);
});

Deno.test("our actor of a key in the future ends when a peer knows a later write of it", async () => {
  const { replica, actors } = await run(new DiskImage());
  await replica.merge(PARTITION, key, datedObject(86_400_000 * TICKS_PER_MS));
  const object = await written(replica, "one");
  const actor = actors.aheadOf(key)!;
  await replica.merge(PARTITION, key, object);
  assert.equal(actors.aheadOf(key), actor);
  const time = object.timeOf(actor) + 5;
  await replica.merge(
    PARTITION,
    key,
    object.write({ actor, time }, text("x"), new Map(), undefined),
  );
  assert.equal(actors.aheadOf(key), undefined);
});

Deno.test("the actor ends when a client's context knows a later write of ours", async () => {
  const { replica, actors } = await run(new DiskImage());
  await written(replica, "one");
  const actor = actors.of(PARTITION)!;
  const seen = new Map([[actor, 2 ** 40]]);
  const write = await replica.coordinate(
    PARTITION,
    key,
    seen,
    (held, nextDot) => held.write(nextDot(2 ** 40), text("two"), seen, undefined),
  );
  await write.durable;
  assert.notEqual(actors.of(PARTITION), actor);
  assert.deepEqual(textsOf(write.object), ["two"]);
});

Deno.test("the actor ends when a commit fails, for what was written may be forgotten", async () => {
  let isFailing = false;
  const before = ({ kind }: { kind: string }) => {
    if (isFailing && kind === "commit") throw new Error("disk full");
  };
  const { replica, actors } = await run(new DiskImage(), { faults: { before } });
  await written(replica, "one");
  const actor = actors.of(PARTITION);
  isFailing = true;
  const write = await replica.coordinate(PARTITION, key, undefined, put("two"));
  await assert.rejects(write.durable, { code: "disk_failed", outcome: "unknown" });
  assert.equal(actors.of(PARTITION), undefined);
  isFailing = false;
  const after = await written(replica, "three");
  assert.notEqual(actors.of(PARTITION), actor);
  assert.deepEqual(textsOf(after), ["three"]);
});

Deno.test("a corrupt record is an error and never an absent key, until others have repaired it", async () => {
  const image = new DiskImage();
  const { replica: first, storage } = await run(image, { journalBytes: 0 });
  const object = await written(first, "milk");
  for (let turn = 0; turn < 1000 && storage.stats().journalBytes > 0; turn++) await undefined;
  for (const { value } of image.entries()) value[value.length - 1]! ^= 1;
  const { replica } = await run(image);
  await assert.rejects(async () => await replica.read(PARTITION, key), CorruptError);
  await assert.rejects(async () => await replica.merge(PARTITION, key, object), CorruptError);
  await assert.rejects(
    async () => await replica.coordinate(PARTITION, key, undefined, put("x")),
    CorruptError,
  );
  await replica.replaceCorrupt(PARTITION, key, object);
  assert.deepEqual(textsOf(await replica.read(PARTITION, key)), ["milk"]);
});

Deno.test("replaceCorrupt() leaves a record alone that can be read", async () => {
  const { replica } = await run(new DiskImage());
  await written(replica, "milk");
  await replica.replaceCorrupt(PARTITION, key, DataObject.empty);
  assert.deepEqual(textsOf(await replica.read(PARTITION, key)), ["milk"]);
});

Deno.test("a namespace with the rule lww keeps the latest only", async () => {
  const settings: NamespaceSettings[] = [{ prefix: "cart:", conflicts: "lww" }];
  const { replica } = await run(new DiskImage(), { settings });
  const other = await written((await run(new DiskImage())).replica, "there");
  await written(replica, "here");
  await replica.merge(PARTITION, key, other);
  assert.equal(textsOf(await replica.read(PARTITION, key)).length, 1);
});

Deno.test("concurrent changes of a key that lies on the disk only do not lose each other", async () => {
  const image = new DiskImage();
  await written((await run(image)).replica, "old");
  const { replica } = await run(image);
  const others = await Promise.all(
    ["a", "b", "c"].map(async (value) => written((await run(new DiskImage())).replica, value)),
  );
  await Promise.all([
    written(replica, "mine"),
    ...others.map((object) => replica.merge(PARTITION, key, object)),
  ]);
  assert.deepEqual(textsOf(await (await run(image)).replica.read(PARTITION, key)), [
    "a",
    "b",
    "c",
    "mine",
  ]);
});
