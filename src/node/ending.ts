// Why a node must not go on, if it must not: its owner is told and stops it.

import { StartAnewError } from "./left_behind.ts";

/** How long a node stays away that leaves its name to another: the others must find that it is down. */
const AWAY_MS = 15_000;

export class Ending {
  readonly #reason = Promise.withResolvers<Error>();

  /** Resolves with the first reason. */
  get failed(): Promise<Error> {
    return this.#reason.promise;
  }

  /** The node cannot be what it was started as. */
  giveUp(reason: string): void {
    this.#reason.resolve(new Error(reason));
  }

  /** The node must start again, with empty copies. */
  startAnew(): void {
    const message = "The others have forgotten without this node: it starts again, empty";
    this.#reason.resolve(new StartAnewError(message));
  }

  /**
   * Another process has the node's name, and a better right to it. A member of the layout starts again once the others
   * have found it gone, and then waits outside for the other process to end.
   */
  leaveName(reason: string, isMember: boolean): void {
    this.#reason.resolve(isMember ? new StartAnewError(reason, AWAY_MS) : new Error(reason));
  }
}
