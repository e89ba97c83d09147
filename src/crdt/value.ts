// A value as it is stored: a kind and bytes.
//
// What one door writes every other reads: the kind says how the bytes are to be shown, the bytes are
// never touched.

import { compareBytes } from "../base/bytes.ts";

/** `text` is UTF-8, `msgpack` is one MessagePack value, `bytes` are just bytes. */
export type ValueKind = "bytes" | "text" | "msgpack";

/** One value as nodes keep it, whichever door wrote it. */
export interface StoredValue {
  /** What the bytes are. */
  readonly kind: ValueKind;
  /** At most 512 KiB. */
  readonly bytes: Uint8Array;
}

/** The kinds in the order of their codes. */
export const VALUE_KINDS: readonly ValueKind[] = ["bytes", "text", "msgpack"];

/** Orders values by kind and bytes, with no value at all (`null`) before them; 0 if they are the same. */
export function compareStored(a: StoredValue | null, b: StoredValue | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return VALUE_KINDS.indexOf(a.kind) - VALUE_KINDS.indexOf(b.kind) ||
    compareBytes(a.bytes, b.bytes);
}
