import assert from "node:assert/strict";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { MISS, openStorage, type Storage } from "../../src/storage/storage.ts";
import { CorruptError, DenamoError, OverloadedError } from "../../src/wire/errors.ts";
import { DiskImage, type DiskOperation } from "../sim/memory_disk.ts";
import { flushed, Gate, openAsking, textCodec, turns } from "./fixtures.ts";

const alice = utf8("cart:alice");
const bob = utf8("cart:bob");

function put(storage: Storage<string>, key: Uint8Array, object?: string): Promise<void> {
  return storage.commit([{ partition: 7, key, object }]);
}

Deno.test("an object is visible when its commit is called and durable when it resolves", async () => {
  const image = new DiskImage();
  const storage = await openAsking(image.open(), textCodec);
  assert.equal(storage.peek(7, alice), MISS);
  assert.equal(await storage.get(7, alice), undefined);
  const commit = put(storage, alice, "bread");
  assert.equal(storage.peek(7, alice), "bread");
  assert.equal(storage.whenDurable(7, alice), commit);
  await commit;
  assert.equal(storage.whenDurable(7, alice), undefined);
  await storage.close();

  const again = await openAsking(image.open(), textCodec, { journalBytes: 0 });
  assert.equal(await again.get(7, alice), "bread");
  await put(again, alice);
  assert.equal(again.peek(7, alice), undefined);
  assert.equal(await again.get(7, alice), undefined);
  await flushed(again);
  await again.close();
  assert.equal(image.size, 0);
});

Deno.test("changes that come together share one commit, those of one key collapse", async () => {
  const gate = new Gate(["commit"]);
  const image = new DiskImage();
  const storage = await openAsking(image.open(gate), textCodec);
  const first = put(storage, alice, "1");
  await turns();
  const later = [put(storage, alice, "2"), put(storage, bob, "b"), put(storage, alice, "3")];
  assert.equal(new Set(later).size, 1);
  await turns();
  assert.equal(gate.waiting.length, 1, "one commit is in flight at a time");
  await gate.endAll();
  await Promise.all([first, ...later]);
  const { batchCount, writtenCount } = storage.stats();
  assert.deepEqual({ batchCount, writtenCount }, { batchCount: 2, writtenCount: 3 });
  await storage.close();
});

Deno.test("a key that changes many times takes the room of one change", async () => {
  const storage = await openAsking(new DiskImage({ batchChanges: 14 }).open(), textCodec);
  await storage.get(7, alice);
  const once = put(storage, alice, "0");
  const { pendingBytes } = storage.stats();
  const more = Array.from({ length: 50 }, (_, i) => put(storage, alice, `${i % 10}`));
  assert.equal(storage.stats().pendingBytes, pendingBytes);
  await Promise.all([once, ...more]);
  assert.equal(storage.stats().batchCount, 1);
  await storage.close();
});

Deno.test("range() goes on behind what is about to be removed, and leaves no key out", async () => {
  const gate = new Gate(["commit"]);
  const image = new DiskImage();
  const writer = await openAsking(image.open(), textCodec);
  for (const name of "abcdef") await put(writer, utf8(name), name);
  const storage = await openAsking(image.open(gate), textCodec);
  const commits = [
    put(storage, utf8("a")),
    put(storage, utf8("b")),
    put(storage, utf8("e5"), "e5"),
  ];
  const found = await storage.range({ partition: 7 }, 7, undefined, 4);
  assert.deepEqual(found.map(({ object }) => object), ["c", "d", "e", "e5"]);
  const two = await storage.range({ partition: 0 }, 9, undefined, 2);
  assert.deepEqual(two.map(({ object }) => object), ["c", "d"]);
  await gate.endAll();
  await Promise.all(commits);
  await storage.close();
});

Deno.test("range() with a prefix crosses partitions in order", async () => {
  const storage = await openAsking(new DiskImage().open(), textCodec);
  const keys = ["a", "cart:", "cart:1", "cart:2", "cart;", "d"].map(utf8);
  await storage.commit(
    Array.from(
      { length: 20 },
      (_, partition) => keys.map((key) => ({ partition, key, object: "x" })),
    )
      .flat(),
  );
  const names = async (...[from, until, prefix, limit]: Parameters<typeof storage.range>) =>
    (await storage.range(from, until, prefix, limit))
      .map(({ partition, key }) => `${partition}/${utf8Text(key)}`);
  const all = await names({ partition: 0 }, 19, utf8("cart:"), 1000);
  assert.equal(all.length, 60);
  assert.deepEqual(all.slice(0, 4), ["0/cart:", "0/cart:1", "0/cart:2", "1/cart:"]);
  const rest = await names({ partition: 9, after: utf8("cart:1") }, 19, utf8("cart:"), 27);
  assert.deepEqual(rest, all.slice(29, 56));
  assert.deepEqual(await names({ partition: 5 }, 4, undefined, 10), []);
  assert.deepEqual(await names({ partition: 19, after: utf8("x") }, 19, utf8("cart:"), 10), []);
  await storage.close();
});

Deno.test("callers who come back after a commit share the next one", async () => {
  const image = new DiskImage();
  const storage = await openAsking(image.open(), textCodec);
  const writers = Array.from({ length: 20 }, async (_, writer) => {
    for (let round = 0; round < 5; round++) await put(storage, utf8(`k${writer}`), `${round}`);
  });
  await Promise.all(writers);
  assert.equal(storage.stats().batchCount, 5);
  await storage.close();
});

Deno.test("a batch stays within the limits of the disk", async () => {
  const sizes: number[] = [];
  const image = new DiskImage({ batchChanges: 40 });
  const before = (operation: DiskOperation) => {
    if (operation.kind === "commit") sizes.push(operation.batch.length);
  };
  const storage = await openAsking(image.open({ before }), textCodec, {
    journalPartBytes: 32_000,
  });
  const keys = Array.from({ length: 100 }, (_, i) => utf8(`k${i}`));
  await Promise.all(keys.map((key) => put(storage, key, "y".repeat(50_000))));
  // A batch has room for 25 values of the journal. 15 objects fill 24 of them, and 10 are left over.
  assert.deepEqual(sizes, [...Array(6).fill(24), 16]);
  assert.equal(await storage.get(7, keys[99]!), "y".repeat(50_000));
  await storage.commit([]);
  await storage.close();
});

Deno.test("a large object lies in pieces, and a smaller one after it leaves none", async () => {
  const image = new DiskImage();
  const storage = await openAsking(image.open(), textCodec, { cacheBytes: 0, journalBytes: 0 });
  const large = "0123456789".repeat(70_000);
  const store = async (object?: string) => {
    await put(storage, alice, object);
    assert.equal(await storage.get(7, alice), object, "from memory");
    await flushed(storage);
    assert.equal(await storage.get(7, alice), object, "from the disk");
    return image.size;
  };
  assert.equal(await store(large), 13);
  assert.equal(await store(large.slice(0, 130_000)), 4);
  assert.equal(await store("bread"), 1);
  assert.equal(await store(large), 13);
  assert.equal(await store(), 0);
  await storage.close();
});

Deno.test("a batch that fails is unknown to its callers and forgotten, and later ones go on", async () => {
  const gate = new Gate(["commit"]);
  const image = new DiskImage();
  const ended: number[][] = [];
  const storage: Storage<string> = await openAsking(image.open(gate), textCodec, {
    onCommitFailed: (partitions) => {
      ended.push([...partitions]);
      assert.equal(storage.peek(7, alice), MISS, "the failed object is gone by then");
      assert.equal(storage.peek(7, bob), "later", "a later change of the same key stays");
    },
  });
  const failing = [put(storage, alice, "1"), put(storage, bob, "1")];
  await turns();
  const later = put(storage, bob, "later");
  gate.waiting[0]!.end("before");
  for (const commit of failing) {
    await assert.rejects(
      commit,
      (error) =>
        error instanceof DenamoError && error.code === "disk_failed" &&
        error.outcome === "unknown" &&
        error.message === "A commit of 2 changes failed: failed before",
    );
  }
  assert.deepEqual(ended, [[7]]);
  await gate.endAll();
  await later;
  assert.equal(await storage.get(7, alice), undefined);
  assert.equal(await storage.get(7, bob), "later");
  assert.equal(storage.stats().failedBatchCount, 1);
  assert.equal(storage.stats().pendingBytes, 0);
  await storage.close();
});

Deno.test("a commit that failed and yet happened is forgotten until the next start", async () => {
  const gate = new Gate(["commit"]);
  const image = new DiskImage();
  const storage = await openAsking(image.open(gate), textCodec);
  const first = put(storage, alice, "old");
  await gate.endAll();
  await first;
  const failing = put(storage, alice, "unknown");
  await turns();
  gate.waiting[0]!.end("after");
  await assert.rejects(failing, { code: "disk_failed", outcome: "unknown" });
  assert.equal(storage.peek(7, alice), "old");
  assert.equal(await storage.get(7, alice), "old");

  const crashed = await openAsking(image.copy().open(), textCodec);
  assert.equal(await crashed.get(7, alice), "unknown");
  const next = put(storage, bob, "later");
  await gate.endAll();
  await next;
  const again = await openAsking(image.copy().open(), textCodec);
  assert.equal(await again.get(7, alice), "old", "the next commit has taken its place");
  assert.equal(await again.get(7, bob), "later");
  await storage.close();
});

Deno.test("reads of one key share one read of the disk", async () => {
  const gate = new Gate(["get"]);
  const storage = await openAsking(new DiskImage().open(gate), textCodec);
  const reads = [storage.get(7, alice), storage.get(7, alice), storage.get(7, bob)];
  await turns();
  assert.equal(gate.waiting.length, 2);
  await gate.endAll();
  assert.deepEqual(await Promise.all(reads), [undefined, undefined, undefined]);
  assert.equal(storage.stats().missCount, 2);
  assert.equal(storage.peek(7, alice), undefined, "that there is none is remembered");
  await storage.close();
});

Deno.test("a read that a commit overtook neither answers nor caches what was before", async () => {
  const gate = new Gate(["get", "range"]);
  const image = new DiskImage();
  const storage = await openAsking(image.open(gate), textCodec, {
    cacheBytes: 0,
    journalBytes: 0,
  });
  const overtaken = storage.get(7, alice);
  const alsoOvertaken = storage.range({ partition: 7 }, 7, undefined, 9);
  await turns();
  for (const waiting of [...gate.waiting]) waiting.end();
  await turns();
  await put(storage, alice, "bread");
  await flushed(storage);
  await gate.endAll();
  assert.equal(await overtaken, "bread");
  assert.deepEqual(await alsoOvertaken, [], "what is written meanwhile may be missed");
  const missing = storage.range({ partition: 7 }, 7, undefined, 9);
  await gate.endAll();
  assert.equal((await missing).length, 1);
  await storage.close();
});

Deno.test("a read that a commit overtook answers from memory at once", async () => {
  const gate = new Gate(["get", "commit"]);
  const storage = await openAsking(new DiskImage().open(gate), textCodec);
  const overtaken = storage.get(7, alice);
  const commit = put(storage, alice, "bread");
  await turns();
  while (gate.waiting.some(({ operation }) => operation.kind === "get")) {
    gate.waiting.find(({ operation }) => operation.kind === "get")!.end();
    await turns();
  }
  assert.equal(gate.waiting.length, 1, "only the commit waits");
  assert.equal(await Promise.race([overtaken, turns().then(() => "nothing")]), "bread");
  await gate.endAll();
  await commit;
  await storage.close();
});

Deno.test("a record in pieces that is replaced while it is read is read again", async () => {
  const gate = new Gate(["range"]);
  const image = new DiskImage();
  const writer = await openAsking(image.open(), textCodec, { pieceBytes: 4, journalBytes: 0 });
  await put(writer, alice, "one loaf");
  await flushed(writer);
  const reader = await openAsking(image.open(gate), textCodec);
  const read = reader.get(7, alice);
  const listed = reader.range({ partition: 0 }, 9, undefined, 10);
  await turns();
  await put(writer, alice, "two loaves of bread");
  await flushed(writer);
  await gate.endAll();
  assert.equal(await read, "two loaves of bread");
  assert.deepEqual((await listed).map(({ object }) => object), ["two loaves of bread"]);
});

Deno.test("corrupt bytes are an error of their key and never absent", async () => {
  const image = new DiskImage();
  const storage = await openAsking(image.open(), textCodec, { cacheBytes: 0, journalBytes: 0 });
  await put(storage, alice, "bread");
  await put(storage, bob, "milk");
  await flushed(storage);
  const { value } = image.entries()[0]!;
  for (let at = 0; at < value.length; at++) {
    value[at]! ^= 0x40;
    await assert.rejects(storage.get(7, alice), CorruptError);
    const [first, second] = await storage.range({ partition: 7 }, 7, undefined, 10);
    assert.ok(first!.corrupt instanceof CorruptError);
    assert.deepEqual(first!.key, alice);
    assert.equal(second!.object, "milk");
    value[at]! ^= 0x40;
  }
  assert.equal(storage.stats().corruptCount, 2 * value.length);
  await put(storage, bob, "!");
  await flushed(storage);
  await assert.rejects(storage.get(7, bob), { name: "CorruptError", message: /exclamation/ });
  await put(storage, alice, "cake");
  await flushed(storage);
  assert.equal(await storage.get(7, alice), "cake");
  await storage.close();
});

Deno.test("a missing or changed piece is corrupt, and a commit in its place heals the record", async () => {
  const image = new DiskImage();
  const open = () => openAsking(image.open(), textCodec, { pieceBytes: 4, journalBytes: 0 });
  const storage = await open();
  await put(storage, alice, "bread and butter");
  await flushed(storage);
  const pieces = image.entries().filter(({ key }) => key[0] === "p");
  for (const { key, value } of pieces) {
    image.apply([{ key }]);
    await assert.rejects((await open()).get(7, alice), CorruptError);
    image.apply([{ key, value: Uint8Array.of(...value.slice(1), 33) }]);
    await assert.rejects((await open()).get(7, alice), CorruptError);
    image.apply([{ key, value }]);
    assert.equal(await (await open()).get(7, alice), "bread and butter");
  }
  image.apply([{ key: pieces[0]!.key }]);
  const healed = await open();
  await put(healed, alice, "jam");
  await flushed(healed);
  assert.equal(await (await open()).get(7, alice), "jam");
  assert.equal(image.size, 1);
});

Deno.test("a disk that cannot be read is an error without effect, and the next read tries again", async () => {
  const gate = new Gate(["get", "range"]);
  const storage = await openAsking(new DiskImage().open(gate), textCodec);
  const failing = [
    storage.get(7, alice),
    storage.range({ partition: 0 }, 9, undefined, 1),
    storage.getMeta("layout"),
  ];
  await turns();
  while (gate.waiting.length > 0) gate.waiting[0]!.end("before");
  for (const read of failing) {
    await assert.rejects(read, {
      code: "disk_failed",
      outcome: "no",
      message: "A read failed: failed before",
    });
  }
  const again = storage.get(7, alice);
  await gate.endAll();
  assert.equal(await again, undefined);
  await storage.close();
});

Deno.test("named values of the node are kept apart from objects, large ones too", async () => {
  const image = new DiskImage();
  const storage = await openAsking(image.open(), textCodec, { journalBytes: 0 });
  assert.equal(await storage.getMeta("layout"), undefined);
  const layout = new Uint8Array(200_000).map((_, i) => i % 251);
  const kept = storage.setMeta("layout", layout);
  layout[0] = 99;
  assert.equal((await storage.getMeta("layout"))![0], 0);
  await kept;
  const replayed = await openAsking(image.copy().open(), textCodec);
  assert.equal((await replayed.getMeta("layout"))!.length, 200_000);
  assert.deepEqual(await replayed.range({ partition: 0 }, 16_383, undefined, 10), []);
  await flushed(storage);
  const read = (await (await openAsking(image.open(), textCodec)).getMeta("layout"))!;
  assert.equal(read.length, 200_000);
  assert.deepEqual([read[0], read[199_999]], [0, 199_999 % 251]);
  assert.deepEqual(await storage.range({ partition: 0 }, 16_383, undefined, 10), []);
  assert.equal(await storage.get(0, utf8("layout")), undefined);
  await storage.setMeta("layout", utf8("small"));
  assert.equal(utf8Text((await storage.getMeta("layout"))!), "small");
  await flushed(storage);
  assert.equal(utf8Text((await storage.getMeta("layout"))!), "small");
  assert.equal(image.size, 1);
  await storage.setMeta("layout", undefined);
  assert.equal(await storage.getMeta("layout"), undefined);
  await storage.close();
});

Deno.test("what waits for the disk is bounded, and a refused change may be missing at its writer", async () => {
  const gate = new Gate(["commit"]);
  const ended: number[] = [];
  const storage = await openAsking(new DiskImage().open(gate), textCodec, {
    maxPendingBytes: 10_000,
    onCommitFailed: (partitions) => ended.push(...partitions),
  });
  const accepted = [put(storage, alice, "x".repeat(8000))];
  await assert.rejects(put(storage, bob, "x".repeat(8000)), OverloadedError);
  assert.deepEqual(ended, [7]);
  assert.equal(storage.peek(7, bob), MISS);
  await gate.endAll();
  await Promise.all(accepted);
  const next = put(storage, bob, "x".repeat(8000));
  await gate.endAll();
  await next;
  await storage.close();
});

Deno.test("close() waits for what is under way and refuses what comes later", async () => {
  const image = new DiskImage();
  const storage = await openAsking(image.open(), textCodec, { journalBytes: 0 });
  const commit = put(storage, alice, "bread");
  await storage.close();
  await commit;
  assert.deepEqual(image.entries().map(({ key }) => key[0]), ["j"], "the journal stays");
  await assert.rejects(put(storage, alice, "milk"), { code: "stopped", outcome: "no" });
  assert.equal(await (await openAsking(image.open(), textCodec)).get(7, alice), "bread");
});

Deno.test("a key, an object or a partition over its limit is a mistake of the caller", async () => {
  const storage = await openAsking(new DiskImage().open(), textCodec);
  assert.throws(() => put(storage, new Uint8Array(1025), "x"), /a key has at most 1024 bytes/);
  assert.throws(
    () => put(storage, alice, "x".repeat(720_001)),
    /a record has at most 720000 bytes/,
  );
  assert.throws(() => storage.commit([{ partition: -1, key: alice, object: "x" }]), /partition -1/);
});

Deno.test("a storage that began empty knows of a key without asking the disk that it was never written", async () => {
  const image = new DiskImage();
  let reads = 0;
  const before = ({ kind }: { kind: string }) => void (reads += Number(kind === "get"));
  const storage = await openStorage(image.open({ before }), textCodec, {
    cacheBytes: 0,
    journalBytes: 0,
  });
  const [alice, bob] = [utf8("alice"), utf8("bob")];
  assert.equal(storage.peek(7, alice), undefined);
  assert.equal(await storage.get(7, bob), undefined);
  await storage.commit([{ partition: 7, key: alice, object: "milk" }]);
  await storage.commit([{ partition: 7, key: utf8("carol"), object: "bread" }]);
  assert.equal(storage.peek(7, bob), undefined);
  assert.equal(reads, 0);
  assert.equal(await storage.get(7, alice), "milk");
  await storage.close();
});

Deno.test("a storage that has records when it is opened does not know what is absent", async () => {
  const image = new DiskImage();
  const writer = await openStorage(image.open(), textCodec, { journalBytes: 0 });
  for (const name of ["alice", "bob"]) {
    await writer.commit([{ partition: 7, key: utf8(name), object: "milk" }]);
  }
  await writer.close();
  const storage = await openStorage(image.open(), textCodec);
  assert.equal(storage.peek(7, utf8("carol")), MISS);
  assert.equal(await storage.get(7, utf8("alice")), "milk");
  await storage.close();
});

Deno.test("what the journal alone holds is not taken for absent", async () => {
  const image = new DiskImage();
  const writer = await openStorage(image.open(), textCodec);
  await writer.commit([{ partition: 7, key: utf8("alice"), object: "milk" }]);
  await writer.close();
  const storage = await openStorage(image.open(), textCodec, { cacheBytes: 0 });
  assert.equal(await storage.get(7, utf8("alice")), "milk");
  assert.equal(storage.peek(7, utf8("bob")), undefined);
  await storage.close();
});

Deno.test("a key that is part of a larger buffer may be used again by its caller", async () => {
  const image = new DiskImage();
  const storage = await openAsking(image.open(), textCodec);
  const message = utf8("put cart:alice bread");
  const commit = put(storage, message.subarray(4, 14), "bread");
  message.fill(0);
  await commit;
  const again = await openAsking(image.open(), textCodec);
  assert.equal(await again.get(7, alice), "bread");
});
