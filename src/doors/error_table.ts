// How every error looks at every door: one table from code to HTTP status and RESP prefix.
//
// The status and the prefix sort errors for machines: is it the request, the moment, or the node? They
// do not tell whether a write took effect; the error's own `outcome` does, and every door shows it too.

import { DenamoError, type ErrorCode, type FailedOutcome, messageOf } from "../wire/errors.ts";

/** How one code is shown. */
export interface ErrorRow {
  readonly httpStatus: number;
  /** The first word of a RESP error, as in `-QUORUM Cannot reach …`. */
  readonly respPrefix: string;
  /** A short title for people, the same for all errors of this code. */
  readonly meaning: string;
}

export const ERROR_TABLE: Readonly<Record<ErrorCode, ErrorRow>> = {
  bad_context: row(400, "BADCONTEXT", "The context is damaged or belongs to another key"),
  bad_request: row(400, "ERR", "The request makes no sense"),
  clock_skew: row(503, "CLOCKSKEW", "The clock of the node is too far from its peers"),
  conflict: row(409, "CONFLICT", "The key has too many siblings"),
  corrupt: row(500, "CORRUPT", "Bytes on a disk are not what was written"),
  disk_failed: row(500, "DISKFAILED", "A disk cannot be read or written"),
  gap: row(503, "GAP", "A copy has not seen what a change builds upon"),
  internal: row(500, "INTERNAL", "The node made a mistake"),
  layout_exists: row(409, "LAYOUTEXISTS", "The cluster already has a layout"),
  layout_refused: row(409, "LAYOUTREFUSED", "The layout cannot be made like this"),
  malformed: row(502, "MALFORMED", "What a node sent to another makes no sense"),
  not_allowed: row(403, "NOTALLOWED", "The node that asks may not ask this"),
  not_ready: row(503, "NOTREADY", "The node cannot serve requests yet"),
  not_a_number: row(400, "ERR", "The value is not a whole number"),
  outdated: row(503, "OUTDATED", "What a node sent was replaced long ago"),
  overloaded: row(503, "OVERLOADED", "A queue is full"),
  quorum: row(503, "QUORUM", "Too few owners answered"),
  stale: row(503, "STALE", "No copy that can be asked has all that the client has seen"),
  stopped: row(503, "STOPPED", "The node is stopping"),
  timeout: row(504, "TIMEOUT", "The time for the request has passed"),
  too_large: row(413, "TOOLARGE", "A key, a value or a request is over its limit"),
  too_late: row(410, "TOOLATE", "The time in which the operation could take effect is over"),
  unsupported: row(501, "UNSUPPORTED", "The node does not offer this"),
  wrong_type: row(409, "WRONGTYPE", "The key holds a value of another type"),
  wrong_layout: row(503, "WRONGLAYOUT", "The nodes do not yet agree on who owns the key"),
};

/** Everything that a door shows of an error. */
export interface ShownError extends ErrorRow {
  readonly code: ErrorCode;
  readonly outcome: FailedOutcome;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * What a door shows of anything that was thrown. What is not a {@linkcode DenamoError} is a mistake in
 * Denamo: its code is `internal`, and as nobody knows what had happened before, its outcome `unknown`.
 */
export function shownError(error: unknown): ShownError {
  if (error instanceof DenamoError) {
    const { code, outcome, message, details } = error;
    return { ...ERROR_TABLE[code], code, outcome, message, details };
  }
  const message = messageOf(error);
  return { ...ERROR_TABLE.internal, code: "internal", outcome: "unknown", message, details: {} };
}

function row(httpStatus: number, respPrefix: string, meaning: string): ErrorRow {
  return { httpStatus, respPrefix, meaning };
}
