// The times that a client may name in a request.

import { DenamoError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import type { RequestOptions } from "./api.ts";

/** When a request is given up, in milliseconds, if it says so. @throws {DenamoError} `bad_request` */
export function timeoutOf({ timeoutMs }: RequestOptions): number | undefined {
  if (timeoutMs === undefined) return undefined;
  if (timeoutMs >= 1 && timeoutMs <= LIMITS.timeoutMsMax) return timeoutMs;
  const message = `timeoutMs must be from 1 to ${LIMITS.timeoutMsMax}, not ${timeoutMs}`;
  throw new DenamoError("bad_request", "no", message);
}

/** Checks when a value ends, in milliseconds since 1970. @throws {DenamoError} `bad_request` */
export function checkTime(expiresAtMs: number): void {
  if (Number.isSafeInteger(expiresAtMs) && expiresAtMs > 0) return;
  const message = `expiresAtMs must be a whole number of milliseconds above 0, not ${expiresAtMs}`;
  throw new DenamoError("bad_request", "no", message);
}
