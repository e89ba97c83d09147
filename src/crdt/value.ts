// A value as it is stored: a kind and bytes.
//
// What one door writes every other reads: the kind says how the bytes are to be shown, the bytes are
// never touched.

/** `text` is UTF-8, `msgpack` is one MessagePack value, `bytes` are just bytes. */
export type ValueKind = "bytes" | "text" | "msgpack";

export interface StoredValue {
  readonly kind: ValueKind;
  readonly bytes: Uint8Array;
}
