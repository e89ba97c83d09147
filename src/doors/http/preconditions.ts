// Conditional requests (RFC 9110, section 13): which conditions are honoured, and which are refused.
//
// A condition that is passed over does harm: of two clients that put with `If-None-Match: *` to get a lock both would
// believe that they have it. A key has no owner who could decide that, so creating it only if it is
// absent is refused. What can be had is that a put replaces exactly what its client has read: the ETag of a value is its
// context, and with `If-Match` the put is refused with 412 if a read finds anything else, and carries that context
// otherwise. A write that comes between the two stays as a sibling, and nothing is lost.

import type { NodeApi, ReadResult } from "../../node/api.ts";
import { DenamoError } from "../../wire/errors.ts";
import type { HttpRequest } from "./message.ts";
import { badRequest, HttpProblem } from "./problem.ts";

export const IF_MATCH_HEADER = "If-Match";
export const IF_NONE_MATCH_HEADER = "If-None-Match";
const CONTEXT_HEADER = "Denamo-Context";

/** Conditions on a write that nobody can decide. */
const UNDECIDABLE_HEADERS = [
  IF_NONE_MATCH_HEADER,
  "If-Modified-Since",
  "If-Unmodified-Since",
  "If-Range",
] as const;

/** The ETag of what is shown alone under this context. */
export function etagOf(context: string): string {
  return `"${context}"`;
}

/** Whether a client that sends `If-None-Match` with a read has what is there already: the answer is 304. */
export function hasAlready(request: HttpRequest, context: string): boolean {
  const header = request.headers.get(IF_NONE_MATCH_HEADER);
  return header !== null && (header.trim() === "*" || tagsIn(header).includes(context));
}

/**
 * Refuses the conditions that a write cannot honour, and parts of a value.
 *
 * @param takesIfMatch whether the operation honours If-Match
 * @throws {DenamoError} `unsupported` or `bad_request`; nothing was done
 */
export function refuseConditions({ headers }: HttpRequest, takesIfMatch: boolean): void {
  if (headers.get("Content-Range") !== null) {
    throw badRequest("A put takes the whole value, not a range");
  }
  const refused = UNDECIDABLE_HEADERS.find((name) => headers.get(name) !== null) ??
    (takesIfMatch || headers.get(IF_MATCH_HEADER) === null ? undefined : IF_MATCH_HEADER);
  if (refused === undefined) return;
  const message = `${refused} cannot be honoured: no node decides alone what a key holds. ` +
    `Read the key and put with ${IF_MATCH_HEADER} or ${CONTEXT_HEADER}`;
  throw new DenamoError("unsupported", "no", message, { header: refused });
}

/**
 * The context that a write carries: as its client gives it, or what a read finds if that is what If-Match names.
 *
 * @param read reads the key that is to be written
 * @throws {HttpProblem} `precondition_failed` if it holds something else
 */
export async function contextOfWrite(
  { headers }: HttpRequest,
  read: () => ReturnType<NodeApi["get"]>,
): Promise<string | undefined> {
  const context = headers.get(CONTEXT_HEADER) ?? undefined;
  const condition = headers.get(IF_MATCH_HEADER);
  if (condition === null) return context;
  if (context !== undefined) {
    throw badRequest(`${IF_MATCH_HEADER} and ${CONTEXT_HEADER} exclude each other`);
  }
  const found = await read();
  if (isNamed(condition, found)) return found.context();
  throw new HttpProblem("precondition_failed", "The key does not hold what If-Match names", {
    headers: { [CONTEXT_HEADER]: found.context() },
  });
}

function isNamed(condition: string, found: ReadResult): boolean {
  if (condition.trim() === "*") return found.exists;
  return found.exists && tagsIn(condition).includes(found.context());
}

/** The opaque tags of a list of ETags. A weak one is as good: equal contexts are equal values. */
function tagsIn(header: string): string[] {
  return [...header.matchAll(/(?:W\/)?"([^"]*)"/g)].map(([, tag]) => tag!);
}
