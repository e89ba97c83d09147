// How long an owner may be away before nothing more is kept for it.
//
// What is kept for an owner grows for as long as it is away, and who has been away for hours may stay away for
// days. So after a while its fallbacks take nothing more, and writes have to do without it. What was kept
// before goes on waiting; the rest of what it missed it gets from the other owners, by comparison, once it is
// back.
//
// Source: Cassandra's `max_hint_window`, three hours as well.

import { DenamoError } from "../wire/errors.ts";

export const DEFAULT_HINT_WINDOW_MS = 3 * 3_600_000;

/**
 * Why nothing more is kept for an owner that has been away for so long; undefined if it is. The message is said
 * of the owner, as "is not connected" is.
 *
 * The code is not `overloaded`: that would count against the fallback, which is well (see wire/breaker.ts).
 */
export function hintWindowProblem(
  owner: string,
  awayMs: number,
  windowMs: number,
): DenamoError | undefined {
  if (awayMs <= windowMs) return undefined;
  const message = `has been away for ${minutes(awayMs)}: nothing more is kept for it after ` +
    minutes(windowMs);
  return new DenamoError("timeout", "no", message, { owner, awayMs, windowMs });
}

/** Whether somebody keeps nothing more for an owner since it has been away for too long. */
export function isTooLongAway(error: unknown): error is DenamoError {
  return error instanceof DenamoError && error.details["windowMs"] !== undefined;
}

function minutes(ms: number): string {
  return `${Math.floor(ms / 60_000)} min`;
}
