// Messages between nodes as bytes: one MessagePack array each.
//
//   request := [0, id, method, timeoutMs, argument ...]
//   answer  := [1, id, result ...]
//   failure := [2, id, code, outcome, message, details]
//
// What arrives was written by another program, so its shape and its envelope are checked here and every argument
// where it is read (see arguments.ts). The memory that a message takes is in proportion to its bytes.

import { Decoder, Encoder } from "@msgpack/msgpack";
import { MalformedError } from "../base/malformed.ts";
import { checkMsgpack, type MsgpackBounds } from "../base/msgpack_shape.ts";
import { DenamoError, ERROR_CODES, type ErrorCode } from "./errors.ts";
import { boundedDetails, boundedText } from "./failure_bounds.ts";
import { LIMITS } from "./limits.ts";

const REQUEST = 0;
const ANSWER = 1;
const FAILURE = 2;

/** What a request asks for. The numbers are the wire format: never give one a second meaning. */
export const METHODS = {
  store: 1,
  read: 2,
  scan: 3,
  coordinate: 4,
  fetchLayout: 5,
  promiseLayout: 6,
  installLayout: 7,
  refute: 8,
  roots: 9,
  leaves: 10,
  entries: 11,
  hints: 13,
  repair: 14,
  probe: 15,
  probeFor: 16,
  level: 17,
  promiseFloor: 18,
  keptBelow: 19,
  fence: 20,
  raiseFloor: 21,
  storeDelta: 22,
  fetchNamespaces: 23,
  fetchSealKeys: 24,
} as const;

export type Method = typeof METHODS[keyof typeof METHODS];

/** A request as it arrived. Its arguments are unchecked. */
export interface IncomingRequest {
  readonly kind: "request";
  readonly id: number;
  readonly method: number;
  readonly timeoutMs: number;
  readonly arguments: readonly unknown[];
}

export interface IncomingAnswer {
  readonly kind: "answer";
  readonly id: number;
  readonly result: readonly unknown[];
}

export interface IncomingFailure {
  readonly kind: "failure";
  readonly id: number;
  readonly error: DenamoError;
}

export type IncomingMessage = IncomingRequest | IncomingAnswer | IncomingFailure;

const encoder = new Encoder({ initialBufferSize: 16 * 1024, ignoreUndefined: true });
const BOUNDS: MsgpackBounds = {
  depth: LIMITS.messageDepth,
  elementCount: LIMITS.messageElementCount,
  hasStrictTexts: true,
};

const decoder = new Decoder({ maxMapLength: LIMITS.failureDetailCount, maxExtLength: 0 });

/** The bytes of a request: a view that the next encoding overwrites. */
export function encodeRequest(
  id: number,
  method: Method,
  timeoutMs: number,
  args: readonly unknown[],
): Uint8Array {
  return encoder.encodeSharedRef([REQUEST, id, method, Math.ceil(timeoutMs), ...args]);
}

/** The bytes of an answer: a view that the next encoding overwrites. */
export function encodeAnswer(id: number, result: readonly unknown[]): Uint8Array {
  return encoder.encodeSharedRef([ANSWER, id, ...result]);
}

/** The bytes of a failure: a view that the next encoding overwrites. */
export function encodeFailure(id: number, error: DenamoError): Uint8Array {
  const { code, outcome } = error;
  const message = boundedText(error.message);
  const details = boundedDetails(error.details);
  return encoder.encodeSharedRef([FAILURE, id, code, outcome, message, details]);
}

/**
 * Reads a message. Byte strings in it are views of `bytes`.
 *
 * @throws {MalformedError} if it is none
 */
export function decodeMessage(bytes: Uint8Array): IncomingMessage {
  checkMsgpack(bytes, BOUNDS, "message");
  let parts: unknown;
  try {
    parts = decoder.decode(bytes);
  } catch (error) {
    throw new MalformedError("message", error instanceof Error ? error.message : String(error));
  }
  if (!Array.isArray(parts)) throw new MalformedError("message", "it is no array");
  const id = parts[1];
  if (!isCount(id)) throw new MalformedError("message", "its id is no whole number");
  switch (parts[0]) {
    case REQUEST: {
      const [, , method, timeoutMs] = parts;
      if (!isCount(method) || !isCount(timeoutMs) || timeoutMs > LIMITS.messageTimeoutMs) {
        throw new MalformedError("message", "a request has no method or no timeout");
      }
      return { kind: "request", id, method, timeoutMs, arguments: parts.slice(4) };
    }
    case ANSWER:
      return { kind: "answer", id, result: parts.slice(2) };
    case FAILURE:
      return { kind: "failure", id, error: readError(parts) };
    default:
      throw new MalformedError("message", `kind ${String(parts[0])} is unknown`);
  }
}

function readError(parts: readonly unknown[]): DenamoError {
  const [, , code, outcome, message, details] = parts;
  if (typeof message !== "string" || (outcome !== "no" && outcome !== "unknown")) {
    throw new MalformedError("message", "a failure has no message or no outcome");
  }
  // A newer peer may know more codes than we do; what it means for the caller is in the outcome.
  const known: ErrorCode = ERROR_CODES.includes(code as ErrorCode) ? code as ErrorCode : "internal";
  return new DenamoError(known, outcome, boundedText(message), boundedDetails(details));
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
