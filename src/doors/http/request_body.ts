// Bodies of requests, read under three limits: their size, their time, and the memory of all together.
//
// A body over its limit is refused at its announced length or, without one, at the first piece that
// passes the limit: it is never held whole. What is being read is counted over all requests, so that many
// slow clients cannot fill the memory of a node.

import { concatBytes } from "../../base/bytes.ts";
import { OverloadedError, TooLargeError } from "../../wire/errors.ts";
import { badRequest, HttpProblem } from "./problem.ts";

export interface BodyLimits {
  /** How long a client may take to send one body. */
  readonly timeoutMs: number;
  /** What all bodies that are being read may hold together. */
  readonly totalBytes: number;
}

/** Reads the bodies of all requests of one door. */
export class BodyReader {
  readonly #limits: BodyLimits;
  #heldBytes = 0;

  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  /** The bytes that bodies under way hold or have announced. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Reads one body of at most `limit` bytes into a buffer of its own.
   *
   * @param what names the body in errors, as in "Value is too large"
   * @throws {TooLargeError} as soon as the body is known to be over `limit`
   * @throws {OverloadedError} if the bodies of all requests hold too much
   * @throws {HttpProblem} `body_timeout` if the client is too slow
   * @throws {DenamoError} `bad_request` if the client goes away before the end
   */
  async read(request: Request, what: string, limit: number): Promise<Uint8Array> {
    const encoding = request.headers.get("content-encoding");
    if (encoding !== null && encoding.toLowerCase() !== "identity") {
      const message = `Content-Encoding "${encoding}" is not supported: send the body as it is`;
      throw new HttpProblem("unsupported_media_type", message);
    }
    const announced = request.headers.get("content-length");
    const size = announced === null ? undefined : Number(announced);
    if (size !== undefined && size > limit) throw new TooLargeError(what, limit, size);
    if (request.body === null || size === 0) return new Uint8Array(0);
    // A body of unknown size counts with the largest that it may have.
    const held = size ?? limit;
    if (this.#heldBytes + held > this.#limits.totalBytes) {
      throw new OverloadedError("Memory for request bodies", this.#limits.totalBytes);
    }
    this.#heldBytes += held;
    try {
      return await this.#inTime(request.body, what, limit);
    } finally {
      this.#heldBytes -= held;
    }
  }

  async #inTime(body: ReadableStream<Uint8Array>, what: string, limit: number) {
    const reader = body.getReader();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      ignoreEnd(reader.cancel());
    }, this.#limits.timeoutMs);
    const pieces: Uint8Array[] = [];
    let length = 0;
    try {
      for (;;) {
        const { done, value } = await next(reader);
        if (isLate) throw new HttpProblem("body_timeout", this.#lateMessage());
        if (done) return joined(pieces);
        length += value.length;
        if (length > limit) {
          ignoreEnd(reader.cancel());
          throw new TooLargeError(what, limit, length);
        }
        pieces.push(value);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #lateMessage(): string {
    return `The body did not arrive within ${this.#limits.timeoutMs} ms`;
  }
}

/** The next piece of a body; a client that went away is its own mistake, not the node's. */
async function next(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read();
  } catch (error) {
    throw badRequest(`Cannot read the body of the request: ${String(error)}`);
  }
}

/** The pieces in one buffer that holds nothing else: what is stored must not keep a larger one alive. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const first = pieces[0];
  const isAlone = pieces.length === 1 && first?.byteLength === first?.buffer.byteLength;
  return isAlone && first !== undefined ? first : concatBytes(pieces);
}

/** A body that nobody wants any more may end in whatever way it likes. */
function ignoreEnd(ended: Promise<void>): void {
  ended.catch(() => {});
}
