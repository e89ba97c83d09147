// How a command that failed ends: one message, and the exit code that fits.

import { DenamoError, messageOf } from "../wire/errors.ts";
import { ConfigError } from "./config.ts";
import { EXIT_CODES, type ExitCode } from "./exit_codes.ts";
import { ProblemError, UnreachableError } from "./http_client.ts";

/** What was asked for makes no sense. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A node or a cluster could not start, or had to give up. */
export class CannotRunError extends Error {
  override readonly name = "CannotRunError";
}

/** The exit code of anything that a command may throw. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError || error instanceof ConfigError) return EXIT_CODES.usage;
  if (error instanceof CannotRunError) return EXIT_CODES.cannotRun;
  if (error instanceof UnreachableError) {
    return error.isOutcomeUnknown ? EXIT_CODES.unknownOutcome : EXIT_CODES.unreachable;
  }
  if (error instanceof ProblemError) {
    const { code, outcome } = error.problem;
    if (code === "not_found") return EXIT_CODES.notFound;
    if (code === "bad_request" || code === "bad_context") return EXIT_CODES.usage;
    return outcome === "no" ? EXIT_CODES.refused : EXIT_CODES.unknownOutcome;
  }
  if (error instanceof DenamoError) {
    return error.outcome === "no" ? EXIT_CODES.refused : EXIT_CODES.unknownOutcome;
  }
  return EXIT_CODES.internal;
}

/** What people are told of it: one or more lines. */
export function describeError(error: unknown): string {
  if (error instanceof ConfigError) {
    const { mistakes } = error;
    const count = mistakes.length === 1 ? "a mistake" : `${mistakes.length} mistakes`;
    return [`The configuration has ${count}:`, ...mistakes.map((line) => `  ${line}`)].join("\n");
  }
  const code = exitCodeOf(error);
  if (code === EXIT_CODES.internal) {
    const trace = error instanceof Error && error.stack !== undefined ? `\n${error.stack}` : "";
    return `A mistake in Denamo: ${messageOf(error)}${trace}`;
  }
  const message = messageOf(error);
  if (code !== EXIT_CODES.unknownOutcome) return message;
  return `${message}\nThe outcome is unknown: it may take effect, now or later`;
}

/** The same for machines: a problem as nodes answer it (RFC 9457). */
export function errorAsJson(error: unknown): unknown {
  if (error instanceof ProblemError) return error.problem;
  const exitCode = exitCodeOf(error);
  const outcome = exitCode === EXIT_CODES.unknownOutcome || exitCode === EXIT_CODES.internal
    ? "unknown"
    : "no";
  const [name] = Object.entries(EXIT_CODES).find(([, code]) => code === exitCode)!;
  const title = messageOf(error);
  return { type: `urn:denamo:cli:${name}`, title, outcome, exitCode };
}
