// Who chooses what happens in a small world.

import type { PossibleEvent } from "./agenda.ts";

/** What an event has touched, for the question whether it could as well have come before another. */
export interface Footprint {
  readonly place: string;
  /** Whether a request has ended through it: that is what clients and oracles see. */
  readonly hasEnded: boolean;
  /** Whether what an oracle may ask for at the end of a request has changed. */
  readonly isNoted: boolean;
}

/** Chooses what happens. */
export interface Pilot {
  /** One of the events, the oldest first; undefined ends the world. */
  choose(possible: readonly PossibleEvent[]): PossibleEvent | undefined;
  happened(footprint: Footprint): void;
}

/** Lets everything happen in the natural order. */
export const NATURAL: Pilot = { choose: (possible) => possible[0], happened: () => {} };
