// How the commands speak to a node: over its HTTP door, as any script could.
//
// Every failure is sorted into the three outcomes. A connection that was never made has done nothing; a
// write whose connection broke after it was sent may have happened.

import { messageOf } from "../wire/errors.ts";

/** What a node answers instead of a result: RFC 9457 with Denamo's own fields. */
export interface Problem {
  readonly status: number;
  readonly title?: string;
  readonly detail?: string;
  readonly code?: string;
  readonly outcome?: string;
  readonly [detail: string]: unknown;
}

/** The node has answered with a problem. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problem: Problem;
  readonly headers: Headers;

  constructor(problem: Problem, headers: Headers) {
    super(problem.detail ?? problem.title ?? `The node answered with status ${problem.status}`);
    this.problem = problem;
    this.headers = headers;
  }
}

/** There was no answer of a node. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
  /** Whether the request may have had an effect all the same. */
  readonly isOutcomeUnknown: boolean;

  constructor(message: string, isOutcomeUnknown: boolean) {
    super(message);
    this.isOutcomeUnknown = isOutcomeUnknown;
  }
}

export interface HttpRequest {
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: Uint8Array<ArrayBuffer> | string;
  /** When to give up waiting, in milliseconds. */
  readonly timeoutMs?: number;
  /** Gives up waiting. */
  readonly signal?: AbortSignal;
}

/** How long a node may take when nobody says otherwise: longer than it waits for others itself. */
const ANSWER_TIMEOUT_MS = 65_000;

/** One node, at `http://host:port`. */
export class HttpClient {
  readonly url: string;

  /** @throws {TypeError} if the text is no URL of HTTP */
  constructor(url: string) {
    const parsed = URL.parse(url);
    if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
      throw new TypeError(`"${url}" is no URL of a node, like http://127.0.0.1:7301`);
    }
    this.url = parsed.href.replace(/[?#].*$/, "").replace(/\/+$/, "");
  }

  /**
   * Sends a request and waits for the whole answer.
   *
   * @throws {ProblemError} if the node answers with a status of 400 or above
   * @throws {UnreachableError} if nobody answers, or somebody who is no node
   */
  async request(
    method: "GET" | "PUT" | "POST" | "DELETE",
    path: string,
    request: HttpRequest = {},
  ): Promise<HttpAnswer> {
    const timeoutMs = request.timeoutMs ?? ANSWER_TIMEOUT_MS;
    const timeout = AbortSignal.timeout(timeoutMs);
    const mayHaveEffect = method !== "GET";
    let response: Response;
    let body: Uint8Array;
    try {
      response = await fetch(this.url + path + queryText(request.query), {
        method,
        headers: present(request.headers),
        body: request.body ?? null,
        redirect: "manual",
        signal: request.signal ? AbortSignal.any([timeout, request.signal]) : timeout,
      });
      body = await response.bytes();
    } catch (error) {
      if (timeout.aborted) {
        const message = `No answer from ${this.url} within ${timeoutMs} ms`;
        throw new UnreachableError(message, mayHaveEffect);
      }
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      const isNeverSent = /client error \(Connect\)|are blocked/.test(messageOf(cause));
      throw new UnreachableError(
        `Cannot reach a node at ${this.url}: ${shortReason(messageOf(cause))}`,
        mayHaveEffect && !isNeverSent,
      );
    }
    const answer = new HttpAnswer(this.url, response.status, response.headers, body);
    if (response.status >= 400) throw answer.problem(mayHaveEffect);
    return answer;
  }
}

/** A whole answer. */
export class HttpAnswer {
  readonly #url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;

  constructor(url: string, status: number, headers: Headers, body: Uint8Array) {
    this.#url = url;
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  /** The media type without its parameters. */
  get mediaType(): string {
    return (this.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  }

  text(): string {
    return new TextDecoder().decode(this.body);
  }

  /** The body as JSON. @throws {UnreachableError} if it is none: then this is no node */
  // deno-lint-ignore no-explicit-any -- the callers know what they asked for
  json(): any {
    return this.#parse();
  }

  /** The same for showing: numbers too large for JavaScript are kept digit by digit. */
  // deno-lint-ignore no-explicit-any -- the callers know what they asked for
  exactJson(): any {
    return this.#parse(keepDigits);
  }

  #parse(reviver?: JsonReviver): unknown {
    try {
      return JSON.parse(this.text(), reviver as Parameters<typeof JSON.parse>[1]);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new UnreachableError(`What answers at ${this.#url} is no Denamo node`, false);
    }
  }

  /** The error that this answer is. What a proxy answers of itself leaves open what the node did. */
  problem(mayHaveEffect: boolean): ProblemError | UnreachableError {
    if (this.mediaType !== "application/problem+json") {
      const message = `What answers at ${this.#url} is no Denamo node: status ${this.status}`;
      return new UnreachableError(message, mayHaveEffect && this.status >= 500);
    }
    return new ProblemError({ ...this.json(), status: this.status }, this.headers);
  }
}

/**
 * The path of a key: every byte that has a meaning in a URL is written as percent and two digits.
 *
 * @throws {RangeError} for keys that no URL can hold
 */
export function keyPath(key: Uint8Array): string {
  const path = encodePath(key);
  if (path === "") throw new RangeError("The key is empty");
  if (path === "." || path === "..") {
    throw new RangeError(`The key "${path}" cannot stand in a URL: use the Redis protocol for it`);
  }
  return `/kv/${path}`;
}

/** Bytes as one segment of a path. */
export function encodePath(bytes: Uint8Array): string {
  let path = "";
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    path += /[A-Za-z0-9_.~-]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return path;
}

type JsonReviver = (key: string, value: unknown, context: { source?: string }) => unknown;

/** Source text access is in the language (ES2026) and not yet in TypeScript's library. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

const keepDigits: JsonReviver = (_, value, { source }) =>
  typeof value === "number" && source !== undefined && String(value) !== source
    ? rawJSON(source)
    : value;

function queryText(query: HttpRequest["query"]): string {
  const pairs = Object.entries(present(query)).map(([name, value]) =>
    `${name}=${encodeURIComponent(value)}`
  );
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

function present(
  values: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) if (value !== undefined) result[name] = value;
  return result;
}

/** The end of the long chain of causes that fetch reports is the one that tells something. */
function shortReason(message: string): string {
  const parts = message.split(": ");
  return (parts.at(-1) ?? message).replace(/ \(os error \d+\)$/, "");
}
