// What is asked after an attack, and of every input the same: is anybody dead, is anything lost, were the others
// served meanwhile, does every node come back, is the memory free again?

import assert from "node:assert/strict";
import { waitFor } from "../cluster/wait_for.ts";
import { HonestClients } from "./honest_client.ts";
import { Target, type TargetOptions } from "./target.ts";
import { warmUp } from "./warm_up.ts";

/** How many of the requests of others must have been served while one attacked. */
const SERVED_LEAST = 0.99;

/** How much more memory a node may hold afterwards than while it worked as usual. */
export const MEMORY_FACTOR = 1.5;

/** How long every input is followed by honest requests, at the least. */
const WATCHED_MS = 1_000;

/** How long a cluster works hard before its memory is measured. */
const WARM_MS = 5_000;

/** A cluster under attack, the clients beside, and the verdict. */
export class Trial implements AsyncDisposable {
  readonly target: Target;
  readonly clients: HonestClients;
  readonly #memoryBefore: ReadonlyMap<string, number>;

  private constructor(target: Target, clients: HonestClients) {
    this.target = target;
    this.clients = clients;
    this.#memoryBefore = new Map(target.nodes.map((node) => [node.name, target.memoryOf(node)]));
  }

  static async start(options?: TargetOptions): Promise<Trial> {
    const target = await Target.start(options);
    const clients = new HonestClients(target.nodes);
    await clients.prepare();
    await warmUp(target.nodes, WARM_MS);
    return new Trial(target, clients);
  }

  /**
   * Lets somebody attack while honest clients ask; they go on for a second after it has ended.
   *
   * @throws if a node has ended, a key is lost, or too few requests were served
   */
  async attack(attack: (target: Target) => Promise<void>): Promise<void> {
    const { clients, target } = this;
    clients.start();
    // Whoever attacks is cut off, or finds nobody any more: the verdict is what counts.
    const [attacked] = await Promise.allSettled([attack(target)]);
    await watched(WATCHED_MS);
    await clients.stop();
    const problems = [...await target.crashes(), ...this.#badlyServed(), ...await clients.lost()];
    assertNothing(problems);
    if (attacked.status === "rejected") throw attacked.reason;
  }

  /** Starts all nodes again; everything must be there, and take writes. Before that the memory must be free again. */
  async comesBack(): Promise<void> {
    const { clients, target } = this;
    await this.#memoryIsFree();
    await target.restart();
    assertNothing(await clients.lost());
    assertNothing(await clients.rewritten());
    assertNothing([...await target.crashes(), ...await clients.lost()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.clients[Symbol.dispose]();
    await this.target[Symbol.asyncDispose]();
  }

  #badlyServed(): string[] {
    const { askedCount, failures, okCount, share } = this.clients.served;
    if (share >= SERVED_LEAST) return [];
    const reasons = [...failures].map(([reason, count]) => `  ${count} times ${reason}`);
    return [`${okCount} of ${askedCount} requests were served`, ...reasons];
  }

  /** Whoever does nothing collects no garbage: so clients ask as ever meanwhile. */
  async #memoryIsFree(): Promise<void> {
    this.clients.start();
    try {
      for (const node of this.target.nodes) {
        const before = this.#memoryBefore.get(node.name)!;
        const most = before * MEMORY_FACTOR;
        await waitFor(`${node.name} to hold ${inMiB(most)} at the most, as before`, () => {
          return this.target.memoryOf(node) <= most;
        });
      }
    } finally {
      await this.clients.stop();
    }
  }
}

/** What is done to a cluster, with what must be true afterwards beside the verdict. */
export type Input = (trial: Trial) => Promise<void>;

/**
 * Tries inputs on one cluster, each in a step of the test, and whether all nodes start again after them. An input that
 * fails may have destroyed the cluster: those after it get another one.
 */
export async function tryInputs(
  t: Deno.TestContext,
  inputs: Readonly<Record<string, Input>>,
  options?: TargetOptions,
): Promise<void> {
  let trial: Trial | undefined;
  const end = async () => {
    await trial?.[Symbol.asyncDispose]();
    trial = undefined;
  };
  const steps: [string, Input][] = Object.entries(inputs);
  steps.push(["and all nodes start again", (trial) => trial.comesBack()]);
  try {
    for (const [name, input] of steps) {
      await t.step(name, async () => {
        trial ??= await Trial.start(options);
        try {
          await input(trial);
        } catch (error) {
          await end();
          throw error;
        }
      });
    }
  } finally {
    await end();
  }
}

/** Lets time pass in which others are watched. */
export function watched(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function assertNothing(problems: readonly string[]): void {
  const shown = problems.slice(0, 20);
  if (problems.length > shown.length) shown.push(`and ${problems.length - shown.length} more`);
  assert.ok(problems.length === 0, `\n${shown.join("\n")}`);
}

export function inMiB(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}
