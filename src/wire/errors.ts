// The errors that a caller can act upon.
//
// Each has a stable code, its outcome, and its numbers. The outcome answers the one question that
// matters after a failed write: can it have taken effect? "no" is certain; "unknown" is honest.

/** `no`: certainly without effect. `unknown`: it may take effect, now or later. */
export type FailedOutcome = "no" | "unknown";

/** Every code that leaves a node. Doors map them in one table. */
export const ERROR_CODES = [
  "bad_context",
  "bad_request",
  "clock_skew",
  "conflict",
  "corrupt",
  "disk_failed",
  "gap",
  "internal",
  "layout_exists",
  "layout_refused",
  "malformed",
  "not_a_number",
  "not_allowed",
  "not_ready",
  "outdated",
  "overloaded",
  "quorum",
  "stale",
  "stopped",
  "timeout",
  "too_large",
  "too_late",
  "unsupported",
  "wrong_layout",
  "wrong_type",
] as const;

export type ErrorCode = typeof ERROR_CODES[number];

/** Numbers and names that belong to an error, as every door shows them. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** The parent of all errors below, and the whole of those that need no class of their own. */
export class DenamoError extends Error {
  override readonly name: string = "DenamoError";
  readonly code: ErrorCode;
  readonly outcome: FailedOutcome;
  readonly details: ErrorDetails;

  constructor(
    code: ErrorCode,
    outcome: FailedOutcome,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message);
    this.code = code;
    this.outcome = outcome;
    this.details = details;
  }
}

/** Too few owners answered. `causes` tells what became of each that did not. */
export class QuorumError extends DenamoError {
  override readonly name = "QuorumError";
  readonly needed: number;
  readonly got: number;
  readonly asked: number;
  readonly causes: readonly string[];

  constructor(
    action: string,
    outcome: FailedOutcome,
    numbers: { needed: number; got: number; asked: number; causes: readonly string[] },
  ) {
    const { needed, got, asked, causes } = numbers;
    const why = causes.length > 0 ? `, ${causes.join(", ")}` : "";
    super(
      "quorum",
      outcome,
      `Cannot reach ${action}: ${got} of ${needed} needed from ${asked} asked${why}`,
      { ...numbers },
    );
    this.needed = needed;
    this.got = got;
    this.asked = asked;
    this.causes = causes;
  }
}

/** The time that the caller gave has passed. */
export class TimeoutError extends DenamoError {
  override readonly name = "TimeoutError";

  constructor(action: string, outcome: FailedOutcome, timeoutMs: number) {
    super("timeout", outcome, `${action} took longer than ${timeoutMs} ms`, { timeoutMs });
  }
}

/** A queue or a memory is full. Mostly nothing was done; try again a little later or elsewhere. */
export class OverloadedError extends DenamoError {
  override readonly name = "OverloadedError";
  readonly limit: number;

  constructor(what: string, limit: number, outcome: FailedOutcome = "no") {
    super("overloaded", outcome, `${what} is full: limit ${limit}`, { limit });
    this.limit = limit;
  }
}

/** A key, a value, an object or a message is over its limit. Sizes in bytes. */
export class TooLargeError extends DenamoError {
  override readonly name = "TooLargeError";
  readonly limit: number;
  readonly size: number;

  constructor(what: string, limit: number, size: number) {
    super("too_large", "no", `${what} is too large: ${size} bytes, limit ${limit}`, {
      limit,
      size,
    });
    this.limit = limit;
    this.size = size;
  }
}

/** A put without a covering context met too many siblings. Read them, merge them, put with the context. */
export class ConflictError extends DenamoError {
  override readonly name = "ConflictError";
  readonly siblings: number;

  constructor(key: string, siblings: number, limit: number) {
    super(
      "conflict",
      "no",
      `Key "${key}" has ${siblings} siblings, limit ${limit}: read them and put with their context`,
      { siblings, limit },
    );
    this.siblings = siblings;
  }
}

/** Bytes on a disk are not what was written. They are never read as absent. */
export class CorruptError extends DenamoError {
  override readonly name = "CorruptError";
  readonly where: string;
  /** The bytes are whole, and of a version that this program does not know: another program may read them. */
  readonly isOtherVersion: boolean;

  constructor(where: string, problem: string, isOtherVersion = false) {
    super("corrupt", "no", `Corrupt data in ${where}: ${problem}`, { where });
    this.where = where;
    this.isOtherVersion = isOtherVersion;
  }
}

/** A disk has no room for what it shall store. Reads go on, and so may removals. */
export class DiskFullError extends DenamoError {
  override readonly name = "DiskFullError";

  constructor(action: string, cause?: unknown) {
    const why = cause === undefined ? "" : `: ${messageOf(cause)}`;
    super("disk_failed", "unknown", `${action}, there is no room left${why}`);
    this.cause = cause;
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
