// A value as it is stored: a kind and bytes.
//
// What one door writes every other reads: the kind says how the bytes are to be shown, the bytes are
// never touched.

/** `text` is UTF-8, `msgpack` is one MessagePack value, `bytes` are just bytes. */
export type ValueKind = "bytes" | "text" | "msgpack";

/** One value as nodes keep it, whichever door wrote it. */
export interface StoredValue {
  /** What the bytes are. */
  readonly kind: ValueKind;
  /** At most 512 KiB. */
  readonly bytes: Uint8Array;
}
