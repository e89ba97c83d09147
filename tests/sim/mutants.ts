// Deliberate mistakes, each of which the simulator must find.
//
// A net that has never held a fish proves nothing. Each mutant puts one classic mistake of such stores between
// a node and its ports, so the node itself is untouched; `caughtBy` is what the oracles must say of it.

import type { Disk } from "../../src/ports/disk.ts";
import type { Random } from "../../src/ports/random.ts";
import { messageOf } from "../../src/wire/errors.ts";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { drawOptions } from "./options.ts";
import { runSeed } from "./run_seed.ts";
import type { Sabotage } from "./world.ts";

export interface Mutant {
  readonly name: string;
  readonly sabotage: Sabotage;
  /** What at least one violation looks like. */
  readonly caughtBy: RegExp;
  /** In how many seeds it must be caught, counted from 1. */
  readonly withinSeeds: number;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: "an actor is resumed after a restart",
    sabotage: { random: (machine, run) => new RepeatingRandom(machine, run) },
    caughtBy: /^Actor .* wrote in run/,
    withinSeeds: 10,
  },
  {
    name: "an actor that is resumed loses writes",
    sabotage: { random: (machine, run) => new RepeatingRandom(machine, run) },
    caughtBy: /lost write|no choice of the unknown/,
    withinSeeds: 300,
  },
  {
    name: "what cannot be read counts as absent",
    sabotage: { wrapDisk: (disk) => new ForgivingDisk(disk) },
    caughtBy: /lost write|no choice of the unknown|is not in a later read/,
    withinSeeds: 25,
  },
  {
    name: "a commit is acknowledged before it is durable",
    sabotage: { wrapDisk: (disk) => new HastyDisk(disk) },
    caughtBy: /^Acknowledged while on/,
    withinSeeds: 10,
  },
  {
    name: "the disk says that it has written and has not",
    sabotage: { wrapDisk: (disk) => new LyingDisk(disk) },
    caughtBy: /^Acknowledged while on/,
    withinSeeds: 10,
  },
];

/** The first seed, counted from 1, that catches a mutant; undefined if none does that should. */
export async function seedThatCatches(mutant: Mutant): Promise<number | undefined> {
  for (let seed = 1; seed <= mutant.withinSeeds; seed++) {
    const { violations } = await runSeed(drawOptions(seed), mutant.sabotage);
    if (violations.some((violation) => mutant.caughtBy.test(violation))) return seed;
  }
  return undefined;
}

/** Draws the same actors in every run of a machine. */
class RepeatingRandom implements Random {
  readonly #other: SeededRandom;
  readonly #actors: SeededRandom;

  constructor(machine: string, run: number) {
    this.#other = new SeededRandom(`${machine} ${run}`);
    this.#actors = new SeededRandom(machine);
  }

  uint32(): number {
    return this.#other.uint32();
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return this.#actors.bytes(length);
  }
}

/** Passes everything on. */
class PlainDisk implements Disk {
  constructor(readonly disk: Disk) {}

  get limits() {
    return this.disk.limits;
  }

  get(...args: Parameters<Disk["get"]>): ReturnType<Disk["get"]> {
    return this.disk.get(...args);
  }

  range(...args: Parameters<Disk["range"]>): ReturnType<Disk["range"]> {
    return this.disk.range(...args);
  }

  commit(...args: Parameters<Disk["commit"]>): ReturnType<Disk["commit"]> {
    return this.disk.commit(...args);
  }

  keyBytes(...args: Parameters<Disk["keyBytes"]>): number {
    return this.disk.keyBytes(...args);
  }

  close(): Promise<void> {
    return this.disk.close();
  }
}

class ForgivingDisk extends PlainDisk {
  override get(...args: Parameters<Disk["get"]>): ReturnType<Disk["get"]> {
    return super.get(...args).catch((error) => forgive(error, undefined));
  }

  override range(...args: Parameters<Disk["range"]>): ReturnType<Disk["range"]> {
    return super.range(...args).catch((error) => forgive(error, []));
  }
}

class HastyDisk extends PlainDisk {
  override commit(...args: Parameters<Disk["commit"]>): ReturnType<Disk["commit"]> {
    super.commit(...args).catch((error) => forgive(error, undefined));
    return Promise.resolve();
  }
}

class LyingDisk extends PlainDisk {
  #commits = 0;

  override commit(...args: Parameters<Disk["commit"]>): ReturnType<Disk["commit"]> {
    return ++this.#commits % 20 === 0 ? Promise.resolve() : super.commit(...args);
  }
}

function forgive<T>(error: unknown, instead: T): T {
  if (!messageOf(error).includes("The disk has failed")) throw error;
  return instead;
}
