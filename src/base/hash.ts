// Hashing: xxHash64 in WebAssembly, always synchronous, so that a simulated cluster replays.
//
// Not for secrets: anybody can make two keys with one hash.

import xxhash from "xxhash-wasm";

const hasher = await xxhash();

/** The 64-bit hash of `bytes`. */
export function hash64(bytes: Uint8Array): bigint {
  return hasher.h64Raw(bytes);
}

/** A 32-bit hash of `bytes`: the checksum of records. Another seed gives another hash. */
export function hash32(bytes: Uint8Array, seed = 0): number {
  return hasher.h32Raw(bytes, seed) >>> 0;
}

/** The hash as 16 hexadecimal digits. */
export function hash64Hex(bytes: Uint8Array): string {
  return hasher.h64Raw(bytes).toString(16).padStart(16, "0");
}
