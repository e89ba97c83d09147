// One connection: reads, runs commands one after the other, writes the replies.
//
// Nothing is read while commands run, so a client that sends faster than it is served waits in its own
// socket, and one that does not take its replies stops itself. What one read brought is answered by one
// write, unless the replies grow long or their first has waited too long.

import { utf8Text } from "../../base/bytes.ts";
import type { NodeApi } from "../../node/api.ts";
import type { Log } from "../../ports/log.ts";
import { DenamoError, messageOf } from "../../wire/errors.ts";
import { type Arguments, type Client, type DoorView, hasArity } from "./command.ts";
import { ReplyEncoder } from "./encoder.ts";
import { errorReply, ReplyError, unknownCommand, wrongArity } from "./error_replies.ts";
import { CommandParser, ProtocolError } from "./parser.ts";
import { RESP_LIMITS } from "./resp_limits.ts";

export class Session implements Client {
  readonly id: number;
  readonly api: NodeApi;
  readonly reply = new ReplyEncoder();
  readonly door: DoorView;
  readonly address: string;
  readonly localAddress: string;
  readonly connectedAtMs = performance.now();
  lastReadAtMs = this.connectedAtMs;
  name = "";
  libraryName = "";
  libraryVersion = "";
  lastCommand = "NULL";

  readonly #connection: Deno.TcpConn;
  readonly #log: Log;
  readonly #parser = new CommandParser();
  readonly #readBuffer = new Uint8Array(RESP_LIMITS.read);
  #isClosing = false;
  #isReading = false;
  #isEnded = false;
  /** When the write under way last moved, undefined if there is none. */
  #writingSinceMs: number | undefined;

  constructor(id: number, connection: Deno.TcpConn, api: NodeApi, door: DoorView, log: Log) {
    this.id = id;
    this.#connection = connection;
    this.api = api;
    this.door = door;
    this.#log = log;
    this.address = shownAddress(connection.remoteAddr);
    this.localAddress = shownAddress(connection.localAddr);
  }

  /** Serves the connection until it ends; never rejects. */
  async run(): Promise<void> {
    try {
      this.#connection.setNoDelay(true);
      this.#connection.setKeepAlive(true);
      await this.#serve();
    } catch (error) {
      // The other side is gone, or we have closed under a read or a write: there is nobody to tell.
      if (!this.#isEnded) {
        this.#log.debug("A RESP connection broke", { id: this.id, problem: messageOf(error) });
      }
    } finally {
      this.end();
    }
  }

  closeAfterReplies(): void {
    this.#isClosing = true;
  }

  /** Lets the command under way end and its reply go out, then ends; at once if there is none. */
  stop(): void {
    this.#isClosing = true;
    if (this.#isReading) this.end();
  }

  /** Closes the connection, whatever is under way. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#connection.close();
  }

  /** Ends the session if its client has taken nothing of its replies for too long. */
  endIfStuck(nowMs: number): void {
    const sinceMs = this.#writingSinceMs;
    if (sinceMs === undefined || nowMs - sinceMs < RESP_LIMITS.slowReaderMs) return;
    this.#log.warn("A RESP client does not take its replies: its connection is closed", {
      id: this.id,
      address: this.address,
      waitingBytes: this.reply.length,
    });
    this.end();
  }

  async #serve(): Promise<void> {
    while (!this.#isClosing) {
      if (!(await this.#read())) return;
      try {
        for (;;) {
          const command = this.#parser.next();
          if (command === undefined) break;
          const pending = this.#execute(command);
          if (pending !== undefined) await pending;
          if (this.#isClosing) break;
          if (this.#isFlushDue(pending !== undefined)) await this.#flush();
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        return await this.#refuseStream(error);
      }
      await this.#flush();
    }
  }

  /** Reads what has come; false at the end of the stream. */
  async #read(): Promise<boolean> {
    // The rest of a long argument goes where it belongs without a copy.
    const rest = this.#parser.unfilled();
    const isDirect = rest !== undefined && rest.length >= this.#readBuffer.length;
    const target = isDirect ? rest : this.#readBuffer;
    this.#isReading = true;
    const count = await this.#connection.read(target);
    this.#isReading = false;
    if (count === null) return false;
    this.lastReadAtMs = performance.now();
    if (isDirect) this.#parser.filled(count);
    else this.#parser.feed(target.subarray(0, count));
    return true;
  }

  #isFlushDue(hasWaited: boolean): boolean {
    if (this.reply.length >= RESP_LIMITS.replyBacklog) return true;
    return hasWaited && performance.now() - this.lastReadAtMs > RESP_LIMITS.replyDelayMs;
  }

  /** Runs one command; returns a promise, which never rejects, if it takes time. */
  #execute(command: Arguments): Promise<void> | undefined {
    this.door.counts.commands++;
    this.reply.mark();
    const name = command[0]!;
    try {
      const found = this.door.commands.find(name);
      if (found === undefined) {
        if (this.#isHttp(name)) return undefined;
        throw unknownCommand(command);
      }
      this.lastCommand = found.name;
      if (!hasArity(found.arity, command.length)) throw wrongArity(found.name);
      const pending = found.run(this, command);
      return pending === undefined ? undefined : this.#finish(pending);
    } catch (error) {
      this.#replyError(error);
      return undefined;
    }
  }

  async #finish(pending: Promise<void>): Promise<void> {
    try {
      await pending;
    } catch (error) {
      this.#replyError(error);
    }
  }

  #replyError(error: unknown): void {
    if (!(error instanceof ReplyError) && !(error instanceof DenamoError)) {
      this.#log.error("A RESP command failed by a mistake of the node", {
        command: this.lastCommand,
        problem: error instanceof Error ? error.stack ?? error.message : String(error),
      });
    }
    this.reply.rewind();
    this.reply.error(errorReply(error));
  }

  /**
   * Browsers can be made to send an HTTP request anywhere, and the lines of its body would be commands.
   * The first word of its head ends the connection.
   */
  #isHttp(name: Uint8Array): boolean {
    if (name.length > 5 || !/^(post|host:)$/i.test(utf8Text(name))) return false;
    this.#log.warn("A RESP client speaks HTTP: its connection is closed", {
      address: this.address,
    });
    this.#isClosing = true;
    return true;
  }

  /** Tells what is wrong with the stream and ends it, so that the client can read what it is told. */
  async #refuseStream(error: ProtocolError): Promise<void> {
    this.#log.debug("A RESP client broke the protocol", { id: this.id, problem: error.message });
    this.#isClosing = true;
    this.reply.error(`ERR ${error.message}`);
    await this.#flush();
    // A socket that is closed with unread bytes resets the connection, and the reply may be lost.
    await this.#connection.closeWrite();
    const timer = setTimeout(() => this.end(), RESP_LIMITS.lingerMs);
    try {
      while ((await this.#connection.read(this.#readBuffer)) !== null);
    } finally {
      clearTimeout(timer);
    }
  }

  async #flush(): Promise<void> {
    if (this.reply.length === 0) return;
    for (const part of this.reply.parts()) {
      for (let rest = part; rest.length > 0;) {
        this.#writingSinceMs = performance.now();
        const written = await this.#connection.write(rest);
        if (written === rest.length) break;
        rest = rest.subarray(written);
      }
    }
    this.#writingSinceMs = undefined;
    this.reply.clear();
  }
}

function shownAddress(address: Deno.NetAddr): string {
  const { hostname, port } = address;
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
