// Times to live, from words of commands to milliseconds since 1970.

import { isOf64Bits, wideIntegerArgument } from "./arguments.ts";
import { lowerWord } from "./command.ts";
import { invalidExpireTime } from "./error_replies.ts";

/** How a command says when something ends. */
export interface ExpiryUnit {
  readonly unitMs: 1 | 1000;
  /** Counted from now, or else from 1970. */
  readonly isRelative: boolean;
}

export const SECONDS: ExpiryUnit = { unitMs: 1000, isRelative: true };
export const MILLISECONDS: ExpiryUnit = { unitMs: 1, isRelative: true };
export const UNIX_SECONDS: ExpiryUnit = { unitMs: 1000, isRelative: false };
export const UNIX_MILLISECONDS: ExpiryUnit = { unitMs: 1, isRelative: false };

/** The unit of an option such as EX; undefined if it is none. */
export function expiryOption(word: Uint8Array): ExpiryUnit | undefined {
  switch (lowerWord(word)) {
    case "ex":
      return SECONDS;
    case "px":
      return MILLISECONDS;
    case "exat":
      return UNIX_SECONDS;
    case "pxat":
      return UNIX_MILLISECONDS;
    default:
      return undefined;
  }
}

/** An end that no reader lives to see: the latest that a number holds exactly, in the year 287396. */
const LATEST_MS = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * When something ends, in milliseconds since 1970, perhaps in the past. Redis takes times up to 2^63; those beyond
 * 2^53 are stored as the latest time there is.
 *
 * @throws {ReplyError} if the argument is not an integer or the time is beyond 64 bits
 */
export function expiryTimeMs(
  argument: Uint8Array,
  unit: ExpiryUnit,
  nowMs: number,
  command: string,
): number {
  const amountMs = wideIntegerArgument(argument) * BigInt(unit.unitMs);
  if (!isOf64Bits(amountMs)) throw invalidExpireTime(command);
  const timeMs = amountMs + (unit.isRelative ? BigInt(Math.floor(nowMs)) : 0n);
  if (!isOf64Bits(timeMs)) throw invalidExpireTime(command);
  if (timeMs > LATEST_MS) return Number(LATEST_MS);
  return timeMs < -LATEST_MS ? -Number(LATEST_MS) : Number(timeMs);
}

/** As {@linkcode expiryTimeMs}, for a value that is being set: the argument must be above zero. */
export function positiveExpiryTimeMs(
  argument: Uint8Array,
  unit: ExpiryUnit,
  nowMs: number,
  command: string,
): number {
  if (wideIntegerArgument(argument) <= 0n) throw invalidExpireTime(command);
  return expiryTimeMs(argument, unit, nowMs, command);
}
