// A command that runs beside others of its connection: it sees the connection, and has a reply of its own.

import { binaryString } from "../../base/bytes.ts";
import {
  type Arguments,
  type Client,
  type Command,
  type DoorView,
  hasArity,
  keysOf,
} from "./command.ts";
import { ReplyEncoder } from "./encoder.ts";
import type { PipelineTask } from "./pipeline.ts";
import { RESP_LIMITS } from "./resp_limits.ts";

/** Most replies fit; those that do not get the buffer of a connection. */
const FIRST_BUFFER_BYTES = 64;

/**
 * Whether a command may run beside others: it is said to read or write, and all of its keys are known. Others may
 * change the connection or look at all keys, so they run alone, and so does what is no valid command.
 */
export function mayRunBesideOthers(
  found: Command | undefined,
  command: Arguments,
): found is Command {
  return found !== undefined && found.keys[0] > 0 && hasArity(found.arity, command.length);
}

export class PipelinedCommand implements Client, PipelineTask {
  readonly found: Command;
  readonly command: Arguments;
  readonly keys: readonly string[];
  readonly isRead: boolean;
  readonly reply = new ReplyEncoder(RESP_LIMITS.reply, FIRST_BUFFER_BYTES);
  /** What it has gathered for its reply, in bytes. */
  gatheredBytes = 0;
  readonly #connection: Client;
  readonly #runner: PipelineRunner;

  constructor(connection: Client & PipelineRunner, found: Command, command: Arguments) {
    this.#connection = connection;
    this.#runner = connection;
    this.found = found;
    this.command = command;
    this.keys = keysOf(found.keys, command).map(binaryString);
    this.isRead = found.flags.includes("readonly");
    this.reply.protocol = connection.reply.protocol;
  }

  get replyBytes(): number {
    return this.reply.length;
  }

  run(): void | Promise<void> {
    return this.#runner.runPipelined(this);
  }

  gather(bytes: number): void {
    this.#runner.gatherFor(this, bytes);
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

  get heldBytes(): number {
    return this.#connection.heldBytes;
  }

  get halfCommandBytes(): number {
    return this.#connection.halfCommandBytes;
  }

  closeAfterReplies(): void {
    this.#connection.closeAfterReplies();
  }
}

/** What the connection does for its commands. */
export interface PipelineRunner {
  /** Must not reject: an error becomes the reply. */
  runPipelined(call: PipelinedCommand): void | Promise<void>;
  /** As `gather` of a client. */
  gatherFor(call: PipelinedCommand, bytes: number): void;
}
