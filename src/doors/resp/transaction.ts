// What a connection keeps between MULTI and EXEC: the commands that wait, and whether they may still run.
//
// A transaction here is a queue: its commands run in order at EXEC, with one list of replies. Others see its writes
// one by one, and one that fails undoes nothing of the others: nodes could promise more only by consensus.
// Redis promises no undoing either, but nobody comes between. So WATCH, which rests upon that, is refused; and since a
// client that has sent WATCH relies on it, its next transaction is refused too.
//
// Source: the command reference of Redis, "Transactions"; multi.c of Redis 7.0.

import { assert } from "../../base/assert.ts";
import type { Arguments, Command } from "./command.ts";
import { ReplyError } from "./error_replies.ts";
import { ELEMENT_BYTES } from "./resp_limits.ts";

/** A command that waits for EXEC, with arguments in memory of its own. */
export interface QueuedCommand {
  readonly command: Command;
  readonly words: Arguments;
}

/** What a queued command takes beside its arguments, in bytes: its place in the queue and their list. */
const COMMAND_BYTES = 128;

export class Transaction {
  #queue: QueuedCommand[] | undefined;
  #isRefused = false;
  #heldBytes = 0;

  /** Whether MULTI was said and neither EXEC nor DISCARD since. */
  get isOpen(): boolean {
    return this.#queue !== undefined;
  }

  /** How many commands wait; undefined outside of a transaction. */
  get length(): number | undefined {
    return this.#queue?.length;
  }

  /** The memory of what waits, in bytes. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** By how much one command more would make it grow, in bytes: one that is refused keeps nothing. */
  bytesOf(words: Arguments): number {
    if (this.#isRefused) return 0;
    return words.reduce((sum, word) => sum + word.length + ELEMENT_BYTES, COMMAND_BYTES);
  }

  /** MULTI. @throws {ReplyError} within another, which goes on */
  begin(): void {
    if (this.isOpen) throw new ReplyError("ERR MULTI calls can not be nested");
    this.#queue = [];
  }

  /** Puts a command at the end of the queue of an open transaction. Its arguments, which may be views, are copied. */
  add(command: Command, words: Arguments): void {
    assert(this.#queue !== undefined, "Commands wait between MULTI and EXEC only");
    this.#heldBytes += this.bytesOf(words);
    if (!this.#isRefused) this.#queue.push({ command, words: copyOf(words) });
  }

  /** Nothing of the open transaction, or of the next one if none is open, may run. */
  refuse(): void {
    this.#isRefused = true;
    if (this.#queue === undefined) return;
    this.#queue = [];
    this.#heldBytes = 0;
  }

  /** An EXEC with arguments: ends the transaction, if there is one; returns the error for its reply. */
  abort(mistake: ReplyError): ReplyError {
    this.clear();
    const reason = mistake.message.replace("ERR ", "");
    return new ReplyError(`EXECABORT Transaction discarded because of: ${reason}`);
  }

  /** EXEC: ends the transaction. @throws {ReplyError} if there is none, or it was refused */
  take(): readonly QueuedCommand[] {
    const queue = this.#queue;
    if (queue === undefined) throw new ReplyError("ERR EXEC without MULTI");
    const isRefused = this.#isRefused;
    this.clear();
    if (isRefused) {
      throw new ReplyError("EXECABORT Transaction discarded because of previous errors.");
    }
    return queue;
  }

  /** DISCARD. @throws {ReplyError} if there is none */
  discard(): void {
    if (!this.isOpen) throw new ReplyError("ERR DISCARD without MULTI");
    this.clear();
  }

  /** Forgets the transaction and any refusal. */
  clear(): void {
    this.#queue = undefined;
    this.#isRefused = false;
    this.#heldBytes = 0;
  }
}

/** All words in one piece of memory: a buffer of its own would cost a short word much more than its bytes. */
function copyOf(words: Arguments): Uint8Array[] {
  const kept = new Uint8Array(words.reduce((sum, word) => sum + word.length, 0));
  let at = 0;
  return words.map((word) => {
    kept.set(word, at);
    return kept.subarray(at, at += word.length);
  });
}
