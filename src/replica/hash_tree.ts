// A hash tree of two levels: what a copy holds of one partition, in a few bytes.
//
// Two copies that hold the same have the same root. If they do not, the leaves tell in which part of the
// keys they differ. A leaf is the XOR of the digests of its keys' objects: so a write changes one leaf by two
// XORs, and no other key is looked at. No two keys have the same object, since every object knows its dots, so
// nothing cancels out that differs.
//
// Source: DeCandia et al., "Dynamo" (2007), section 4.7; the XOR of entries instead of hashes of hashes after
// Merkle search trees of fixed depth, as Riak's active anti-entropy keeps them.

import { hash32, hash64 } from "../base/hash.ts";

/** The leaves of one partition. With a hundred keys in it, a leaf that differs names three. */
export const LEAF_COUNT = 32;

/** The size of {@linkcode HashTree.leaves} in bytes. */
export const LEAVES_BYTES = 8 * LEAF_COUNT;

const NO_LEAVES = new Uint8Array(LEAVES_BYTES);
const ROOT_OF_NO_LEAVES = hash64(NO_LEAVES);

export class HashTree {
  /** The leaves as they travel; undefined while nothing was ever put in, as it is in most partitions at first. */
  #leaves: DataView<ArrayBuffer> | undefined;
  #root: bigint | undefined = ROOT_OF_NO_LEAVES;

  /** Puts an object in, or takes it out if it is in. */
  toggle(leaf: number, digest: bigint): void {
    const leaves = this.#leaves ??= new DataView(new ArrayBuffer(LEAVES_BYTES));
    leaves.setBigUint64(8 * leaf, leaves.getBigUint64(8 * leaf) ^ digest);
    this.#root = undefined;
  }

  /** The hash of all leaves. */
  root(): bigint {
    return this.#root ??= hash64(this.#view());
  }

  /** All leaves, eight bytes each. */
  leaves(): Uint8Array<ArrayBuffer> {
    return this.#view().slice();
  }

  #view(): Uint8Array<ArrayBuffer> {
    return this.#leaves === undefined ? NO_LEAVES : new Uint8Array(this.#leaves.buffer);
  }
}

/** The leaf that a key belongs to. */
export function leafOf(key: Uint8Array): number {
  return hash32(key) % LEAF_COUNT;
}

/** The numbers of the leaves that differ. */
export function differingLeaves(a: Uint8Array, b: Uint8Array): number[] {
  const found: number[] = [];
  for (let leaf = 0; leaf < LEAF_COUNT; leaf++) {
    for (let at = 8 * leaf; at < 8 * leaf + 8; at++) {
      if (a[at] === b[at]) continue;
      found.push(leaf);
      break;
    }
  }
  return found;
}
