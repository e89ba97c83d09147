// A client that changes the values of typed_kinds.ts, of those kinds that its world has, and writes down what came of
// it for the oracles.

import { sleep } from "../../src/ports/clock.ts";
import type { Client } from "./client.ts";
import { Dice } from "./dice.ts";
import { DocumentAuthor } from "./document_author.ts";
import type { Operation } from "./history.ts";
import type { Machine } from "./machine.ts";
import type { SimOptions } from "./options.ts";
import { type Author, type Kind, KINDS, type TypedAttempt, type TypedKind } from "./typed_kinds.ts";
import { TYPED_KINDS } from "./typed_kinds.ts";
import type { MergedValues } from "../../src/node/api.ts";
import type { World } from "./world.ts";

/** The kinds of values that a world has. */
export function kindsOf({ mergingClientCount, typedKinds }: SimOptions): readonly TypedKind[] {
  return mergingClientCount === 0 ? [] : TYPED_KINDS.filter((kind) => typedKinds[kind] > 0);
}

interface Attempted {
  readonly kind: TypedKind;
  readonly facts: unknown;
  readonly operation: Operation;
}

export class TypedClient {
  readonly #world: World;
  readonly #client: Client;
  readonly #author: Author;
  readonly #kinds: readonly TypedKind[];
  readonly #attempts: Attempted[] = [];
  #count = 0;
  #isStopped = false;

  /** @param acknowledged one list for all clients of a world; see document_author.ts */
  constructor(world: World, name: string, client: Client, acknowledged: Uint8Array[]) {
    const dice = new Dice(world.options.seed, `typed ${name}`);
    this.#world = world;
    this.#client = client;
    this.#kinds = kindsOf(world.options);
    this.#author = { name, dice, document: new DocumentAuthor(dice, acknowledged) };
  }

  get isBusy(): boolean {
    return this.#client.isBusy;
  }

  async run(): Promise<void> {
    if (this.#kinds.length === 0) return;
    const { dice } = this.#author;
    const { options, time } = this.#world;
    while (!this.#isStopped) {
      await sleep(time.clock(), dice.pauseMs(2 * options.mergingPauseMs));
      if (!this.#isStopped) await this.#change(dice.one(this.#kinds));
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** What it has tried with a kind. */
  attemptsOf(kind: TypedKind): TypedAttempt<unknown>[] {
    return this.#attempts.filter((attempt) => attempt.kind === kind)
      .map(({ facts, operation }) => {
        const { endedAtMs = Infinity, invokedAtMs, outcome, writes } = operation;
        const dots = writes.map(({ dot }) => dot);
        return {
          facts,
          dots,
          invokedAtMs,
          endedAtMs,
          outcome: outcome === "open" ? "unknown" : outcome,
        };
      });
  }

  async #change(kind: TypedKind): Promise<void> {
    const { key, draw } = KINDS[kind];
    const { facts, operation: update } = draw(this.#author, ++this.#count);
    const machine = this.#author.dice.one(this.#world.open);
    const operation = await this.#client.carryOut(
      { kind: "update", key, level: undefined, update },
      machine,
    );
    this.#attempts.push({ kind, facts, operation });
    if (kind === "document" && operation.outcome === "ok") this.#author.document.arrived();
  }
}

/**
 * What is wrong with the values of the kinds that a world has.
 *
 * @param seesAll see oracles/presence.ts
 * @param mergedAt what an owner of a key shows
 */
export async function typedProblems(
  world: World,
  clients: readonly TypedClient[],
  seesAll: boolean,
  mergedAt: (key: string, machine: Machine) => Promise<MergedValues | undefined>,
): Promise<string[]> {
  const problems: string[] = [];
  for (const name of kindsOf(world.options)) {
    const kind = KINDS[name] as Kind<unknown>;
    const attempts = clients.flatMap((client) => client.attemptsOf(name));
    for (const machine of world.ownersOf(kind.key)) {
      const merged = await mergedAt(kind.key, machine);
      if (merged !== undefined) problems.push(...kind.problems(attempts, merged, seesAll));
    }
  }
  return problems;
}
