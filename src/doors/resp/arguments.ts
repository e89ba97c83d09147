// Arguments of commands, read and checked.

import { utf8Text } from "../../base/bytes.ts";
import type { QuorumLevel } from "../../node/api.ts";
import { lowerWord } from "./command.ts";
import { notAnInteger, ReplyError } from "./error_replies.ts";

/**
 * An integer as Redis reads it: no sign but a minus, no needless zeros, 64 bits. Beyond 2^53 it is not
 * exact, which is good enough to find it out of any range that is used.
 *
 * @throws {ReplyError} "value is not an integer or out of range"
 */
export function integerArgument(bytes: Uint8Array): number {
  const value = integerOf(bytes);
  if (value === undefined) throw notAnInteger();
  return value;
}

/** As {@linkcode integerArgument}, undefined if it is none. */
export function integerOf(bytes: Uint8Array): number | undefined {
  if (bytes.length === 0 || bytes.length > 20) return undefined;
  const text = utf8Text(bytes);
  if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return undefined;
  const value = BigInt(text);
  if (value < -(2n ** 63n) || value >= 2n ** 63n) return undefined;
  return Number(value);
}

/** A copy that outlives the buffer which the argument is a view of; itself if it has its own. */
export function ownBytes(argument: Uint8Array): Uint8Array {
  return argument.length === argument.buffer.byteLength ? argument : argument.slice();
}

/** `one`, `quorum`, `all` or a number of owners. `option` is its name for the error. */
export function quorumArgument(bytes: Uint8Array, option: string): QuorumLevel {
  const word = lowerWord(bytes);
  if (word === "one" || word === "quorum" || word === "all") return word;
  return positiveArgument(bytes, option, "a positive integer, one, quorum or all");
}

export function positiveArgument(
  bytes: Uint8Array,
  option: string,
  wanted = "a positive integer",
): number {
  const value = integerOf(bytes);
  if (value === undefined || value <= 0 || !Number.isSafeInteger(value)) {
    throw new ReplyError(`ERR ${option} must be ${wanted}`);
  }
  return value;
}

/** A whole number from 0. `name` is what it is for the error. */
export function countArgument(bytes: Uint8Array, name: string): number {
  const value = integerOf(bytes);
  if (value !== undefined && value >= 0 && Number.isSafeInteger(value)) return value;
  throw new ReplyError(`ERR ${name} must be an integer from 0`);
}
