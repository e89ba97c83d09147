// The limits of the HTTP door, in one place.

import { LIMITS } from "../../wire/limits.ts";

/** Sizes in bytes, unless the name says otherwise. */
export const HTTP_LIMITS = {
  /** A request line and all fields: both tokens at their longest, an escaped key, and what clients add. */
  head: 2 * LIMITS.contextToken + 16 * 1024,
  /** How long a client may take to send the head of a request, from its first byte. */
  headMs: 10_000,
  /** How long a client may take to send one body. */
  bodyMs: 30_000,
  /** After so long a connection without a request is closed: longer than clients keep theirs for use again. */
  idleMs: 120_000,
  /** A client that takes nothing of its answer for so long is cut off. */
  slowReaderMs: 30_000,
  /** How long a connection whose request was not read to its end may go on sending before it is cut off. */
  lingerMs: 1_000,
  /** How long requests under way may take to end once the door stops. */
  drainMs: 2_000,
} as const;
