// Partitions: the key space cut into equal parts.
//
// The ring is the space of 64-bit hashes. A cluster cuts it once, for its whole life, into a power of two
// of equal parts, so the partition of a key is the top bits of its hash: no table, no search, and
// every node and every client that knows the number of partitions agrees.

import { hash64 } from "../base/hash.ts";

export const PARTITION_COUNT_MIN = 256;
export const PARTITION_COUNT_MAX = 16384;
export const PARTITION_COUNT_DEFAULT = 1024;

/** Whether a cluster may have this many partitions: a power of two from 256 to 16384. */
export function isPartitionCount(count: number): boolean {
  return Number.isInteger(count) && count >= PARTITION_COUNT_MIN &&
    count <= PARTITION_COUNT_MAX && (count & (count - 1)) === 0;
}

// The hash is a BigInt. Writing it into eight bytes and reading back four costs nothing that can be measured
// beside the hash; shifting a BigInt costs a quarter of it.
const hashBytes = new DataView(new ArrayBuffer(8));

/**
 * The partition of a key, from 0 to `partitionCount` − 1: the top bits of the hash of its bytes.
 *
 * @param partitionCount one that {@linkcode isPartitionCount} accepts; it is not checked here
 */
export function partitionOf(keyBytes: Uint8Array, partitionCount: number): number {
  hashBytes.setBigUint64(0, hash64(keyBytes));
  return hashBytes.getUint32(0) >>> (Math.clz32(partitionCount) + 1);
}
