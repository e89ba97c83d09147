// Counting answers. It knows nothing of the network.

import { showBytes } from "../base/bytes.ts";
import type { QuorumLevel } from "../replica/namespaces.ts";
import { DenamoError, type FailedOutcome, messageOf, QuorumError } from "../wire/errors.ts";

/**
 * How many answers a level means among `owners` owners.
 *
 * @throws {DenamoError} `bad_request` for a number that they can never reach
 */
export function answersNeeded(level: QuorumLevel, owners: number, name: "r" | "w"): number {
  switch (level) {
    case "one":
      return 1;
    case "quorum":
      return Math.floor(owners / 2) + 1;
    case "all":
      return owners;
  }
  if (Number.isInteger(level) && level >= 1 && level <= owners) return level;
  const message = `${name} must be a whole number from 1 to ${owners}, the number of owners, or ` +
    `one, quorum or all, not ${level}`;
  throw new DenamoError("bad_request", "no", message, { limit: owners });
}

/** Counts the answers of owners to one request; each owner counts once. */
export class Quorum {
  readonly #kind: "read" | "write";
  readonly #key: Uint8Array;
  readonly #needed: number;
  readonly #owners: number;
  readonly #causes: string[] = [];
  #got = 0;

  constructor(kind: "read" | "write", key: Uint8Array, needed: number, owners: number) {
    this.#kind = kind;
    this.#key = key;
    this.#needed = needed;
    this.#owners = owners;
  }

  /** Whether enough owners have answered. */
  get isReached(): boolean {
    return this.#got >= this.#needed;
  }

  /** Whether so many have failed that the rest cannot be enough. */
  get isLost(): boolean {
    return this.#owners - this.#causes.length < this.#needed;
  }

  /** How many answers are still missing. */
  get missing(): number {
    return Math.max(0, this.#needed - this.#got);
  }

  /** Counts an answer. */
  succeed(): void {
    this.#got++;
  }

  /** Counts a failure. */
  fail(node: string, cause: unknown): void {
    const code = cause instanceof DenamoError && cause.code === "timeout" ? "" : " refused:";
    this.#causes.push(`${node}${code} ${lowerFirst(messageOf(cause))}`);
  }

  /** The error of a read that only stand-ins have answered, with nothing: that is no absence. */
  unseenError(): QuorumError {
    return new QuorumError(
      `an owner of "${showBytes(this.#key)}", of which others hold nothing`,
      "no",
      {
        needed: 1,
        got: 0,
        asked: this.#owners,
        causes: [...this.#causes],
      },
    );
  }

  /** The error that tells how far it got. */
  error(outcome: FailedOutcome): QuorumError {
    return new QuorumError(`${this.#kind} quorum for "${showBytes(this.#key)}"`, outcome, {
      needed: this.#needed,
      got: this.#got,
      asked: this.#owners,
      causes: [...this.#causes],
    });
  }
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
