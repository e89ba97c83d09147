// Message authentication: who does not have the secret can neither make a tag nor change what has one.
//
// HMAC-SHA-256, cut to 16 bytes, synchronous, so that a simulated cluster replays. The state after the key is kept,
// which halves the work for messages as short as ours.
//
// Source: RFC 2104 (1997), sections 2 and 5 (truncation).

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

/** How long a tag is, in bytes. */
export const TAG_BYTES = 16;

/** Makes and checks tags with one secret. */
export class Mac {
  readonly #keyed: ReturnType<typeof hmac.create>;

  constructor(secret: Uint8Array) {
    this.#keyed = hmac.create(sha256, secret);
  }

  /** The tag of some parts, one after the other. Whoever calls it makes sure that their lengths are told. */
  tag(...parts: readonly Uint8Array[]): Uint8Array {
    const mac = this.#keyed.clone();
    for (const part of parts) mac.update(part);
    return mac.digest().subarray(0, TAG_BYTES);
  }

  /** Whether a tag is right. It takes as long for every wrong one. */
  isRight(tag: Uint8Array, ...parts: readonly Uint8Array[]): boolean {
    const right = this.tag(...parts);
    let difference = tag.length ^ TAG_BYTES;
    for (let i = 0; i < TAG_BYTES; i++) difference |= right[i]! ^ (tag[i] ?? 0);
    return difference === 0;
  }
}

/** The first 16 bytes of SHA-256: a hash that nobody can make twice on purpose. */
export function strongHash(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(bytes).slice(0, TAG_BYTES) as Uint8Array<ArrayBuffer>;
}
