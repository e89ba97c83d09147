// A client that changes values which merge: it adds to counters, puts elements into a set and takes them out, and adds
// to counters in a map. What came of each is written down for the oracles.
//
// What a client adds to a counter has an id, and is tried again elsewhere under the same id if nobody knows what became
// of it. It counts once.

import { utf8 } from "../../src/base/bytes.ts";
import type { NestedOperation } from "../../src/crdt/map.ts";
import { sleep } from "../../src/ports/clock.ts";
import type { Client } from "./client.ts";
import { Dice } from "./dice.ts";
import type { Attempt } from "./oracles/merged_values.ts";
import type { World } from "./world.ts";

export const COUNTER_KEY = "mc";
export const SET_KEY = "ms";
export const MAP_KEY = "mm";

/** The keys with values that merge. */
export const MERGING_KEYS = [COUNTER_KEY, SET_KEY, MAP_KEY] as const;

const ELEMENTS = ["a", "b", "c", "d"];
export const FIELDS = ["x", "y"];

/** The mean pause between two changes, in milliseconds. */
const PAUSE_MS = 400;

/** What one client has tried. */
export class MergingClient {
  readonly #world: World;
  readonly #name: string;
  readonly #client: Client;
  readonly #dice: Dice;
  #count = 0;
  #isStopped = false;
  readonly attempts: Attempt[] = [];

  constructor(world: World, name: string, client: Client) {
    this.#world = world;
    this.#name = name;
    this.#client = client;
    this.#dice = new Dice(world.options.seed, `merging ${name}`);
  }

  get isBusy(): boolean {
    return this.#client.isBusy;
  }

  async run(): Promise<void> {
    while (!this.#isStopped) {
      await sleep(this.#world.time.clock(), this.#dice.pauseMs(PAUSE_MS));
      if (!this.#isStopped) await this.#change();
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #change(): Promise<void> {
    const dice = this.#dice;
    const lot = dice.between(0, 1);
    if (lot < 0.4) await this.#addTo(COUNTER_KEY, undefined);
    else if (lot < 0.6) await this.#addTo(MAP_KEY, dice.one(FIELDS));
    else await this.#alterSet(dice.one(ELEMENTS), lot < 0.85);
  }

  async #addTo(key: string, field: string | undefined): Promise<void> {
    const amount = Math.round(this.#dice.between(-3, 5));
    const id = { session: this.#name, number: ++this.#count };
    const add: NestedOperation = { type: "counter", operation: { kind: "add", amount, id } };
    const update: NestedOperation = field === undefined
      ? add
      : { type: "map", operation: { kind: "update", key: utf8(field), nested: add } };
    const invokedAtMs = this.#world.time.nowMs;
    let outcome = await this.#try(key, update);
    // Another try may succeed where the first has succeeded already; if it is refused, the first counts.
    if (outcome === "unknown" && await this.#try(key, update) === "ok") outcome = "ok";
    this.#note({ kind: "count", name: field ?? key, amount, outcome, invokedAtMs });
  }

  async #alterSet(element: string, isAdd: boolean): Promise<void> {
    const elements = [utf8(element)];
    const update: NestedOperation = isAdd
      ? { type: "set", operation: { kind: "add", elements } }
      : { type: "set", operation: { kind: "remove", elements, seen: undefined } };
    const invokedAtMs = this.#world.time.nowMs;
    const outcome = await this.#try(SET_KEY, update);
    this.#note({ kind: isAdd ? "add" : "remove", name: element, amount: 0, outcome, invokedAtMs });
  }

  async #try(key: string, update: NestedOperation): Promise<Attempt["outcome"]> {
    const machine = this.#dice.one(this.#world.open);
    const { outcome } = await this.#client.carryOut(
      { kind: "update", key, level: undefined, update },
      machine,
    );
    return outcome === "open" ? "unknown" : outcome;
  }

  #note(attempt: Omit<Attempt, "endedAtMs">): void {
    this.attempts.push({ ...attempt, endedAtMs: this.#world.time.nowMs });
  }
}
