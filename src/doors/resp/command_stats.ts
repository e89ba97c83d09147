// What commands have been run since the door opened, how long they took, and how fast they come.

import type { Command } from "./command.ts";

/** What is known of one command. */
export interface CommandFigures {
  readonly command: Command;
  /** How often it ran, whether it failed or not. */
  callsCount: number;
  /** From its beginning to its reply, waiting for other nodes included. All calls together. */
  durationMs: number;
  /** How often it did not run: it had too few arguments or too many. */
  rejectedCount: number;
  /** How often it ran and its reply was an error. */
  failedCount: number;
}

export class CommandStats {
  /** Bytes read from clients and written to them. */
  inputBytes = 0;
  outputBytes = 0;
  /** Replies that were errors. */
  errorsCount = 0;
  readonly #figures = new Map<Command, CommandFigures>();
  #sampled: { readonly atMs: number; readonly commandsCount: number } | undefined;
  #commandsPerSecond = 0;

  /** What is known of each command that was called, the first one first. */
  figures(): Iterable<CommandFigures> {
    return this.#figures.values();
  }

  ran(command: Command, durationMs: number, hasFailed: boolean): void {
    const figures = this.#of(command);
    figures.callsCount++;
    figures.durationMs += durationMs;
    if (hasFailed) figures.failedCount++;
  }

  rejected(command: Command): void {
    this.#of(command).rejectedCount++;
  }

  /** How many commands came per second between the last two samples. */
  get commandsPerSecond(): number {
    return this.#commandsPerSecond;
  }

  /** Called again and again, about once a second. */
  sample(atMs: number, commandsCount: number): void {
    const before = this.#sampled;
    if (before !== undefined && atMs <= before.atMs) return;
    this.#sampled = { atMs, commandsCount };
    if (before === undefined) return;
    const count = commandsCount - before.commandsCount;
    this.#commandsPerSecond = count / (atMs - before.atMs) * 1000;
  }

  #of(command: Command): CommandFigures {
    const known = this.#figures.get(command);
    if (known !== undefined) return known;
    const figures = { command, callsCount: 0, durationMs: 0, rejectedCount: 0, failedCount: 0 };
    this.#figures.set(command, figures);
    return figures;
  }
}
