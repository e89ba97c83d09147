// A client that changes values which merge: it adds to counters, puts elements into a set and takes them out, and adds
// to counters in a map. What came of each is written down for the oracles.
//
// What a client adds to a counter has an id, and is tried again elsewhere under the same id if nobody knows what became
// of it; now and then also if it has succeeded, as though the answer had been lost, and also when its time is over. It
// counts once.

import { utf8 } from "../../src/base/bytes.ts";
import type { NestedOperation } from "../../src/crdt/map.ts";
import type { OperationId } from "../../src/crdt/operation_id.ts";
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

/** How long what is added to a counter may be tried, in milliseconds, and how late a late try comes after that. */
const WINDOWS_MS = [500, 2_000, 8_000, 20_000];
const LATE_MS = 20_000;

/** How many of its additions a client tries once more at the end. */
const LAST_COUNT = 20;

/** Something that was added to a counter, and how often it was tried. */
interface Addition {
  readonly key: string;
  readonly update: NestedOperation;
  readonly id: OperationId;
  attempt: Attempt;
}

/** How often additions were tried again, and how often that was refused as too late. */
export interface Repetitions {
  tried: number;
  late: number;
}

/** What one client has tried. */
export class MergingClient {
  readonly #world: World;
  readonly #name: string;
  readonly #client: Client;
  readonly #dice: Dice;
  #count = 0;
  #waitingCount = 0;
  #isStopped = false;
  readonly #additions: Addition[] = [];
  readonly #alterations: Attempt[] = [];
  readonly repetitions: Repetitions = { tried: 0, late: 0 };

  constructor(world: World, name: string, client: Client) {
    this.#world = world;
    this.#name = name;
    this.#client = client;
    this.#dice = new Dice(world.options.seed, `merging ${name}`);
  }

  /** All that it has tried. */
  get attempts(): Attempt[] {
    return [...this.#additions.map(({ attempt }) => attempt), ...this.#alterations];
  }

  get isBusy(): boolean {
    return this.#client.isBusy || this.#waitingCount > 0;
  }

  async run(): Promise<void> {
    const { options, time } = this.#world;
    while (!this.#isStopped) {
      await sleep(time.clock(), this.#dice.pauseMs(options.mergingPauseMs));
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

  /** Tries some of its additions once more, whatever became of them. */
  async tryAgain(): Promise<void> {
    for (let i = 0; i < LAST_COUNT && this.#additions.length > 0; i++) {
      await this.#again(this.#dice.one(this.#additions));
    }
  }

  async #addTo(key: string, field: string | undefined): Promise<void> {
    const dice = this.#dice;
    const { time } = this.#world;
    const amount = Math.round(dice.between(-3, 5));
    const untilMs = Math.ceil(time.clock().now() + dice.one(WINDOWS_MS));
    const id = { session: this.#name, number: ++this.#count, untilMs };
    const add: NestedOperation = { type: "counter", operation: { kind: "add", amount, id } };
    const update: NestedOperation = field === undefined
      ? add
      : { type: "map", operation: { kind: "update", key: utf8(field), nested: add } };
    const invokedAtMs = time.nowMs;
    const outcome = await this.#try(key, update);
    const name = field ?? key;
    const attempt: Attempt = {
      kind: "count",
      name,
      amount,
      outcome,
      invokedAtMs,
      endedAtMs: time.nowMs,
    };
    const addition: Addition = { key, update, id, attempt };
    this.#additions.push(addition);
    if (dice.happens(0.2)) this.#againLater(addition);
    else if (outcome === "unknown" || outcome === "ok" && dice.happens(0.2)) {
      await this.#again(addition);
    }
  }

  /** Another try some time within that of an operation, or when it is over, or nearly. */
  async #againLater(addition: Addition): Promise<void> {
    const clock = this.#world.time.clock();
    const leftMs = addition.id.untilMs - clock.now();
    const isLate = this.#dice.happens(0.5);
    const pauseMs = this.#dice.between(isLate ? leftMs - 200 : 0, leftMs + (isLate ? LATE_MS : 0));
    this.#waitingCount++;
    await sleep(clock, Math.max(0, pauseMs));
    if (!this.#isStopped) await this.#again(addition);
    this.#waitingCount--;
  }

  /** Another try, which may succeed where an earlier has succeeded already; if it is refused, the earlier counts. */
  async #again(addition: Addition): Promise<void> {
    const { id, key, update } = addition;
    const isLate = this.#world.time.clock().now() > id.untilMs;
    this.repetitions.tried++;
    const outcome = await this.#try(key, update);
    if (outcome === "no" && isLate) this.repetitions.late++;
    const before = addition.attempt.outcome;
    if (before === "ok" || before === outcome || outcome === "no") return;
    addition.attempt = { ...addition.attempt, outcome, endedAtMs: this.#world.time.nowMs };
  }

  async #alterSet(element: string, isAdd: boolean): Promise<void> {
    const elements = [utf8(element)];
    const update: NestedOperation = isAdd
      ? { type: "set", operation: { kind: "add", elements } }
      : { type: "set", operation: { kind: "remove", elements, seen: undefined } };
    const invokedAtMs = this.#world.time.nowMs;
    const outcome = await this.#try(SET_KEY, update);
    const kind = isAdd ? "add" : "remove";
    const endedAtMs = this.#world.time.nowMs;
    this.#alterations.push({ kind, name: element, amount: 0, outcome, invokedAtMs, endedAtMs });
  }

  async #try(key: string, update: NestedOperation): Promise<Attempt["outcome"]> {
    const machine = this.#dice.one(this.#world.open);
    const { outcome } = await this.#client.carryOut(
      { kind: "update", key, level: undefined, update },
      machine,
    );
    return outcome === "open" ? "unknown" : outcome;
  }
}
