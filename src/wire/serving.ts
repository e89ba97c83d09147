// The serving half of Rpc: who may ask, who answers, and what goes back.

import { MalformedError } from "../base/malformed.ts";
import type { Log } from "../ports/log.ts";
import type { Lane, PeerId } from "../ports/network.ts";
import { DenamoError, messageOf, TooLargeError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { encodeAnswer, encodeFailure, type IncomingRequest, type Method } from "./message_codec.ts";
import { CarriedNonsense } from "./nonsense.ts";
import { methodName, type Standing, standingProblem } from "./standing.ts";

/**
 * Serves one method. It answers by resolving; a DenamoError goes back as it is. A MalformedError says that the
 * arguments make no sense: it may be thrown only as long as the request has had no effect.
 */
export type RequestHandler = (
  request: IncomingRequest,
  from: PeerId,
) => readonly unknown[] | Promise<readonly unknown[]>;

export interface ServingOptions {
  readonly log: Log;
  /** What an admitted peer is at present; asked for every request. */
  readonly standingOf: (peer: PeerId) => Standing;
  /** The connection to a peer; another one after a break. */
  readonly connectionTo: (peer: PeerId) => unknown;
  readonly send: (to: PeerId, lane: Lane, bytes: Uint8Array) => void;
  /** A request made sense. */
  readonly madeSense: (from: PeerId) => void;
  /** A request, or only what it carries, made none. */
  readonly madeNoSense: (
    from: PeerId,
    kind: string,
    problem: string,
    isCarried: boolean,
  ) => void;
}

export class Serving {
  readonly #options: ServingOptions;
  readonly #handlers = new Map<number, RequestHandler>();
  #refused = 0;

  constructor(options: ServingOptions) {
    this.#options = options;
  }

  /** How many requests were refused because their sender may not make them. */
  get refusedCount(): number {
    return this.#refused;
  }

  serve(method: Method, handler: RequestHandler): void {
    this.#handlers.set(method, handler);
  }

  answer(request: IncomingRequest, from: PeerId, lane: Lane): void {
    const { connectionTo, standingOf } = this.#options;
    const handler = this.#handlers.get(request.method);
    if (handler === undefined) {
      const error = new DenamoError("unsupported", "no", `Method ${request.method} is unknown`);
      return this.#fail(request, from, lane, error);
    }
    const problem = standingProblem(request.method as Method, standingOf(from));
    if (problem !== undefined) return this.#fail(request, from, lane, problem);
    const connection = connectionTo(from);
    let result: readonly unknown[] | Promise<readonly unknown[]>;
    try {
      result = handler(request, from);
    } catch (error) {
      return this.#fail(request, from, lane, error);
    }
    if (result instanceof Promise) {
      // An answer belongs to the connection that brought its request: a peer that has started again since
      // counts its requests from one again, and would take it for the answer to another.
      const isConnected = () => connectionTo(from) === connection;
      result.then(
        (value) => isConnected() && this.#succeed(request, from, lane, value),
        (error) => isConnected() && this.#fail(request, from, lane, error),
      );
    } else {
      this.#succeed(request, from, lane, result);
    }
  }

  #succeed(
    request: IncomingRequest,
    from: PeerId,
    lane: Lane,
    result: readonly unknown[],
  ): void {
    const { madeSense, send } = this.#options;
    madeSense(from);
    const bytes = encodeAnswer(request.id, result);
    const tooLarge = tooLargeToSend(bytes);
    if (tooLarge === undefined) return send(from, lane, bytes);
    // What was asked for has been done.
    const { details, message } = tooLarge;
    this.#fail(request, from, lane, new DenamoError("too_large", "unknown", message, details));
  }

  #fail(request: IncomingRequest, from: PeerId, lane: Lane, cause: unknown): void {
    const error = this.#errorOf(request, from, cause);
    this.#options.send(from, lane, encodeFailure(request.id, error));
  }

  /** What the sender of a request is told of what it ended with. */
  #errorOf({ method }: IncomingRequest, from: PeerId, cause: unknown): DenamoError {
    const { log, madeNoSense, madeSense } = this.#options;
    if (cause instanceof DenamoError) {
      if (cause.code === "not_allowed") this.#refused++;
      else madeSense(from);
      return cause;
    }
    const isCarried = cause instanceof CarriedNonsense;
    if (isCarried || cause instanceof MalformedError) {
      madeNoSense(from, methodName(method) ?? "message", cause.message, isCarried);
      return new DenamoError("malformed", "no", cause.message);
    }
    log.error("A request failed for a reason nobody foresaw", {
      method,
      error: cause instanceof Error ? cause.stack : String(cause),
    });
    return new DenamoError("internal", "unknown", messageOf(cause));
  }
}

/** Why no message can have these bytes, if so: owners together may hold more of a key than one of them may store. */
export function tooLargeToSend({ length }: Uint8Array): TooLargeError | undefined {
  return length > LIMITS.message
    ? new TooLargeError("The message", LIMITS.message, length)
    : undefined;
}
