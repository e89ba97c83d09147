// Every refusal and failure as application/problem+json (RFC 9457).
//
// What a node throws is shown through the table that all doors share. A few refusals exist only because
// this door speaks HTTP (a route that does not exist, a method that a route does not have): they have
// codes of their own here, so that a client can always decide by `code`.

import { utf8 } from "../../base/bytes.ts";
import { DenamoError } from "../../wire/errors.ts";
import { shownError } from "../error_table.ts";
import type { HttpResponse } from "./message.ts";

/** What only HTTP can get wrong, with status and title. */
const HTTP_CODES = {
  not_found: { status: 404, title: "There is no value under this key" },
  unknown_route: { status: 404, title: "There is no such route" },
  method_not_allowed: { status: 405, title: "The route does not have this method" },
  head_timeout: { status: 408, title: "The head of the request did not arrive in time" },
  head_too_large: { status: 431, title: "The head of the request is too large" },
  precondition_failed: { status: 412, title: "The key does not hold what the request names" },
  body_timeout: { status: 408, title: "The body of the request did not arrive in time" },
  unsupported_media_type: { status: 415, title: "The body of the request has the wrong type" },
} as const;

/** The codes of problems that no other door has. */
export type HttpCode = keyof typeof HTTP_CODES;

export const HTTP_ONLY_CODES = Object.keys(HTTP_CODES) as HttpCode[];

/** A read of an absent key is a good answer, though HTTP calls it a problem. */
export type ProblemOutcome = "ok" | "no";

/** Thrown where a request fails for a reason that only HTTP knows. */
export class HttpProblem extends Error {
  override readonly name = "HttpProblem";
  readonly code: HttpCode;
  readonly outcome: ProblemOutcome;
  readonly details: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: HttpCode,
    message: string,
    { outcome = "no", details = {}, headers = {} }: {
      outcome?: ProblemOutcome;
      details?: Readonly<Record<string, unknown>>;
      headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(message);
    this.code = code;
    this.outcome = outcome;
    this.details = details;
    this.headers = headers;
  }
}

/** The refusal of a request that makes no sense; nothing was done. */
export function badRequest(
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): DenamoError {
  return new DenamoError("bad_request", "no", message, details);
}

/** The answer to a request that ended with `error`, whatever that is. */
export function problemResponse(error: unknown): HttpResponse {
  if (error instanceof HttpProblem) {
    const { code, outcome, message, details, headers } = error;
    return respond({ ...HTTP_CODES[code], code, outcome, message, details }, headers);
  }
  const shown = shownError(error);
  const headers: Record<string, string> = shown.code === "overloaded" ? { "retry-after": "1" } : {};
  return respond({ ...shown, status: shown.httpStatus, title: shown.meaning }, headers);
}

interface Shown {
  readonly status: number;
  readonly title: string;
  readonly code: string;
  readonly outcome: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

function respond(shown: Shown, headers: Readonly<Record<string, string>>): HttpResponse {
  const { status, title, code, outcome, message, details } = shown;
  const type = `urn:denamo:problem:${code}`;
  const problem = { ...details, type, title, status, detail: message, code, outcome };
  return {
    status,
    headers: { ...headers, "content-type": "application/problem+json" },
    body: utf8(JSON.stringify(problem, plain)),
  };
}

/** Details are for people and scripts: what JSON cannot say is shown as text, and bytes are for nodes only. */
function plain(_name: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return undefined;
  return typeof value === "bigint" ? String(value) : value;
}
