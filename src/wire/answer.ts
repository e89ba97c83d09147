// Reading what a peer has answered.
//
// An answer that makes no sense is a failure of that peer, as a refusal is: whoever asked turns to another, or tries
// again. It must not look like a mistake of this node, which ends whatever was under way.

import { MalformedError } from "../base/malformed.ts";
import { Arguments } from "./arguments.ts";
import { DenamoError, type FailedOutcome } from "./errors.ts";

/**
 * What `read` makes of an answer.
 *
 * @param where names the answer in errors
 * @param outcome whether what was asked for may have been done
 * @throws {DenamoError} `internal` if the answer makes no sense
 */
export function readAnswer<T>(
  reply: readonly unknown[],
  where: string,
  read: (args: Arguments) => T,
  outcome: FailedOutcome = "no",
): T {
  try {
    return read(new Arguments(reply, where));
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    const message = `A peer has answered what makes no sense: ${error.message}`;
    throw new DenamoError("internal", outcome, message);
  }
}
