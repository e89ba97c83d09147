// One connection: reads, runs commands one after the other, writes the replies.
//
// Nothing is read while commands run, so a client that sends faster than it is served waits in its own
// socket, and one that does not take its replies stops itself. What one read brought is answered by one
// write, unless the replies grow long or their first has waited too long.
//
// What the client makes us hold beyond the buffers of its connection is counted in the memory of all clients: the
// command that has come in part, what a command gathers, a long reply until it is taken. Who holds most
// has to give way when that memory is full; who begins a command and does not go on is cut off after a while.

import { utf8Text } from "../../base/bytes.ts";
import type { NodeApi } from "../../node/api.ts";
import type { Log } from "../../ports/log.ts";
import {
  DenamoError,
  type FailedOutcome,
  messageOf,
  OverloadedError,
  TooLargeError,
} from "../../wire/errors.ts";
import type { MemoryAccount } from "../client_memory.ts";
import { type Arguments, type Client, type Command, type DoorView, hasArity } from "./command.ts";
import { REPLY_BUFFER_BYTES, ReplyEncoder } from "./encoder.ts";
import { errorReply, ReplyError, unknownCommand, wrongArity } from "./error_replies.ts";
import { CommandParser, ProtocolError } from "./parser.ts";
import { ELEMENT_BYTES, RESP_LIMITS } from "./resp_limits.ts";

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
  readonly #account: MemoryAccount;
  #readBuffer = new Uint8Array(RESP_LIMITS.firstRead);
  /** What was counted for the command that had come in part; it stays counted while that command runs. */
  #commandBytes = 0;
  /** What the command under way has gathered for its reply. */
  #gatheredBytes = 0;
  /** Set once the connection only waits for its client to hear why it ends. */
  #refusing: Promise<void> | undefined;
  /** Since when nothing has come of a command that has begun; undefined between commands. */
  #halfSinceMs: number | undefined;
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
    this.#account = door.memory.open(() => this.#giveWay());
    this.address = shownAddress(connection.remoteAddr);
    this.localAddress = shownAddress(connection.localAddr);
  }

  /** Serves the connection until it ends; never rejects. */
  async run(): Promise<void> {
    try {
      this.#connection.setNoDelay(true);
      this.#connection.setKeepAlive(true);
      await this.#serve();
      await this.#refusing;
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

  /** What is counted for this connection in the memory of all clients, in bytes. */
  get heldBytes(): number {
    return this.#account.heldBytes;
  }

  gather(bytes: number): void {
    this.#gatheredBytes += bytes;
    const limit = RESP_LIMITS.gathered;
    if (this.#gatheredBytes > limit) {
      throw new TooLargeError("What the command gathers", limit, this.#gatheredBytes);
    }
    const known = this.#account.heldBytes - this.#commandBytes;
    if (this.#gatheredBytes - known < RESP_LIMITS.gatherStep) return;
    if (!this.#account.hold(this.#commandBytes + this.#gatheredBytes)) throw this.#outOfMemory();
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
    this.#account.close();
    this.#connection.close();
  }

  /**
   * Ends the session if its client has taken nothing of its replies for too long, or has begun a command and does
   * not go on. A connection between two commands may be silent as long as it likes.
   */
  endIfStuck(nowMs: number): void {
    const { halfCommandMs, slowReaderMs } = this.door.times;
    if (this.#writingSinceMs !== undefined) {
      if (nowMs - this.#writingSinceMs < slowReaderMs) return;
      this.door.counts.stuckConnections++;
      this.#log.warn("A RESP client does not take its replies: its connection is closed", {
        id: this.id,
        address: this.address,
        waitingBytes: this.reply.length,
      });
      return this.end();
    }
    const sinceMs = this.#isReading ? this.#halfSinceMs : undefined;
    if (sinceMs === undefined || nowMs - sinceMs < halfCommandMs) return;
    this.door.counts.stuckConnections++;
    const problem =
      `Protocol error: the rest of the command did not come within ${halfCommandMs} ms`;
    this.#refuse(`ERR ${problem}`);
  }

  async #serve(): Promise<void> {
    while (!this.#isClosing) {
      if (!(await this.#read())) return;
      try {
        for (;;) {
          const command = this.#parser.next();
          if (command === undefined) break;
          const pending = command instanceof TooLargeError
            ? this.#answerTooLarge(command)
            : this.#execute(command);
          if (pending !== undefined) await pending;
          if (this.#isClosing) break;
          if (this.#isFlushDue(pending !== undefined)) await this.#flush();
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#log.debug("A RESP client broke the protocol", {
          id: this.id,
          problem: error.message,
        });
        return this.#refuse(`ERR ${error.message}`);
      }
      await this.#flush();
      if (!this.#keepCommand()) return this.#refuse(errorReply(this.#outOfMemory()));
    }
  }

  /** Counts the command that has come in part; false if there is no memory for it. */
  #keepCommand(): boolean {
    this.#halfSinceMs = this.#parser.isWithinCommand ? performance.now() : undefined;
    this.#commandBytes = this.#parser.heldBytes;
    return this.#account.hold(this.#commandBytes);
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
    if (count === null || this.#refusing !== undefined) return false;
    this.lastReadAtMs = performance.now();
    if (isDirect) {
      this.#parser.filled(count);
      return true;
    }
    this.#parser.feed(target.subarray(0, count));
    // The parser still reads the one before.
    if (count === target.length && count < RESP_LIMITS.read) {
      this.#readBuffer = new Uint8Array(RESP_LIMITS.read);
    }
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
      if (command.length > RESP_LIMITS.fewArguments) this.#countArguments(command.length);
      const pending = found.run(this, command);
      if (pending !== undefined) return this.#finish(pending, found);
      this.#gatheredBytes = 0;
      this.#keepReply(found);
    } catch (error) {
      this.#gatheredBytes = 0;
      this.#replyError(error);
    }
    return undefined;
  }

  /**
   * Counts what a command makes of many arguments: half of what they take themselves, for lists of keys, results and
   * the state of requests.
   *
   * @throws {OverloadedError} if there is no memory for them: then the command is refused before it begins
   */
  #countArguments(count: number): void {
    this.gather(count * ELEMENT_BYTES / 2);
  }

  /** The command was read away: there is nothing left of it but its size. */
  #answerTooLarge(error: TooLargeError): undefined {
    this.door.counts.commands++;
    this.reply.mark();
    this.#replyError(error);
  }

  async #finish(pending: Promise<void>, command: Command): Promise<void> {
    this.#account.isPinned = true;
    try {
      await pending;
      this.#keepReply(command);
    } catch (error) {
      this.#replyError(error);
    } finally {
      this.#account.isPinned = false;
      this.#gatheredBytes = 0;
    }
  }

  /**
   * Counts the replies if they are longer than the buffer that every connection has.
   *
   * @throws {OverloadedError} if there is no memory for them: then the command is answered with that
   */
  #keepReply({ flags }: Command): void {
    const { length } = this.reply;
    if (length <= REPLY_BUFFER_BYTES || this.#account.hold(this.#commandBytes + length)) return;
    throw this.#outOfMemory(flags.includes("readonly") ? "no" : "unknown");
  }

  #outOfMemory(outcome: FailedOutcome = "no"): DenamoError {
    const { limitBytes } = this.door.memory;
    return new OverloadedError("Memory for clients", limitBytes, outcome);
  }

  /** Others need the memory that this connection holds. */
  #giveWay(): void {
    this.#log.debug("A RESP client gives way: the memory for clients is full", {
      id: this.id,
      address: this.address,
    });
    // In the middle of its replies a client cannot be told anything.
    if (this.#isReading) this.#refuse(errorReply(this.#outOfMemory()));
    else this.end();
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

  /** Tells why the connection ends and ends it, so that the client can read what it is told. */
  #refuse(reply: string): void {
    if (this.#isEnded) return;
    this.#isClosing = true;
    this.#parser.drop();
    this.#account.close();
    this.#refusing ??= this.#endWith(reply);
  }

  async #endWith(reply: string): Promise<void> {
    const timer = setTimeout(() => this.end(), RESP_LIMITS.lingerMs);
    try {
      this.reply.error(reply);
      await this.#flush();
      // A socket that is closed with unread bytes resets the connection, and the reply may be lost.
      await this.#connection.closeWrite();
      while ((await this.#connection.read(this.#readBuffer)) !== null);
    } catch (error) {
      this.#log.debug("A refused RESP client was gone", { id: this.id, problem: messageOf(error) });
    } finally {
      clearTimeout(timer);
      this.end();
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
    if (this.#account.heldBytes > this.#commandBytes) this.#account.hold(this.#commandBytes);
  }
}

function shownAddress(address: Deno.NetAddr): string {
  const { hostname, port } = address;
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
