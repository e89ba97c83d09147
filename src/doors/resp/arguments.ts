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

/** As {@linkcode integerArgument}, but undefined for what is not a number. */
export function integerOf(bytes: Uint8Array): number | undefined {
  const value = wideIntegerOf(bytes);
  return value === undefined ? undefined : Number(value);
}

/**
 * As {@linkcode integerArgument}, with all of its 64 bits.
 *
 * @throws {ReplyError} "value is not an integer or out of range"
 */
export function wideIntegerArgument(bytes: Uint8Array): bigint {
  const value = wideIntegerOf(bytes);
  if (value === undefined) throw notAnInteger();
  return value;
}

/** As {@linkcode wideIntegerArgument}, but undefined for what is not a number. */
export function wideIntegerOf(bytes: Uint8Array): bigint | undefined {
  if (bytes.length === 0 || bytes.length > 20) return undefined;
  const text = utf8Text(bytes);
  if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return undefined;
  const value = BigInt(text);
  return isOf64Bits(value) ? value : undefined;
}

export function isOf64Bits(value: bigint): boolean {
  return value >= -(2n ** 63n) && value < 2n ** 63n;
}

/**
 * How many elements a command wants; below zero, so many drawn with repetition. Redis takes what it can negate.
 *
 * @throws {ReplyError} as Redis words it
 */
export function drawCountArgument(bytes: Uint8Array): number {
  const value = wideIntegerArgument(bytes);
  if (value > -(2n ** 63n)) return Number(value);
  const most = 2n ** 63n - 1n;
  throw new ReplyError(`ERR value is out of range, value must between -${most} and ${most}`);
}

/**
 * A cursor as `strtoul` reads it: a sign is taken and counts down from 2^64, and nothing is 0.
 *
 * @throws {ReplyError} "invalid cursor"
 */
export function cursorArgument(bytes: Uint8Array): bigint {
  const [, sign, digits] = /^([+-]?)([0-9]+)$/.exec(utf8Text(bytes.subarray(0, 4096))) ?? [];
  if (bytes.length === 0) return 0n;
  const size = digits === undefined || bytes.length > 4096 ? 2n ** 64n : BigInt(digits);
  if (size >= 2n ** 64n) throw new ReplyError("ERR invalid cursor");
  return sign === "-" ? BigInt.asUintN(64, -size) : size;
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
