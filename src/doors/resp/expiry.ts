// Times to live, from words of commands to milliseconds since 1970.

import { integerArgument } from "./arguments.ts";
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

/**
 * When something ends, in milliseconds since 1970, perhaps in the past.
 *
 * @throws {ReplyError} if the argument is no integer or the time is beyond 2^53
 */
export function expiryTimeMs(
  argument: Uint8Array,
  unit: ExpiryUnit,
  nowMs: number,
  command: string,
): number {
  const timeMs = integerArgument(argument) * unit.unitMs + (unit.isRelative ? nowMs : 0);
  if (!Number.isSafeInteger(timeMs)) throw invalidExpireTime(command);
  return timeMs;
}

/** As {@linkcode expiryTimeMs}, for a value that is being set: the argument must be above zero. */
export function positiveExpiryTimeMs(
  argument: Uint8Array,
  unit: ExpiryUnit,
  nowMs: number,
  command: string,
): number {
  if (integerArgument(argument) <= 0) throw invalidExpireTime(command);
  return expiryTimeMs(argument, unit, nowMs, command);
}
