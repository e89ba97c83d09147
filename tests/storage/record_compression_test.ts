import assert from "node:assert/strict";
import { utf8 } from "../../src/base/bytes.ts";
import { zstd } from "../../src/host/zstd.ts";
import { openStorage, type StorageOptions } from "../../src/storage/storage.ts";
import { CorruptError } from "../../src/wire/errors.ts";
import { DiskImage } from "../sim/memory_disk.ts";
import { flushed, partedCodec, textCodec } from "./fixtures.ts";

const KEY = utf8("key");
const COMPRESSING = { journalBytes: 0, compressor: zstd, compresses: () => true };

/** A text that shrinks, of so many bytes. */
function wordy(length: number): string {
  return "bread and butter ".repeat(Math.ceil(length / 17)).slice(0, length);
}

/** How many bytes lie on a disk. */
function bytesOn(image: DiskImage): number {
  return image.entries().reduce((sum, { value }) => sum + value.length, 0);
}

async function written(image: DiskImage, text: string, options: StorageOptions): Promise<void> {
  const storage = await openStorage(image.open(), textCodec, options);
  await storage.commit([{ partition: 7, key: KEY, object: text }]);
  await flushed(storage);
  await storage.close();
}

async function readFrom(image: DiskImage, options: StorageOptions): Promise<string | undefined> {
  const storage = await openStorage(image.open(), textCodec, options);
  const [entry] = await storage.range({ partition: 0 }, 9, undefined, 9);
  const object = await storage.get(7, KEY);
  assert.equal(entry?.object, object);
  await storage.close();
  return object;
}

for (const length of [200, 10_000, 600_000]) {
  Deno.test(`a text of ${length} bytes takes less room when it is compressed, and is the same`, async () => {
    const plain = new DiskImage();
    await written(plain, wordy(length), { journalBytes: 0 });
    const image = new DiskImage();
    await written(image, wordy(length), COMPRESSING);
    assert.ok(bytesOn(image) < bytesOn(plain) / 2, `${bytesOn(image)} of ${bytesOn(plain)}`);
    assert.equal(await readFrom(image, COMPRESSING), wordy(length));
    // Whether new records are compressed is nothing to those that lie there.
    assert.equal(await readFrom(image, { compressor: zstd }), wordy(length));
    assert.equal(await readFrom(plain, COMPRESSING), wordy(length));
  });
}

Deno.test("what does not shrink is written as it is", async () => {
  const noise = Array.from(
    { length: 300 },
    (_, i) => String.fromCharCode(33 + (i * i * 7919) % 90),
  );
  const [plain, image] = [new DiskImage(), new DiskImage()];
  for (const text of [noise.slice(0, 100).join("")]) {
    await written(plain, text, { journalBytes: 0 });
    await written(image, text, COMPRESSING);
    assert.equal(bytesOn(image), bytesOn(plain));
  }
});

Deno.test("a record whose pieces become fewer leaves none behind", async () => {
  const image = new DiskImage();
  await written(image, wordy(600_000), { journalBytes: 0 });
  await written(image, wordy(600_000), COMPRESSING);
  assert.equal(await readFrom(image, COMPRESSING), wordy(600_000));
  assert.ok(image.size <= 2, `${image.size} values`);
});

Deno.test("parts are compressed too", async () => {
  const image = new DiskImage();
  const codec = {
    ...partedCodec,
    parts: {
      ...partedCodec.parts!,
      *changedParts(before: string | undefined, after: string) {
        for (const part of partedCodec.parts!.changedParts(before, after)) {
          const body = part.body && utf8(String.fromCharCode(part.body[0]!).repeat(1_000));
          yield { ...part, body };
        }
      },
    },
  };
  const storage = await openStorage(image.open(), codec, COMPRESSING);
  await storage.commit([{ partition: 7, key: KEY, object: "1234567890" }]);
  await flushed(storage);
  await storage.close();
  assert.ok(bytesOn(image) < 1_000, `${bytesOn(image)} bytes of more than 10,000`);
  const again = await openStorage(image.open(), codec, { compressor: zstd });
  assert.equal(await again.get(7, KEY), "1234567890");
  await again.close();
});

Deno.test("who cannot decompress takes a compressed record for corrupt, never for absent", async () => {
  const image = new DiskImage();
  await written(image, wordy(10_000), COMPRESSING);
  await assert.rejects(readFrom(image, {}), CorruptError);
});

Deno.test("a record that says a wrong length is corrupt", async () => {
  const image = new DiskImage();
  const lying = { ...zstd, compress: (bytes: Uint8Array) => zstd.compress(bytes.subarray(1)) };
  await written(image, wordy(10_000), { ...COMPRESSING, compressor: lying });
  await assert.rejects(readFrom(image, COMPRESSING), CorruptError);
});
