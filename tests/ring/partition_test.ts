import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { hash64 } from "../../src/base/hash.ts";
import { isPartitionCount, partitionOf } from "../../src/ring/partition.ts";

Deno.test("partitionOf() gives the same key the same partition, below the partition count", () => {
  const partition = partitionOf(utf8("cart:alice"), 1024);
  assert.equal(partitionOf(utf8("cart:alice"), 1024), partition);
  assert.ok(partition >= 0 && partition < 1024);
});

Deno.test("partitionOf() is the hash divided by the size of a partition", () => {
  const counts = fc.constantFrom(256, 512, 1024, 2048, 4096, 8192, 16384);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), counts, (key, count) => {
    const size = 2n ** 64n / BigInt(count);
    assert.equal(partitionOf(key, count), Number(hash64(key) / size));
  }));
});

Deno.test("partitionOf() spreads plain keys over all partitions", () => {
  const counts = new Uint32Array(256);
  for (let i = 0; i < 25_600; i++) counts[partitionOf(utf8(`user:${i}`), 256)]!++;
  assert.ok(Math.min(...counts) > 50, `least ${Math.min(...counts)} of 100`);
  assert.ok(Math.max(...counts) < 150, `most ${Math.max(...counts)} of 100`);
});

Deno.test("isPartitionCount() takes powers of two from 256 to 16384", () => {
  for (const count of [256, 512, 1024, 16384]) assert.ok(isPartitionCount(count));
  for (const count of [0, 1, 128, 255, 1000, 32768, 2 ** 32 + 256, 512.5, NaN, -256, Infinity]) {
    assert.ok(!isPartitionCount(count), String(count));
  }
});
