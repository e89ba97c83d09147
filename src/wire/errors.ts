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

/** What has gone wrong, for programs: it stays the same from version to version. */
export type ErrorCode = typeof ERROR_CODES[number];

/** Numbers and names that belong to an error, as every door shows them. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** The parent of all errors below, and the whole of those that need no class of their own. */
export class DenamoError extends Error {
  /** The name of its class. */
  override readonly name: string = "DenamoError";
  /** What has gone wrong, for programs. */
  readonly code: ErrorCode;
  /** Whether what was asked for may have taken effect. */
  readonly outcome: FailedOutcome;
  /** Its numbers and names, as every door shows them. */
  readonly details: ErrorDetails;

  /**
   * An error without a class of its own.
   *
   * @param message says what could not be done, and why, without a full stop
   */
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
  /** The name of its class. */
  override readonly name = "QuorumError";
  /** How many owners had to answer. */
  readonly needed: number;
  /** How many have. */
  readonly got: number;
  /** How many owners could be asked. */
  readonly asked: number;
  /** What became of each that did not: its name and a short phrase. */
  readonly causes: readonly string[];

  /**
   * Its message gives the numbers and the causes.
   *
   * @param action what could not be reached, such as `write quorum for "cart"`
   */
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
  /** The name of its class. */
  override readonly name = "TimeoutError";

  /**
   * Its message gives the time.
   *
   * @param action what took so long, as the subject of a sentence
   * @param timeoutMs the time that was given, in milliseconds
   */
  constructor(action: string, outcome: FailedOutcome, timeoutMs: number) {
    super("timeout", outcome, `${action} took longer than ${timeoutMs} ms`, { timeoutMs });
  }
}

/** A queue or a memory is full. Mostly nothing was done; try again a little later or elsewhere. */
export class OverloadedError extends DenamoError {
  /** The name of its class. */
  override readonly name = "OverloadedError";
  /** How much fits in, in what the message says. */
  readonly limit: number;

  /**
   * Its message gives the limit.
   *
   * @param what the queue or memory that is full, as the subject of a sentence
   * @param limit how much fits in
   */
  constructor(what: string, limit: number, outcome: FailedOutcome = "no") {
    super("overloaded", outcome, `${what} is full: limit ${limit}`, { limit });
    this.limit = limit;
  }
}

/** A key, a value, an object or a message is over its limit. Sizes in bytes. */
export class TooLargeError extends DenamoError {
  /** The name of its class. */
  override readonly name = "TooLargeError";
  /** The most that is allowed, in bytes. */
  readonly limit: number;
  /** How much it is, in bytes. */
  readonly size: number;

  /**
   * Its message gives both sizes.
   *
   * @param what is too large, as the subject of a sentence
   * @param limit in bytes
   * @param size in bytes
   */
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
  /** The name of its class. */
  override readonly name = "ConflictError";
  /** How many siblings the key has. */
  readonly siblings: number;

  /**
   * Its message says what to do.
   *
   * @param key for the message
   * @param siblings how many the key has
   * @param limit how many it may have
   */
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
  /** The name of its class. */
  override readonly name = "CorruptError";
  /** The file or record that is damaged. */
  readonly where: string;
  /** The bytes are whole, and of a version that this program does not know: another program may read them. */
  readonly isOtherVersion: boolean;

  /**
   * Its message gives both.
   *
   * @param where the file or record
   * @param problem what is wrong with it, as the end of a sentence
   */
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
