// How much the storage costs: `deno bench -A bench/storage_bench.ts`.
//
// Compare the lines of one run, not runs: what a sync costs is the machine's. The bare disk shows how much
// of a commit is Deno KV and how much is ours; the line without a journal shows what the journal saves.

import { join } from "node:path";
import { EMPTY, utf8 } from "../src/base/bytes.ts";
import { SeededRandom } from "../src/base/seeded_random.ts";
import { randomBelow } from "../src/ports/random.ts";
import { openDenoKvDisk } from "../src/host/deno_kv_disk.ts";
import {
  MISS,
  type ObjectCodec,
  openStorage,
  type StorageOptions,
} from "../src/storage/storage.ts";
import { DiskImage } from "../tests/sim/memory_disk.ts";

const OBJECT_BYTES = 1100;
const WRITERS = 100;
const KEY_COUNT = 10_000;
const PARTITIONS = 1024;

const bytesCodec: ObjectCodec<Uint8Array> = {
  encode: (object) => object,
  decode: (bytes) => bytes,
};

const random = new SeededRandom("storage");
const directory = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));

const objects = Array.from({ length: 64 }, () => random.bytes(OBJECT_BYTES));
const keys = Array.from({ length: KEY_COUNT }, (_, i) => ({
  partition: i % PARTITIONS,
  key: utf8(`user:${i.toString().padStart(12, "0")}`),
}));

const open = async (name: string, options?: StorageOptions) =>
  await openStorage(await openDenoKvDisk(join(directory, name)), bytesCodec, options);
const storage = await open("storage.db");
const withoutJournal = await open("flushed.db", { journalBytes: 0 });
const onDisk = await open("on_disk.db", {
  cacheBytes: 0,
  journalBytes: 0,
  knowsAbsence: false,
});
const bare = await openDenoKvDisk(join(directory, "bare.db"));
const memory = await openStorage(new DiskImage().open(), bytesCodec);

for (const opened of [storage, withoutJournal, onDisk, memory]) {
  for (const at of keys) opened.commit([{ ...at, object: objects[0]! }]);
  await opened.commit([{ ...keys[0]!, object: objects[0]! }]);
}
for (let at = 0; at < KEY_COUNT; at += 500) await bare.commit(bareBatch(keys.slice(at, at + 500)));

while (onDisk.stats().journalBytes > 0) await onDisk.getMeta("bench");

/** One change of each writer, all under way at once. */
async function commitRound(target: typeof storage): Promise<void> {
  const commits: Promise<void>[] = [];
  for (let i = 0; i < WRITERS; i++) {
    commits.push(target.commit([{ ...anyKey(), object: objects[i % objects.length]! }]));
  }
  await Promise.all(commits);
}

function bareBatch(at: typeof keys): Parameters<typeof bare.commit>[0] {
  return at.map(({ partition, key }) => ({ key: ["o", partition, key], value: objects[0]! }));
}

function anyKey(): typeof keys[number] {
  return keys[randomBelow(random, KEY_COUNT)]!;
}

Deno.bench({
  name: `${WRITERS} commits of ${OBJECT_BYTES} bytes at once, storage on Deno KV`,
  group: "commit",
  async fn() {
    await commitRound(storage);
  },
});

Deno.bench({
  name: `${WRITERS} commits of ${OBJECT_BYTES} bytes at once, each flushed to its record at once`,
  group: "commit",
  async fn() {
    await commitRound(withoutJournal);
  },
});

Deno.bench({
  name: `${WRITERS} changes of ${OBJECT_BYTES} bytes in one batch, Deno KV alone`,
  group: "commit",
  baseline: true,
  async fn() {
    await bare.commit(bareBatch(Array.from({ length: WRITERS }, anyKey)));
  },
});

Deno.bench({
  name: `${WRITERS} commits of ${OBJECT_BYTES} bytes at once, storage in memory`,
  group: "commit",
  async fn() {
    await commitRound(memory);
  },
});

Deno.bench({
  name: "one commit, alone, storage on Deno KV",
  group: "commit alone",
  async fn() {
    await storage.commit([{ ...anyKey(), object: objects[1]! }]);
  },
});

Deno.bench({
  name: "peek at an object in the cache",
  group: "read",
  fn() {
    const { partition, key } = anyKey();
    if (storage.peek(partition, key) === MISS) throw new Error("The cache lost an object");
  },
});

Deno.bench({
  name: "get of an object on the disk",
  group: "read",
  async fn() {
    const { partition, key } = anyKey();
    await onDisk.get(partition, key);
  },
});

Deno.bench({
  name: "get of a key that does not exist",
  group: "read",
  async fn() {
    await onDisk.get(anyKey().partition, EMPTY);
  },
});

Deno.bench({
  name: "range of 1000 objects",
  group: "range",
  async fn() {
    await onDisk.range({ partition: 0 }, PARTITIONS, undefined, 1000);
  },
});
