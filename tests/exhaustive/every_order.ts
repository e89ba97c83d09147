// Every order of events, each once, without those that differ in nothing.
//
// A world cannot be put back, so each order is a run from the beginning: the choices so far are made again, and
// at the last place where another choice is left another is made (an odometer). Two events at different nodes
// touch nothing in common, and which of them comes first changes nothing that anybody sees, unless through one of
// them a request ends: then what other requests have begun and what the disks hold by then is asked for.
// Of orders that differ only in such pairs one is run. An event that was tried at some place and is not
// chosen there sleeps until something happens that it does not go with; an order in which all that could
// happen sleeps has been run before, and is given up.
//
// Source: Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems" (1996), chapter 5
// (sleep sets).

import type { PossibleEvent } from "./agenda.ts";
import type { Footprint, Pilot } from "./pilot.ts";

/** A pilot that also knows which order comes next. */
export interface Explorer extends Pilot {
  /** Goes on to the next order; false if there is none. Call it after each run. */
  next(): boolean;
}

/** One choice of the present run. */
interface Choice {
  readonly names: readonly string[];
  /** What need not be chosen here: events by their names and what they touched when they were chosen. */
  readonly sleeping: Map<string, Footprint>;
  chosen: string;
  footprint: Footprint | undefined;
}

export class EveryOrder implements Explorer {
  readonly #isReduced: boolean;
  readonly #choices: Choice[] = [];
  #depth = 0;

  /** @param isReduced false to run the orders that differ in nothing as well */
  constructor(isReduced = true) {
    this.#isReduced = isReduced;
  }

  choose(possible: readonly PossibleEvent[]): PossibleEvent | undefined {
    const depth = this.#depth++;
    const choice = this.#choices[depth];
    if (choice === undefined) return this.#open(possible);
    const names = possible.map(({ name }) => name);
    if (names.join() !== choice.names.join()) {
      throw new Error(`The same choices led to [${names}] and before to [${choice.names}]`);
    }
    return possible.find(({ name }) => name === choice.chosen)!;
  }

  happened(footprint: Footprint): void {
    this.#choices[this.#depth - 1]!.footprint = footprint;
  }

  next(): boolean {
    this.#depth = 0;
    for (let last = this.#choices.at(-1); last !== undefined; last = this.#choices.at(-1)) {
      last.sleeping.set(last.chosen, last.footprint!);
      const other = last.names.find((name) => !last.sleeping.has(name));
      if (other !== undefined) {
        last.chosen = other;
        return true;
      }
      this.#choices.pop();
    }
    return false;
  }

  /** Makes the first choice at a place where this run has not been before. */
  #open(possible: readonly PossibleEvent[]): PossibleEvent | undefined {
    const sleeping = this.#stillSleeping();
    const event = possible.find(({ name }) => !sleeping.has(name));
    if (event === undefined) return undefined;
    const names = possible.map(({ name }) => name);
    this.#choices.push({ names, sleeping, chosen: event.name, footprint: undefined });
    return event;
  }

  #stillSleeping(): Map<string, Footprint> {
    const sleeping = new Map<string, Footprint>();
    const before = this.#choices.at(-1);
    if (before === undefined || !this.#isReduced) return sleeping;
    for (const [name, footprint] of before.sleeping) {
      if (!matters(footprint, before.footprint!)) sleeping.set(name, footprint);
    }
    return sleeping;
  }
}

/** Whether it can make a difference which of two events comes first. */
function matters(a: Footprint, b: Footprint): boolean {
  if (a.place === b.place) return true;
  return a.hasEnded && b.isNoted || a.isNoted && b.hasEnded;
}
