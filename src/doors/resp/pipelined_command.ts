// A command that runs beside others of its connection: it sees the connection, and has a reply of its own.

import { binaryString } from "../../base/bytes.ts";
import {
  type Arguments,
  type Client,
  type Command,
  type DoorView,
  hasArity,
  keysAt,
  NO_KEYS,
} from "./command.ts";
import { ReplyEncoder } from "./encoder.ts";
import type { PipelineTask } from "./pipeline.ts";
import { RESP_LIMITS } from "./resp_limits.ts";
import type { Gathered, SessionMemory } from "./session_memory.ts";
import type { QueuedCommand } from "./transaction.ts";

/** Most replies fit; those that do not get the buffer of a connection. */
const FIRST_BUFFER_BYTES = 64;

/**
 * Whether a command may run beside others: it is said to read or write, and all of its keys are known. Others may
 * change the connection or look at all keys, so they run alone, and so does what is no valid command or a very long one.
 */
export function mayRunBesideOthers(
  found: Command | undefined,
  command: Arguments,
): found is Command {
  const [firstKey] = found?.keys ?? NO_KEYS;
  return found !== undefined && firstKey > 0 && firstKey < command.length &&
    found.isImmediate !== true && command.length <= RESP_LIMITS.fewArguments &&
    hasArity(found.arity, command.length);
}

export class PipelinedCommand implements Client, PipelineTask {
  readonly found: Command;
  readonly command: Arguments;
  readonly keys: readonly string[];
  readonly isRead: boolean;
  readonly reply = new ReplyEncoder(RESP_LIMITS.reply, FIRST_BUFFER_BYTES);
  readonly #gathered: Gathered = { bytes: 0 };
  readonly #connection: Client;
  readonly #surroundings: Surroundings;
  #startMs = 0;

  constructor(
    connection: Client,
    surroundings: Surroundings,
    found: Command,
    command: Arguments,
  ) {
    this.#connection = connection;
    this.#surroundings = surroundings;
    this.found = found;
    this.command = command;
    this.keys = keysAt(found.keys, command).map(binaryString);
    this.isRead = found.flags.includes("readonly");
    this.reply.protocol = connection.reply.protocol;
  }

  get replyBytes(): number {
    return this.reply.length;
  }

  /** Never rejects: an error becomes the reply. */
  run(): void | Promise<void> {
    this.#startMs = performance.now();
    this.#surroundings.memory.begin();
    try {
      const pending = this.found.run(this, this.command);
      if (pending !== undefined) return this.#finish(pending);
      this.#end();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #finish(pending: Promise<void>): Promise<void> {
    try {
      await pending;
      this.#end();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @throws {OverloadedError} if there is no memory for the reply */
  #end(): void {
    const { memory } = this.#surroundings;
    const { replyBytes } = this;
    memory.forget(this.#gathered);
    memory.addEarlyReply(replyBytes);
    try {
      memory.keepReply(this.found);
    } catch (error) {
      memory.addEarlyReply(-replyBytes);
      throw error;
    }
    this.#count(false);
  }

  #fail(error: unknown): void {
    const { memory, fail } = this.#surroundings;
    fail(error, this.reply, this.found.name);
    memory.addEarlyReply(this.replyBytes);
    this.#count(true);
  }

  #count(hasFailed: boolean): void {
    this.#surroundings.memory.end(this.#gathered);
    this.door.stats.ran(this.found, performance.now() - this.#startMs, hasFailed);
  }

  gather(bytes: number): void {
    this.#surroundings.memory.gather(bytes, this.#gathered);
  }

  get id(): number {
    return this.#connection.id;
  }

  get api(): Client["api"] {
    return this.#connection.api;
  }

  get door(): DoorView {
    return this.#connection.door;
  }

  get address(): string {
    return this.#connection.address;
  }

  get localAddress(): string {
    return this.#connection.localAddress;
  }

  get connectedAtMs(): number {
    return this.#connection.connectedAtMs;
  }

  get lastReadAtMs(): number {
    return this.#connection.lastReadAtMs;
  }

  get name(): string {
    return this.#connection.name;
  }

  get libraryName(): string {
    return this.#connection.libraryName;
  }

  get libraryVersion(): string {
    return this.#connection.libraryVersion;
  }

  get lastCommand(): string {
    return this.#connection.lastCommand;
  }

  get database(): number {
    return this.#connection.database;
  }

  get transaction(): Client["transaction"] {
    return this.#connection.transaction;
  }

  select(database: number): void {
    this.#connection.select(database);
  }

  runQueued(commands: readonly QueuedCommand[]): Promise<void> {
    return this.#connection.runQueued(commands);
  }

  get heldBytes(): number {
    return this.#connection.heldBytes;
  }

  get halfCommandBytes(): number {
    return this.#connection.halfCommandBytes;
  }

  closeAfterReplies(): void {
    this.#connection.closeAfterReplies();
  }

  end(): void {
    this.#connection.end();
  }
}

/** What the commands of a connection share. */
export interface Surroundings {
  readonly memory: SessionMemory;
  /** Makes an error the reply, whatever is in it so far. `command` is its name. */
  fail(error: unknown, reply: ReplyEncoder, command: string): void;
}
