// What one connection takes of the memory of all clients: a half command, what its commands gather, their replies.

import {
  type DenamoError,
  type FailedOutcome,
  OverloadedError,
  TooLargeError,
} from "../../wire/errors.ts";
import type { ClientMemory, MemoryAccount } from "../client_memory.ts";
import type { Command } from "./command.ts";
import { REPLY_BUFFER_BYTES, type ReplyEncoder } from "./encoder.ts";
import { RESP_LIMITS } from "./resp_limits.ts";

/** What one command has gathered for its reply, in bytes. */
export interface Gathered {
  bytes: number;
}

export class SessionMemory {
  readonly #memory: ClientMemory;
  readonly #account: MemoryAccount;
  readonly #reply: ReplyEncoder;
  /**
   * What was counted for the command that had come in part, and for those that wait for EXEC; it stays counted while
   * they run.
   */
  #commandBytes = 0;
  /** What all commands under way have gathered. */
  #gatheredBytes = 0;
  /** The replies of pipelined commands that wait for their turn. */
  #earlyReplyBytes = 0;
  #runningCount = 0;

  /**
   * @param reply what waits to be written
   * @param giveWay as for {@linkcode ClientMemory.open}
   */
  constructor(memory: ClientMemory, reply: ReplyEncoder, giveWay: () => void) {
    this.#memory = memory;
    this.#reply = reply;
    this.#account = memory.open(giveWay);
  }

  get heldBytes(): number {
    return this.#account.heldBytes;
  }

  /** Counts the command that has come in part; false if there is no memory for it. */
  holdCommand(bytes: number): boolean {
    this.#commandBytes = bytes;
    return this.#account.hold(bytes);
  }

  /** Counts one more command that waits for EXEC; false if there is no memory for it. */
  holdQueued(bytes: number): boolean {
    if (!this.#account.hold(this.#account.heldBytes + bytes)) return false;
    this.#commandBytes += bytes;
    return true;
  }

  /** A command runs that takes time: giving way would free nothing. */
  begin(): void {
    this.#runningCount++;
    this.#account.isPinned = true;
  }

  end(gathered: Gathered): void {
    this.forget(gathered);
    if (--this.#runningCount === 0) this.#account.isPinned = false;
  }

  /**
   * Counts what a command gathers, in bytes.
   *
   * @throws {TooLargeError} if it is too much for one command
   * @throws {OverloadedError} if all clients together hold too much
   */
  gather(bytes: number, gathered: Gathered): void {
    gathered.bytes += bytes;
    this.#gatheredBytes += bytes;
    const limit = RESP_LIMITS.gathered;
    if (gathered.bytes > limit) {
      throw new TooLargeError("What the command gathers", limit, gathered.bytes);
    }
    if (this.#neededBytes - this.#account.heldBytes < RESP_LIMITS.gatherStep) return;
    if (!this.#account.hold(this.#neededBytes)) throw this.outOfMemory();
  }

  /** What a command has gathered is part of its reply, or not needed. */
  forget(gathered: Gathered): void {
    this.#gatheredBytes -= gathered.bytes;
    gathered.bytes = 0;
  }

  /**
   * Counts the replies if they are longer than the buffer that every connection has.
   *
   * @throws {OverloadedError} if there is no memory for them: then the command is answered with that
   */
  keepReply({ flags }: Command): void {
    const isShort = this.#reply.length + this.#earlyReplyBytes <= REPLY_BUFFER_BYTES;
    if (isShort || this.#account.hold(this.#neededBytes)) return;
    throw this.outOfMemory(flags.includes("readonly") ? "no" : "unknown");
  }

  /** A pipelined command has a reply of so many bytes, and waits for its turn; negative if that is over. */
  addEarlyReply(bytes: number): void {
    this.#earlyReplyBytes += bytes;
  }

  /** Gives back what was held for replies that are written. */
  shrink(): void {
    if (this.#account.heldBytes > this.#neededBytes) this.#account.hold(this.#neededBytes);
  }

  close(): void {
    this.#account.close();
  }

  outOfMemory(outcome: FailedOutcome = "no"): DenamoError {
    return new OverloadedError("Memory for clients", this.#memory.limitBytes, outcome);
  }

  get #neededBytes(): number {
    const replyBytes = this.#reply.length + this.#earlyReplyBytes;
    const longBytes = replyBytes > REPLY_BUFFER_BYTES ? replyBytes : 0;
    return this.#commandBytes + this.#gatheredBytes + longBytes;
  }
}
