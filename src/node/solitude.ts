// Tells the operator of a node that sees nobody, or too few: in the log, once a minute for as long as it is so.
//
// Nothing else would. A node that was started with a wrong address to join, or whose peers are gone, waits and calls
// for ever, which is right, and looks as if all were well to whoever looks at its log alone.

import type { Clock, Timer } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Layout } from "../ring/layout.ts";
import { sightOf } from "./readiness.ts";

/** How long it may be so before the log hears of it first, and between two times. */
export const FIRST_AFTER_MS = 10_000;
export const EVERY_MS = 60_000;

export interface SolitudeOptions {
  readonly self: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly layout: () => Layout | undefined;
  /** Whether a connection leads to a node that is not down. */
  readonly isSeen: (node: string) => boolean;
  /** Whether any other node is connected. */
  readonly hasPeers: () => boolean;
  /** The addresses that the node was told to join. */
  readonly join: readonly string[];
}

export class Solitude {
  readonly #options: SolitudeOptions;
  #timer: Timer | undefined;

  constructor(options: SolitudeOptions) {
    this.#options = options;
  }

  start(): void {
    this.#look(FIRST_AFTER_MS);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** A sentence while the node sees nobody whom it should, or no majority of its layout. */
  get problem(): string | undefined {
    const { hasPeers, isSeen, join, layout, self } = this.#options;
    const current = layout();
    if (current === undefined) {
      if (join.length === 0 || hasPeers()) return undefined;
      return `This node is alone: it cannot reach ${join.join(", ")}`;
    }
    const { isMajority, missing } = sightOf(current, self, isSeen);
    if (isMajority) return undefined;
    const isAlone = missing.length >= current.members.length - 1;
    return `${
      isAlone ? "This node is alone" : "This node sees no majority of the members"
    }: it cannot reach ${missing.join(", ")}`;
  }

  #look(afterMs: number): void {
    const { clock, join, log } = this.#options;
    this.#timer = clock.after(afterMs, () => {
      const { problem } = this;
      if (problem !== undefined) log.warn(problem, { join });
      this.#look(problem === undefined ? FIRST_AFTER_MS : EVERY_MS);
    });
  }
}
