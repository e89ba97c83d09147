import assert from "node:assert/strict";
import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { randomBelow } from "../../src/ports/random.ts";
import { openStorage, type ScanStart, type Storage } from "../../src/storage/storage.ts";
import { DiskImage } from "../sim/memory_disk.ts";
import { textCodec, turns } from "./fixtures.ts";

const PARTITIONS = 20;
const KEY_COUNT = 3000;

const keys = Array.from({ length: KEY_COUNT }, (_, i) => ({
  partition: i % PARTITIONS,
  key: utf8(`${i % 3 === 0 ? "cart" : "user"}:${i}`),
}));

function nameOf({ partition, key }: { partition: number; key: Uint8Array }): string {
  return `${String(partition).padStart(2, "0")}/${utf8Text(key)}`;
}

/** All of a storage, in pages of `limit` entries. */
async function pages(
  storage: Storage<string>,
  limit: number,
  prefix?: Uint8Array,
): Promise<string[]> {
  const found: string[] = [];
  for (let from: ScanStart = { partition: 0 };;) {
    const page = await storage.range(from, PARTITIONS - 1, prefix, limit);
    for (const entry of page) found.push(`${nameOf(entry)} ${entry.object}`);
    if (page.length < limit) return found;
    const { partition, key } = page.at(-1)!;
    from = { partition, after: key };
  }
}

Deno.test("range() finds everything in order when most of it is in records", async () => {
  await checkRanges(500_000);
});

Deno.test("range() finds everything in order when most of it is in the journal", async () => {
  await checkRanges(1_000_000);
});

async function checkRanges(journalBytes: number): Promise<void> {
  const image = new DiskImage();
  const storage = await openStorage(image.open(), textCodec, {
    journalBytes,
    cacheBytes: 20_000,
  });
  const random = new SeededRandom("scan");
  const expected = new Map<string, string>();
  for (let round = 0; round < 200; round++) {
    const changes = Array.from({ length: 30 }, () => {
      const at = keys[randomBelow(random, KEY_COUNT)]!;
      const object = randomBelow(random, 5) === 0 ? undefined : `${round}`;
      if (object === undefined) expected.delete(nameOf(at));
      else expected.set(nameOf(at), object);
      return { ...at, object };
    });
    await storage.commit(changes);
  }
  await turns();
  const { flushedCount, memoryTableCount } = storage.stats();
  assert.ok(flushedCount > 300 && memoryTableCount > 600, "some are here and some there");

  const all = [...expected].map(([name, object]) => `${name} ${object}`).sort();
  for (const limit of [7, 300, 5000]) assert.deepEqual(await pages(storage, limit), all);
  const carts = all.filter((text) => text.includes("cart"));
  for (const limit of [7, 5000]) {
    assert.deepEqual(await pages(storage, limit, utf8("cart")), carts);
  }
  await storage.close();
  const again = await openStorage(image.open(), textCodec);
  assert.deepEqual(await pages(again, 1000), all, "after a start");
  await again.close();
}
