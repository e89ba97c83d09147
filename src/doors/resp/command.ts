// What a command is, and how it is found by its name.

import { utf8, utf8Text } from "../../base/bytes.ts";
import type { NodeApi } from "../../node/api.ts";
import type { ClientMemory } from "../client_memory.ts";
import type { ClientSlots } from "../client_slots.ts";
import type { Databases } from "./databases.ts";
import type { CommandStats } from "./command_stats.ts";
import { unknownSubcommand, wrongArity } from "./error_replies.ts";
import type { ReplyEncoder } from "./encoder.ts";
import type { QueuedCommand, Transaction } from "./transaction.ts";

/** The arguments of a command as they came, its name first. Views: copy what outlives the command. */
export type Arguments = readonly Uint8Array[];

/** What a command sees and does of the connection that it came from. */
export interface Client {
  readonly id: number;
  /** The node, with the keys of the database that the client has chosen. */
  readonly api: NodeApi;
  readonly reply: ReplyEncoder;
  readonly door: DoorView;
  readonly address: string;
  readonly localAddress: string;
  /** By the clock of `performance.now()`. */
  readonly connectedAtMs: number;
  readonly lastReadAtMs: number;
  /** Empty without one. */
  name: string;
  libraryName: string;
  libraryVersion: string;
  /** The name of the last command. */
  lastCommand: string;
  /** The number of the database that the client has chosen. */
  readonly database: number;
  readonly transaction: Transaction;
  /** What the connection makes the door hold besides its buffers, in bytes. */
  readonly heldBytes: number;
  /** What has come of a command that is not whole, in bytes. */
  readonly halfCommandBytes: number;
  /**
   * Counts what the command under way gathers before it replies, in bytes.
   *
   * @throws {TooLargeError} if it is too much for one command
   * @throws {OverloadedError} if all clients together hold too much
   */
  gather(bytes: number): void;
  /** Chooses a database: an integer from 0 below the number of databases. */
  select(database: number): void;
  /** Runs what has waited for EXEC, one after the other, and replies with the list of the replies. */
  runQueued(commands: readonly QueuedCommand[]): Promise<void>;
  /** Ends the connection once the replies so far are written. */
  closeAfterReplies(): void;
  /** Closes the connection, whatever is under way. */
  end(): void;
}

/** What commands may know of the whole door. */
export interface DoorView {
  readonly commands: CommandTable;
  readonly databases: Databases;
  readonly port: number;
  readonly slots: ClientSlots;
  readonly memory: ClientMemory;
  readonly times: DoorTimes;
  clients(): Iterable<Client>;
  readonly counts: DoorCounts;
  readonly stats: CommandStats;
}

/** How long a client may keep the door waiting, in milliseconds. */
export interface DoorTimes {
  /** Within a command that it has begun. */
  readonly halfCommandMs: number;
  /** With replies that it does not take. */
  readonly slowReaderMs: number;
}

/** What has happened since the door opened. */
export interface DoorCounts {
  commands: number;
  connections: number;
  refusedConnections: number;
  /** Closed within a command that did not go on, or with replies that were not taken. */
  stuckConnections: number;
}

/**
 * Carries out a command and writes exactly one reply. Whatever was written before an error is taken
 * back, and the error is the reply.
 */
export interface Run {
  (client: Client, command: Arguments): void | Promise<void>;
  /** Finds a mistake of a command that is to wait for EXEC, and throws what would be its reply. */
  readonly check?: ((command: Arguments) => void) | undefined;
}

export type CommandFlag = "readonly" | "write" | "fast" | "loading";

export interface Command {
  /** In lower case. */
  readonly name: string;
  /** Arguments with the name: exactly so many, or with a minus sign at least so many. */
  readonly arity: number;
  readonly run: Run;
  readonly group:
    | "string"
    | "set"
    | "hash"
    | "hyperloglog"
    | "generic"
    | "connection"
    | "server"
    | "transactions"
    | "denamo";
  readonly summary: string;
  readonly flags: readonly CommandFlag[];
  readonly keys: KeyPositions;
  /** Within a transaction it runs at once: it does not wait for EXEC. */
  readonly isImmediate?: boolean | undefined;
  /** Finds the keys of a command where no positions tell them. */
  readonly keysOf?: (command: Arguments) => Arguments;
}

/** Which arguments are keys: the first, the last (negative: from the end), and the step between. */
export type KeyPositions = readonly [first: number, last: number, step: number];

export const NO_KEYS: KeyPositions = [0, 0, 0];
export const ONE_KEY: KeyPositions = [1, 1, 1];
export const ALL_KEYS: KeyPositions = [1, -1, 1];

/** The keys that a command names, as far as they are there, in its order; those of a `[0, 0, 0]` are not known. */
export function keysAt([first, last, step]: KeyPositions, command: Arguments): Uint8Array[] {
  const keys: Uint8Array[] = [];
  if (first === 0) return keys;
  const end = Math.min(last < 0 ? command.length + last : last, command.length - 1);
  for (let at = first; at <= end; at += step) keys.push(command[at]!);
  return keys;
}

/** Finds commands by their names, whatever the case of the letters. */
export class CommandTable {
  /** Those that can be used. */
  readonly commands: readonly Command[];
  readonly #slots: ({ readonly name: Uint8Array; readonly command: Command } | undefined)[];

  /** `refused` are found too, but not shown to clients. */
  constructor(commands: readonly Command[], refused: readonly Command[] = []) {
    this.commands = commands;
    this.#slots = new Array(SLOT_COUNT).fill(undefined);
    for (const command of [...commands, ...refused]) {
      const name = utf8(command.name);
      let slot = slotOf(name);
      while (this.#slots[slot] !== undefined) slot = (slot + 1) % SLOT_COUNT;
      this.#slots[slot] = { name, command };
    }
  }

  find(name: Uint8Array): Command | undefined {
    let slot = slotOf(name);
    for (;;) {
      const entry = this.#slots[slot];
      if (entry === undefined) return undefined;
      if (isWord(name, entry.name)) return entry.command;
      slot = (slot + 1) % SLOT_COUNT;
    }
  }
}

/** Whether a command of `count` arguments has as many as `arity` says. */
export function hasArity(arity: number, count: number): boolean {
  return arity >= 0 ? count === arity : count >= -arity;
}

/** The subcommands of a command: by their names in lower case, each with its own arity. */
export type Subcommands = Readonly<
  Record<string, { readonly arity: number; readonly run: Run }>
>;

/** Makes a command run by its second argument. `help` is what HELP shows, without its own lines. */
export function runSubcommand(
  name: string,
  subcommands: Subcommands,
  help: readonly string[] = Object.keys(subcommands).map((word) => word.toUpperCase()),
): Run {
  const lines = helpLines(name, help);
  const byName = new Map(Object.entries(subcommands));
  byName.set("help", { arity: 2, run: ({ reply }) => reply.simples(lines) });
  const find = (command: Arguments) => {
    const word = lowerWord(command[1]!);
    const subcommand = byName.get(word);
    if (subcommand === undefined) throw unknownSubcommand(name, command[1]!);
    if (!hasArity(subcommand.arity, command.length)) throw wrongArity(`${name}|${word}`);
    return subcommand.run;
  };
  const run = (client: Client, command: Arguments) => find(command)(client, command);
  return Object.assign(run, { check: (command: Arguments) => void find(command) });
}

function helpLines(name: string, help: readonly string[]): string[] {
  const title = `${name.toUpperCase()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`;
  return [title, ...help, "HELP", "    Prints this help."];
}

/** A short word in lower case; empty if it is too long to be any. */
export function lowerWord(word: Uint8Array): string {
  return word.length > 64 ? "" : utf8Text(word).toLowerCase();
}

/** A power of two, several times the number of commands. */
const SLOT_COUNT = 1024;

function slotOf(name: Uint8Array): number {
  let hash = name.length;
  for (let i = 0; i < name.length && i < 32; i++) {
    hash = (Math.imul(hash, 31) + (name[i]! | 32)) | 0;
  }
  return hash & (SLOT_COUNT - 1);
}

/** Whether `word` in lower case is `lower`. */
function isWord(word: Uint8Array, lower: Uint8Array): boolean {
  if (word.length !== lower.length) return false;
  for (let i = 0; i < word.length; i++) {
    const byte = word[i]!;
    if ((byte >= 65 && byte <= 90 ? byte | 32 : byte) !== lower[i]) return false;
  }
  return true;
}
