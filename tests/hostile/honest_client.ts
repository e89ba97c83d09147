// Clients who want nothing but to be served, while somebody attacks: one at each node.
//
// Each writes keys of its own, one after the other, and reads what any of them has written. It knows what it may
// be shown: what was acknowledged when it asked, or what was tried later. All that was ever acknowledged must be
// there at the end.

import { SeededRandom } from "../../src/base/seeded_random.ts";
import { randomBelow } from "../../src/ports/random.ts";
import { Door, type Reply } from "../chaos/door.ts";
import type { TargetNode } from "./target.ts";

export interface HonestOptions {
  /** Requests per second at each node. */
  readonly rate?: number;
  /** Keys that each client writes. */
  readonly keys?: number;
}

/** The values of a key are numbers that rise. */
interface Written {
  acknowledged: number;
  tried: number;
}

/** How the requests of honest clients ended. */
export interface Served {
  readonly askedCount: number;
  readonly okCount: number;
  /** From 0 to 1. */
  readonly share: number;
  /** Why the others failed, with how often. */
  readonly failures: ReadonlyMap<string, number>;
  readonly slowestMs: number;
}

/** How long a request may take: what a node gives it unless it is told otherwise. */
const PATIENCE_MS = 5_000;

/** How often, and how long after, a key is asked for again when all must be there. */
const TRIES = 10;
const TRY_AGAIN_MS = 200;

export class HonestClients implements Disposable {
  readonly #nodes: readonly TargetNode[];
  readonly #door: Door;
  readonly #rate: number;
  readonly #keysEach: number;
  readonly #written = new Map<string, Written>();
  #pauseMs = 0;
  #isStopped = true;
  #running: Promise<unknown> = Promise.resolve();
  #asked = 0;
  #ok = 0;
  #slowestMs = 0;
  #failures = new Map<string, number>();

  constructor(nodes: readonly TargetNode[], { rate = 40, keys = 40 }: HonestOptions = {}) {
    this.#nodes = nodes;
    this.#rate = rate;
    this.#keysEach = keys;
    const ports = nodes.map(({ name, ports }) => [name, ports.resp] as const);
    this.#door = new Door(new Map(ports), PATIENCE_MS);
  }

  /** Writes every key once. @throws if that fails: nobody attacks yet */
  async prepare(): Promise<void> {
    await Promise.all(this.#nodes.map(async (node) => {
      for (let i = 0; i < this.#keysEach; i++) await this.#write(node, keyOf(node, i));
    }));
    if (this.#ok < this.#asked) throw new Error(`Not served: ${[...this.#failures.keys()]}`);
  }

  /**
   * Begins to ask, and to count anew.
   *
   * @param rate requests per second at each node, if not as ever
   */
  start(rate = this.#rate): void {
    this.#pauseMs = 1_000 / rate;
    this.#isStopped = false;
    this.#asked = this.#ok = this.#slowestMs = 0;
    this.#failures = new Map();
    this.#running = Promise.all(this.#nodes.map((node) => this.#ask(node)));
  }

  /** Ends when all requests under way have; resolves with how they went since the start. */
  async stop(): Promise<Served> {
    this.#isStopped = true;
    await this.#running;
    return this.served;
  }

  get served(): Served {
    const [askedCount, okCount] = [this.#asked, this.#ok];
    const share = askedCount === 0 ? 1 : okCount / askedCount;
    return { askedCount, okCount, share, failures: this.#failures, slowestMs: this.#slowestMs };
  }

  /** Reads every key through every node; returns those that are not what they must be. */
  async lost(): Promise<string[]> {
    const problems: string[] = [];
    for (const node of this.#nodes) {
      await Promise.all([...this.#written].map(async ([key, { acknowledged, tried }]) => {
        const reply = await this.#patiently(node, "GET", key);
        const problem = problemOf(reply, acknowledged, tried);
        if (problem !== undefined) problems.push(`${key} at ${node.name}: ${problem}`);
      }));
    }
    return problems;
  }

  /** Writes every key anew through every node; returns what could not be written. */
  async rewritten(): Promise<string[]> {
    const problems: string[] = [];
    for (const node of this.#nodes) {
      for (let i = 0; i < this.#keysEach; i++) {
        const reply = await this.#write(node, keyOf(node, i));
        if (reply.outcome !== "ok") problems.push(`${keyOf(node, i)}: ${reply.error}`);
      }
    }
    return problems;
  }

  [Symbol.dispose](): void {
    this.#isStopped = true;
    this.#door[Symbol.dispose]();
  }

  async #ask(node: TargetNode): Promise<void> {
    const random = new SeededRandom(`honest ${node.name}`);
    let dueAtMs = performance.now();
    for (let i = 0; !this.#isStopped; i++) {
      await pass(dueAtMs - performance.now());
      // What could not be asked in time is not caught up with.
      dueAtMs = Math.max(dueAtMs + this.#pauseMs, performance.now());
      if (i % 2 === 0) {
        await this.#write(node, keyOf(node, (i / 2) % this.#keysEach));
        continue;
      }
      const other = this.#nodes[randomBelow(random, this.#nodes.length)]!;
      await this.#read(node, keyOf(other, randomBelow(random, this.#keysEach)));
    }
  }

  async #write(node: TargetNode, key: string): Promise<Reply> {
    const written = this.#writtenAt(key);
    const value = ++written.tried;
    const reply = await this.#timed(() => this.#door.ask(node.name, "SET", key, `${value}`));
    if (reply.outcome === "ok") written.acknowledged = value;
    this.#count(node, reply.outcome === "ok" ? undefined : reply.error);
    return reply;
  }

  async #read(node: TargetNode, key: string): Promise<void> {
    const written = this.#writtenAt(key);
    const { acknowledged } = written;
    const reply = await this.#timed(() => this.#door.ask(node.name, "GET", key));
    this.#count(node, problemOf(reply, acknowledged, written.tried));
  }

  async #timed(ask: () => Promise<Reply>): Promise<Reply> {
    const startedAtMs = performance.now();
    const reply = await ask();
    this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startedAtMs);
    return reply;
  }

  #count(node: TargetNode, problem: string | undefined): void {
    this.#asked++;
    if (problem === undefined) this.#ok++;
    else {
      const what = `at ${node.name}: ${
        problem.replaceAll(/"[^"]*"/g, "a key").replaceAll(/\d+/g, "N")
      }`;
      this.#failures.set(what, (this.#failures.get(what) ?? 0) + 1);
    }
  }

  async #patiently(node: TargetNode, ...command: [string, string]): Promise<Reply> {
    let reply = await this.#door.ask(node.name, ...command);
    for (let i = 0; i < TRIES && reply.outcome !== "ok"; i++) {
      await pass(TRY_AGAIN_MS);
      reply = await this.#door.ask(node.name, ...command);
    }
    return reply;
  }

  #writtenAt(key: string): Written {
    let written = this.#written.get(key);
    if (written === undefined) this.#written.set(key, written = { acknowledged: 0, tried: 0 });
    return written;
  }
}

/** The keys that the client of a node writes. */
export function keyOf({ name }: Pick<TargetNode, "name">, index: number): string {
  return `honest:${name}:${index}`;
}

/** What is wrong with a reply to a read, if anything. */
function problemOf(reply: Reply, least: number, most: number): string | undefined {
  if (reply.outcome !== "ok") return reply.error;
  if (reply.reply === null) return least === 0 ? undefined : "it is gone";
  const value = Number(reply.reply);
  return value >= least && value <= most ? undefined : `it is ${reply.reply}, not ${least}`;
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
