// One connection of HTTP/1.1: reads a request, has it answered, writes the answer, and begins again.
//
// `Deno.serve` could do that, and tells nothing of its connections: they cannot be counted or closed, half a request
// may stay for ever, and the first accept without a free descriptor ends its listener. So the door reads by itself.
// Requests of one connection are answered one after the other: a client that sends many and takes no answers stops
// itself.

import { utf8 } from "../../base/bytes.ts";
import type { Log } from "../../ports/log.ts";
import { DenamoError, type FailedOutcome, messageOf, OverloadedError } from "../../wire/errors.ts";
import type { ClientMemory, MemoryAccount } from "../client_memory.ts";
import { HTTP_LIMITS } from "./http_limits.ts";
import { MessageBody } from "./message_body.ts";
import type { HttpRequest, HttpResponse } from "./message.ts";
import { HttpProblem, problemResponse } from "./problem.ts";
import { headEnd, parseHead, type RequestHead } from "./request_head.ts";
import { type Framing, responseBytes } from "./response_bytes.ts";
import { SocketInput } from "./socket_input.ts";

/** How long a client may keep the door waiting, in milliseconds. */
export interface ConnectionTimes {
  readonly headMs: number;
  readonly idleMs: number;
  readonly slowReaderMs: number;
}

/** What a connection needs of its door. */
export interface ConnectionOwner {
  readonly log: Log;
  readonly memory: ClientMemory;
  readonly times: ConnectionTimes;
  /** Whether this is the last request of its connection. */
  readonly isStopping: boolean;
  /** Answers a request. Never rejects. */
  answer(request: HttpRequest): Promise<HttpResponse>;
  /** The connection has a whole head, until `onAnswered`. */
  onRequest(connection: HttpConnection): void;
  onAnswered(connection: HttpConnection): void;
  /** It was closed because of its client: half a request, or an answer that was not taken. */
  onStuck(): void;
}

export class HttpConnection {
  readonly #socket: Deno.TcpConn;
  readonly #owner: ConnectionOwner;
  readonly #input: SocketInput;
  readonly #account: MemoryAccount;
  /** Since when the next request, or the rest of its head, is waited for; undefined within a request. */
  #waitingSinceMs: number | undefined = performance.now();
  /** When the write under way last moved, undefined if there is none. */
  #writingSinceMs: number | undefined;
  #isEnded = false;

  constructor(socket: Deno.TcpConn, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#input = new SocketInput(socket, HTTP_LIMITS.head);
    this.#account = owner.memory.open(() => this.#giveWay());
  }

  /** Serves the connection until it ends; never rejects. */
  async run(): Promise<void> {
    try {
      this.#socket.setNoDelay(true);
      this.#socket.setKeepAlive(true);
      while (await this.#serveOne());
    } catch (error) {
      // The other side is gone, or we have closed under a read or a write: there is nobody to tell.
      if (!this.#isEnded) {
        this.#owner.log.debug("An HTTP connection broke", { problem: messageOf(error) });
      }
    } finally {
      this.end();
    }
  }

  /** Closes the connection, whatever is under way. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#account.close();
    this.#socket.close();
  }

  /** Ends the connection if its client has let it wait for too long. */
  endIfStuck(nowMs: number): void {
    const { headMs, idleMs, slowReaderMs } = this.#owner.times;
    if (this.#writingSinceMs !== undefined) {
      if (nowMs - this.#writingSinceMs < slowReaderMs) return;
      this.#owner.onStuck();
      return this.end();
    }
    if (this.#waitingSinceMs === undefined) return;
    const waitedMs = nowMs - this.#waitingSinceMs;
    if (this.#input.length > 0) {
      if (waitedMs < headMs) return;
      this.#owner.onStuck();
      const problem = `The head of the request did not arrive within ${headMs} ms`;
      this.#input.interrupt(new HttpProblem("head_timeout", problem));
    } else if (waitedMs >= idleMs) {
      this.end();
    }
  }

  /** Others need the memory that this connection holds. */
  #giveWay(): void {
    // In the middle of an answer a client cannot be told anything.
    if (this.#writingSinceMs !== undefined) this.end();
    else this.#input.interrupt(this.#outOfMemory("no"));
  }

  #outOfMemory(outcome: FailedOutcome): Error {
    return new OverloadedError("Memory for clients", this.#owner.memory.limitBytes, outcome);
  }

  /** Serves one request; false if the connection is at its end. */
  async #serveOne(): Promise<boolean> {
    let head: RequestHead | undefined;
    try {
      head = await this.#readHead();
    } catch (error) {
      if (!(error instanceof HttpProblem || error instanceof DenamoError)) throw error;
      this.#waitingSinceMs = undefined;
      await this.#writeAll(responseBytes(problemResponse(error), CLOSING));
      return await this.#linger();
    }
    if (head === undefined) return false;
    this.#waitingSinceMs = undefined;
    this.#owner.onRequest(this);
    try {
      return await this.#answer(head);
    } finally {
      this.#waitingSinceMs = performance.now();
      this.#owner.onAnswered(this);
    }
  }

  async #answer(head: RequestHead): Promise<boolean> {
    const { method, target, headers, framing } = head;
    const body = framing === 0
      ? undefined
      : new MessageBody(framing, this.#input, this.#account, () => this.#sayContinue(head));
    // While the node works on it, closing the connection would free nothing.
    this.#account.isPinned = true;
    const response = await this.#owner.answer({ method, target, headers, body });
    this.#account.isPinned = false;
    const isRead = body === undefined || body.skip();
    const isLast = !head.keepsAlive || !isRead || this.#owner.isStopping;
    const connection = isLast ? "close" : head.isOld ? "keep-alive" : undefined;
    await this.#write(response, { isHead: method === "HEAD", connection }, method);
    if (!isRead) return await this.#linger();
    this.#input.shrink();
    this.#account.hold(this.#input.heldBytes);
    return !isLast;
  }

  /** The next head; undefined at the end of the stream. */
  async #readHead(): Promise<RequestHead | undefined> {
    const input = this.#input;
    let seen = 0;
    for (;;) {
      const { bytes } = input;
      if (bytes[0] === CR && bytes[1] === LF) {
        // Some clients end the body of the request before with an empty line.
        input.skip(2);
        seen = 0;
        continue;
      }
      const end = headEnd(bytes, seen);
      if (end !== undefined) {
        const head = parseHead(bytes.subarray(0, end));
        input.skip(end);
        return head;
      }
      if (input.isFull) {
        const problem = `The head of the request is over its limit of ${HTTP_LIMITS.head} bytes`;
        throw new HttpProblem("head_too_large", problem);
      }
      seen = bytes.length;
      const isBegun = seen > 0;
      if (!(await input.fill())) return undefined;
      // From here on the client has begun a request.
      if (!isBegun) this.#waitingSinceMs = performance.now();
      if (!this.#account.hold(input.heldBytes)) throw this.#outOfMemory("no");
    }
  }

  async #sayContinue({ expectsContinue }: RequestHead): Promise<void> {
    if (expectsContinue) await this.#writeAll([CONTINUE]);
  }

  async #write(response: HttpResponse, framing: Framing, method: string): Promise<void> {
    const parts = responseBytes(response, framing);
    const length = parts.reduce((all, part) => all + part.length, 0);
    // A short answer goes into the socket at once.
    const isLong = length > SHORT_BYTES;
    if (!isLong || this.#account.hold(this.#input.heldBytes + length)) {
      return await this.#writeAll(parts);
    }
    const outcome = method === "GET" || method === "HEAD" ? "no" : "unknown";
    const problem = problemResponse(this.#outOfMemory(outcome));
    await this.#writeAll(responseBytes(problem, framing));
  }

  async #writeAll(parts: readonly Uint8Array[]): Promise<void> {
    for (const part of parts) {
      for (let rest = part; rest.length > 0;) {
        this.#writingSinceMs = performance.now();
        const written = await this.#socket.write(rest);
        if (written === rest.length) break;
        rest = rest.subarray(written);
      }
    }
    this.#writingSinceMs = undefined;
  }

  /**
   * Ends a connection whose client may still be sending: closed with unread bytes, it would be reset, and the answer
   * be lost.
   */
  async #linger(): Promise<false> {
    this.#waitingSinceMs = undefined;
    this.#account.close();
    await this.#socket.closeWrite();
    const timer = setTimeout(() => this.end(), HTTP_LIMITS.lingerMs);
    const unwanted = new Uint8Array(16 * 1024);
    try {
      while ((await this.#socket.read(unwanted)) !== null);
    } finally {
      clearTimeout(timer);
    }
    return false;
  }
}

const CR = 13;
const LF = 10;
const CONTINUE = utf8("HTTP/1.1 100 Continue\r\n\r\n");
const CLOSING: Framing = { isHead: false, connection: "close" };

/** Answers up to this size are not counted: they are in a socket's buffer at once. */
const SHORT_BYTES = 16 * 1024;
