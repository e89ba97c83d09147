// One connection: reads, runs commands, writes the replies in their order.
//
// Commands that one read brought run together where their keys differ (see Pipeline); the others, such as those that
// change the connection, run alone when those before them have ended.
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
import { DenamoError, messageOf, TooLargeError } from "../../wire/errors.ts";
import { type Arguments, type Client, type Command, type DoorView, hasArity } from "./command.ts";
import { ReplyEncoder } from "./encoder.ts";
import { errorReply, ReplyError, unknownCommand, wrongArity } from "./error_replies.ts";
import { CommandParser, ProtocolError } from "./parser.ts";
import { Pipeline } from "./pipeline.ts";
import { mayRunBesideOthers, PipelinedCommand, type Surroundings } from "./pipelined_command.ts";
import { ELEMENT_BYTES, RESP_LIMITS } from "./resp_limits.ts";
import { type Gathered, SessionMemory } from "./session_memory.ts";
import { type QueuedCommand, Transaction } from "./transaction.ts";

export class Session implements Client {
  readonly id: number;
  api: NodeApi;
  database = 0;
  readonly transaction = new Transaction();
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
  readonly #memory: SessionMemory;
  #readBuffer = new Uint8Array(RESP_LIMITS.firstRead);
  /** By the command that runs alone. */
  readonly #gathered: Gathered = { bytes: 0 };
  readonly #pipeline = new Pipeline<PipelinedCommand>({
    concurrentKeysCount: RESP_LIMITS.pipelinedKeysCount,
    replyBytes: RESP_LIMITS.pipelinedReplies,
    firstReplyBytes: RESP_LIMITS.pipelinedReplies,
  }, () => this.reply.length);
  readonly #surroundings: Surroundings;
  /** Set once the connection only waits for its client to hear why it ends. */
  #refusing: Promise<void> | undefined;
  /** Since when nothing has come of a command that has begun; undefined between commands. */
  #halfSinceMs: number | undefined;
  #isClosing = false;
  #isReading = false;
  #isEnded = false;
  /** When the write under way last moved, undefined if there is none. */
  #writingSinceMs: number | undefined;

  constructor(id: number, connection: Deno.TcpConn, door: DoorView, log: Log) {
    this.id = id;
    this.#connection = connection;
    this.api = door.databases.of(this.database);
    this.door = door;
    this.#log = log;
    this.#memory = new SessionMemory(door.memory, this.reply, () => this.#giveWay());
    this.#surroundings = {
      memory: this.#memory,
      fail: (error, reply, command) => this.#replyError(error, reply, command),
    };
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

  select(database: number): void {
    this.database = database;
    this.api = this.door.databases.of(database);
  }

  closeAfterReplies(): void {
    this.#isClosing = true;
  }

  /** What is counted for this connection in the memory of all clients, in bytes. */
  get heldBytes(): number {
    return this.#memory.heldBytes;
  }

  get halfCommandBytes(): number {
    return this.#parser.heldBytes;
  }

  gather(bytes: number): void {
    this.#memory.gather(bytes, this.#gathered);
  }

  /** Lets the commands under way end and their replies go out, then ends; at once if there are none. */
  stop(): void {
    this.#isClosing = true;
    this.#pipeline.cancel();
    if (this.#isReading) this.end();
  }

  /** Closes the connection, whatever is under way. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#pipeline.cancel();
    this.#memory.close();
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
          if (this.#beginPipelined(command)) continue;
          await this.#answerPipelined();
          if (this.#isClosing) break;
          const pending = command instanceof TooLargeError
            ? this.#answerTooLarge(command)
            : this.#execute(command);
          if (pending !== undefined) await pending;
          if (this.#isClosing) break;
          if (this.#isFlushDue(pending !== undefined)) await this.#flush();
        }
        await this.#answerPipelined();
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        this.#log.debug("A RESP client broke the protocol", {
          id: this.id,
          problem: error.message,
        });
        await this.#answerPipelined();
        return this.#refuse(`ERR ${error.message}`);
      }
      await this.#flush();
      if (!this.#keepCommand()) return this.#refuse(errorReply(this.#memory.outOfMemory()));
    }
  }

  /** Takes a command that may run beside others; false if it must run alone, or there are no others. */
  #beginPipelined(command: Arguments | TooLargeError): boolean {
    if (this.#parser.isAtEnd && this.#pipeline.isEmpty) return false;
    if (command instanceof TooLargeError) return false;
    const found = this.door.commands.find(command[0]!);
    if (this.transaction.isOpen || !mayRunBesideOthers(found, command)) return false;
    this.door.counts.commands++;
    this.lastCommand = found.name;
    this.#pipeline.add(new PipelinedCommand(this, this.#surroundings, found, command));
    return true;
  }

  /** Waits for the commands that run together, and takes their replies in order. */
  async #answerPipelined(): Promise<void> {
    while (!this.#pipeline.isEmpty) {
      const call = await this.#pipeline.take();
      // The rest was cancelled.
      if (call === undefined) return;
      this.#memory.addEarlyReply(-call.replyBytes);
      this.reply.append(call.reply);
      if (this.#isFlushDue(true)) await this.#flush();
    }
  }

  /** Counts the command that has come in part, and those that wait for EXEC; false if there is no memory for it. */
  #keepCommand(): boolean {
    this.#halfSinceMs = this.#parser.isWithinCommand ? performance.now() : undefined;
    return this.#memory.holdCommand(this.#parser.heldBytes + this.transaction.heldBytes);
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
    this.door.stats.inputBytes += count;
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
    // A mistake in a command that is to wait for EXEC refuses all of them.
    let isQueuing = this.transaction.isOpen;
    const found = this.door.commands.find(name);
    const startMs = performance.now();
    try {
      if (found === undefined) {
        if (this.#isHttp(name)) return undefined;
        throw unknownCommand(command);
      }
      this.lastCommand = found.name;
      if (!hasArity(found.arity, command.length)) {
        this.door.stats.rejected(found);
        this.#refuseArity(found);
        return undefined;
      }
      if (isQueuing) {
        if (found.isImmediate !== true) {
          this.#enqueue(found, command);
          return undefined;
        }
        isQueuing = false;
      }
      if (command.length > RESP_LIMITS.fewArguments) this.#countArguments(command.length);
      const pending = found.run(this, command);
      if (pending !== undefined) return this.#finish(pending, found, startMs);
      this.#memory.forget(this.#gathered);
      this.#memory.keepReply(found);
      this.door.stats.ran(found, performance.now() - startMs, false);
    } catch (error) {
      this.#memory.forget(this.#gathered);
      if (isQueuing && this.transaction.isOpen) this.transaction.refuse();
      this.#replyError(error);
      if (found !== undefined) this.door.stats.ran(found, performance.now() - startMs, true);
    }
    return undefined;
  }

  /** A mistake in a transaction refuses it; whoever ends one the wrong way has ended it all the same. */
  #refuseArity({ name }: Command): void {
    const mistake = wrongArity(name);
    if (name === "exec") return this.#replyError(this.transaction.abort(mistake));
    if (this.transaction.isOpen) this.transaction.refuse();
    this.#replyError(mistake);
  }

  /** Lets a command wait for EXEC. @throws {OverloadedError} if there is no memory for it */
  #enqueue(found: Command, command: Arguments): void {
    found.run.check?.(command);
    const bytes = this.transaction.bytesOf(command);
    if (!this.#memory.holdQueued(bytes)) throw this.#memory.outOfMemory();
    this.transaction.add(found, command);
    this.reply.simple("QUEUED");
  }

  async runQueued(commands: readonly QueuedCommand[]): Promise<void> {
    this.reply.array(commands.length);
    for (const { command, words } of commands) {
      this.reply.mark();
      const startMs = performance.now();
      let hasFailed = false;
      try {
        if (words.length > RESP_LIMITS.fewArguments) this.#countArguments(words.length);
        await command.run(this, words);
        this.#memory.forget(this.#gathered);
        this.#memory.keepReply(command);
      } catch (error) {
        hasFailed = true;
        this.#replyError(error);
      } finally {
        this.#memory.forget(this.#gathered);
        this.door.stats.ran(command, performance.now() - startMs, hasFailed);
      }
    }
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

  /** The command was read away: there is nothing left of it but its size. It spoils the transaction that it is in. */
  #answerTooLarge(error: TooLargeError): undefined {
    this.door.counts.commands++;
    this.reply.mark();
    if (this.transaction.isOpen) this.transaction.refuse();
    this.#replyError(error);
  }

  async #finish(pending: Promise<void>, command: Command, startMs: number): Promise<void> {
    this.#memory.begin();
    let hasFailed = false;
    try {
      await pending;
      this.#memory.forget(this.#gathered);
      this.#memory.keepReply(command);
    } catch (error) {
      hasFailed = true;
      this.#replyError(error);
    } finally {
      this.#memory.end(this.#gathered);
      this.door.stats.ran(command, performance.now() - startMs, hasFailed);
    }
  }

  /** Others need the memory that this connection holds. */
  #giveWay(): void {
    this.#log.debug("A RESP client gives way: the memory for clients is full", {
      id: this.id,
      address: this.address,
    });
    // In the middle of its replies a client cannot be told anything.
    if (this.#isReading) this.#refuse(errorReply(this.#memory.outOfMemory()));
    else this.end();
  }

  #replyError(error: unknown, reply = this.reply, command = this.lastCommand): void {
    if (!(error instanceof ReplyError) && !(error instanceof DenamoError)) {
      this.#log.error("A RESP command failed by a mistake of the node", {
        command,
        problem: error instanceof Error ? error.stack ?? error.message : String(error),
      });
    }
    this.door.stats.errorsCount++;
    reply.rewind();
    reply.error(errorReply(error));
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
    this.transaction.clear();
    this.#memory.close();
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
        this.door.stats.outputBytes += written;
        if (written === rest.length) break;
        rest = rest.subarray(written);
      }
    }
    this.#writingSinceMs = undefined;
    this.reply.clear();
    this.#memory.shrink();
  }
}

function shownAddress(address: Deno.NetAddr): string {
  const { hostname, port } = address;
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}
