// The ways between the machines: how long messages take, and what becomes of them.
//
// A way leads from one peer to another. Several troubles may lie on one way at the same time; of each kind the
// worst counts. While a world is calm all messages arrive, whole and in order.

import type { PeerId } from "../../src/ports/network.ts";
import type { Dice } from "./dice.ts";
import type { Fate } from "./memory_connection.ts";

/** What is wrong with a way. All but `slower` are probabilities. */
export interface LinkTrouble {
  readonly lost?: number;
  readonly repeated?: number;
  readonly overtaken?: number;
  readonly damaged?: number;
  /** How many times as long messages take. */
  readonly slower?: number;
}

export class Links {
  readonly #dice: Dice;
  readonly #meanDelayMs: number;
  readonly #publicationLoss: number;
  readonly #troubles = new Map<string, Set<LinkTrouble>>();
  /** Whether all is well for good. */
  isHealed = false;

  constructor(dice: Dice, meanDelayMs: number, publicationLoss: number) {
    this.#dice = dice;
    this.#meanDelayMs = meanDelayMs;
    this.#publicationLoss = publicationLoss;
  }

  /** Puts a trouble on a way; returns how to take it off again. */
  trouble(from: PeerId, to: PeerId, trouble: LinkTrouble): () => void {
    const way = `${from} ${to}`;
    const troubles = this.#troubles.get(way) ?? new Set();
    this.#troubles.set(way, troubles.add(trouble));
    return () => {
      troubles.delete(trouble);
      if (troubles.size === 0 && this.#troubles.get(way) === troubles) this.#troubles.delete(way);
    };
  }

  /** How long the next message takes, in milliseconds. */
  delayMs(from: PeerId, to: PeerId): number {
    const meanMs = this.#meanDelayMs * Math.max(1, this.#worst(from, to, "slower"));
    return 0.05 + this.#dice.pauseMs(meanMs);
  }

  fate(from: PeerId, to: PeerId): Fate {
    if (this.#troublesOf(from, to) === undefined) return "arrives";
    for (const fate of FATES) {
      if (this.#dice.happens(this.#worst(from, to, fate))) return fate;
    }
    return "arrives";
  }

  losesPublication(from: PeerId, to: PeerId): boolean {
    if (this.isHealed) return false;
    return this.#dice.happens(Math.max(this.#publicationLoss, this.#worst(from, to, "lost")));
  }

  #worst(from: PeerId, to: PeerId, kind: keyof LinkTrouble): number {
    const troubles = this.#troublesOf(from, to);
    if (troubles === undefined) return 0;
    return Math.max(...[...troubles].map((trouble) => trouble[kind] ?? 0));
  }

  /** Asked for every message, and most of the time there are none anywhere. */
  #troublesOf(from: PeerId, to: PeerId): ReadonlySet<LinkTrouble> | undefined {
    return this.#troubles.size === 0 ? undefined : this.#troubles.get(`${from} ${to}`);
  }
}

const FATES = ["lost", "repeated", "overtaken", "damaged"] as const;
