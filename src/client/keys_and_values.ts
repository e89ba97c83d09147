// Keys and values of TypeScript programs as the bytes that a node keeps, and back.

import { strictUtf8Text, utf8Text, wellFormedUtf8 } from "../base/bytes.ts";
import { keyFromParts, type KvKeyPart, partsFromKey, prefixFromParts } from "../base/kv_key.ts";
import { decodeValue, encodeValue } from "../base/msgpack_value.ts";
import type { StoredValue } from "../crdt/value.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";
import { checkMsgpackValue } from "../wire/msgpack_value.ts";

/**
 * A key: a string, or an array as Deno KV has them, which keeps its order. Bytes that are neither (another
 * program wrote them) are a Uint8Array.
 */
export type Key = string | readonly KvKeyPart[] | Uint8Array;

/** The bytes of a key. @throws {TypeError} for a text with a lone surrogate, which UTF-8 cannot tell apart */
export function keyBytes(key: Key): Uint8Array {
  if (typeof key === "string") return wellFormedUtf8(key, "A key");
  return key instanceof Uint8Array ? key : keyFromParts(key);
}

/** What the keys begin with that begin with this one. */
export function prefixBytes(prefix: Key): Uint8Array {
  if (typeof prefix === "string" || prefix instanceof Uint8Array) return keyBytes(prefix);
  return prefixFromParts(prefix);
}

/** The key of bytes, in the form in which a program would have given it. */
export function keyOf(bytes: Uint8Array): Key {
  return partsFromKey(bytes) ?? strictUtf8Text(bytes) ?? bytes;
}

/** A value as it is stored. @throws {TypeError} that names the path to what cannot be stored */
export function storedValue(value: unknown): StoredValue {
  if (value instanceof Uint8Array) return { kind: "bytes", bytes: value.slice() };
  if (typeof value === "string") return { kind: "text", bytes: wellFormedUtf8(value, "A value") };
  return { kind: "msgpack", bytes: encodeValue(value) };
}

/**
 * The value that was stored.
 *
 * @throws {DenamoError} `unsupported` for MessagePack that has no form in TypeScript, such as a map whose
 * keys are lists
 */
export function valueOf(stored: StoredValue): unknown {
  switch (stored.kind) {
    case "bytes":
      return stored.bytes.slice();
    case "text":
      return utf8Text(stored.bytes);
    case "msgpack":
      return decoded(stored.bytes);
  }
}

/** Stands for a value that has no form in TypeScript, among others that have. */
export class UndecodedValue {
  /** MessagePack, or what was taken for it. */
  readonly bytes: Uint8Array;
  /** Why they have no form in TypeScript. */
  readonly problem: string;

  /** @ignore A list makes it. */
  constructor(bytes: Uint8Array, problem: string) {
    this.bytes = bytes;
    this.problem = problem;
  }
}

/** The value that was stored, or an {@linkcode UndecodedValue} with its bytes. */
export function valueAmongOthers(stored: StoredValue): unknown {
  try {
    return valueOf(stored);
  } catch (error) {
    if (!(error instanceof DenamoError)) throw error;
    return new UndecodedValue(stored.bytes.slice(), error.message);
  }
}

function decoded(bytes: Uint8Array): unknown {
  try {
    checkMsgpackValue(bytes);
    return decodeValue(bytes);
  } catch (error) {
    const message = `Cannot read a MessagePack value: ${messageOf(error)}`;
    throw new DenamoError("unsupported", "no", message);
  }
}
