// How much one node tells another of a failure.
//
// What a failure says goes into answers, logs and other failures, and its causes are failures themselves. So whoever
// sends one cuts it, and whoever receives one cuts it again.

import type { ErrorDetails } from "./errors.ts";
import { LIMITS } from "./limits.ts";

/** A text of at most {@linkcode LIMITS.failureCharacters}, which has one form as UTF-8. */
export function boundedText(text: string): string {
  const limit = LIMITS.failureCharacters;
  return (text.length <= limit ? text : `${text.slice(0, limit - 3)}...`).toWellFormed();
}

/** What may go with a failure: numbers, texts, bytes and lists of them under short names. The rest is left out. */
export function boundedDetails(details: unknown): ErrorDetails {
  if (typeof details !== "object" || details === null || Array.isArray(details)) return {};
  const bounded: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(details).slice(0, LIMITS.failureDetailCount)) {
    const kept = Array.isArray(value)
      ? value.slice(0, LIMITS.failureDetailCount).map(boundedValue)
      : boundedValue(value);
    if (kept !== undefined && name.length <= LIMITS.nodeName) bounded[name] = kept;
  }
  return bounded;
}

function boundedValue(value: unknown): unknown {
  switch (typeof value) {
    case "number":
    case "boolean":
      return value;
    case "string":
      return boundedText(value);
    default:
      return value instanceof Uint8Array && value.length <= LIMITS.message ? value : undefined;
  }
}
