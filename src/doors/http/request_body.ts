// Bodies of requests, read under three limits: their size, their time, and the memory of all clients together.
//
// A body over its limit is refused at its announced length or, without one, at the first piece that
// passes the limit: it is never held whole. What is announced costs nothing: the memory for a body grows with what
// has come of it, and is counted as it grows.

import { OverloadedError, TooLargeError } from "../../wire/errors.ts";
import type { HttpRequest, RequestBody } from "./message.ts";
import { HttpProblem } from "./problem.ts";

export interface BodyLimits {
  /** How long a client may take to send one body, in milliseconds. */
  readonly timeoutMs: number;
  /** What all clients may hold together, in bytes: shown where it is full. */
  readonly memoryBytes: number;
}

/** A body gets so much memory at first. */
const FIRST_BYTES = 16 * 1024;

/** Reads the bodies of all requests of one door. */
export class BodyReader {
  readonly #limits: BodyLimits;

  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  /**
   * Reads one body of at most `limit` bytes into a buffer of its own.
   *
   * @param what names the body in errors, as in "Value is too large"
   * @throws {TooLargeError} as soon as the body is known to be over `limit`
   * @throws {OverloadedError} if all clients together hold too much
   * @throws {HttpProblem} `body_timeout` if the client is too slow
   * @throws {DenamoError} `bad_request` if the client goes away before the end
   */
  async read(
    { headers, body }: HttpRequest,
    what: string,
    limit: number,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const encoding = headers.get("content-encoding");
    if (encoding !== null && encoding.toLowerCase() !== "identity") {
      const message = `Content-Encoding "${encoding}" is not supported: send the body as it is`;
      throw new HttpProblem("unsupported_media_type", message);
    }
    if (body === undefined) return new Uint8Array(0);
    const { sizeBytes } = body;
    if (sizeBytes !== undefined && sizeBytes > limit) {
      throw new TooLargeError(what, limit, sizeBytes);
    }
    const timer = setTimeout(() => {
      const message = `The body did not arrive within ${this.#limits.timeoutMs} ms`;
      body.interrupt(new HttpProblem("body_timeout", message));
    }, this.#limits.timeoutMs);
    try {
      return await this.#whole(body, what, limit);
    } finally {
      clearTimeout(timer);
    }
  }

  async #whole(body: RequestBody, what: string, limit: number): Promise<Uint8Array<ArrayBuffer>> {
    const most = body.sizeBytes ?? limit;
    let whole = new Uint8Array(0);
    let length = 0;
    for (let piece = await body.next(); piece !== undefined; piece = await body.next()) {
      const longer = length + piece.length;
      if (longer > limit) throw new TooLargeError(what, limit, longer);
      if (longer > whole.length) {
        const room = Math.min(most, Math.max(longer, whole.length * 2, FIRST_BYTES));
        if (!body.hold(room)) {
          throw new OverloadedError("Memory for clients", this.#limits.memoryBytes);
        }
        const grown = new Uint8Array(room);
        grown.set(whole.subarray(0, length));
        whole = grown;
      }
      whole.set(piece, length);
      length = longer;
    }
    // What is stored must not keep a larger buffer alive.
    return length === whole.length ? whole : whole.slice(0, length);
  }
}
