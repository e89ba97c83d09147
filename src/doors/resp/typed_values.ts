// What commands for counters, sets, hashes and HyperLogLogs have in common: finding the value of their type.

import { utf8 } from "../../base/bytes.ts";
import type { StoredValue } from "../../crdt/value.ts";
import type {
  NestedOperation,
  NestedValues,
  NodeApi,
  OperationResult,
  ReadResult,
  TypeName,
  WriteOptions,
} from "../../node/api.ts";
import { DenamoError } from "../../wire/errors.ts";
import { ownBytes } from "./arguments.ts";
import { notAnInteger, ReplyError } from "./error_replies.ts";
import { shownBytes } from "./values.ts";

/** The key holds a value of another type. */
export class WrongTypeError extends ReplyError {
  constructor() {
    super("WRONGTYPE Operation against a key holding the wrong kind of value");
  }
}

export function wrongType(): ReplyError {
  return new WrongTypeError();
}

/** Reads a key that must hold a value of a type, or none. @throws {ReplyError} as Redis has it for another type */
export async function readOf(
  api: NodeApi,
  key: Uint8Array,
  type: TypeName,
): Promise<ReadResult> {
  const read = await api.get(ownBytes(key));
  if (read.exists && !read.merged.has(type)) throw wrongType();
  return read;
}

/** The value of a type that a key holds; undefined if the key holds nothing. */
export async function valueOf<Name extends TypeName>(
  api: NodeApi,
  key: Uint8Array,
  type: Name,
): Promise<NestedValues[Name] | undefined> {
  return (await readOf(api, key, type)).merged.valueOf(type);
}

/** Types that Redis knows by another name. */
const REDIS_NAMES: Partial<Record<string, string>> = {
  counter: "string",
  hyperloglog: "string",
  map: "hash",
};

/** What TYPE says of a key. */
export function typeNameOf({ merged, value }: ReadResult): string {
  if (value !== undefined) return "string";
  const [first] = merged.types;
  return first === undefined ? "none" : REDIS_NAMES[first] ?? first;
}

/** What a key shows as a string: a counter does it in digits; undefined for nothing. */
export function stringIn(
  { exists, merged, value }: ReadResult,
  show: (value: StoredValue) => Uint8Array = shownBytes,
): Uint8Array | undefined {
  if (value !== undefined) return show(value);
  const count = merged.valueOf("counter");
  if (count !== undefined) return utf8(`${count}`);
  if (exists) throw wrongType();
  return undefined;
}

/**
 * Carries out operations on the value of a key.
 *
 * @param noNumber what Redis says where the operation needs a number and finds something else
 */
export async function change(
  api: NodeApi,
  key: Uint8Array,
  operations: readonly NestedOperation[],
  noNumber: () => ReplyError = notAnInteger,
  options: WriteOptions = {},
): Promise<readonly OperationResult[]> {
  try {
    return (await api.update(ownBytes(key), operations, options)).results;
  } catch (error) {
    if (!(error instanceof DenamoError)) throw error;
    if (error.code === "wrong_type") throw wrongType();
    if (error.code === "not_a_number") throw noNumber();
    throw error;
  }
}

/** How many elements or keys all operations together have changed. */
export function changedBy(results: readonly OperationResult[]): number {
  return results.reduce((sum, { changed }) => sum + changed, 0);
}
