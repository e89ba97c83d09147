// A client: one request after another at whatever node it likes, remembering what it was shown.

import { utf8, utf8Text } from "../../src/base/bytes.ts";
import type { Node } from "../../src/node/node.ts";
import type { QuorumLevel } from "../../src/replica/namespaces.ts";
import { sleep } from "../../src/ports/clock.ts";
import { DenamoError, messageOf } from "../../src/wire/errors.ts";
import { Dice } from "./dice.ts";
import { type Operation, showBriefly, showOperation, type Write } from "./history.ts";
import type { Machine } from "./machine.ts";
import { countOf, type OperationWeights } from "./options.ts";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

/** A context and the writes whose values came with it. */
interface Knowledge {
  readonly token: string;
  readonly shown: readonly Write[];
}

/** What a client wants to do. */
export interface Wish {
  readonly kind: Operation["kind"];
  readonly key: string;
  readonly level: QuorumLevel | undefined;
  /** Undefined to write without a context. */
  readonly knowing?: Knowledge | undefined;
}

/** How much longer than its timeout a request may take: the sweeps of deadlines and a slow disk. */
const SLACK_MS = 5_000;

/** How many contexts of a key a client keeps, to send stale ones. */
const KEPT_CONTEXTS = 4;

export class Client {
  readonly #world: World;
  readonly #name: string;
  readonly #dice: Dice;
  readonly #known = new Map<string, Knowledge[]>();
  #values = 0;
  #home: Machine;
  #isStopped = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#name = name;
    this.#dice = new Dice(world.options.seed, `client ${name}`);
    this.#home = this.#dice.one(world.machines);
  }

  /** Sends requests until it is stopped. */
  async run(): Promise<void> {
    const { options, time } = this.#world;
    while (!this.#isStopped) {
      await sleep(time.clock(), this.#dice.pauseMs(options.thinkMs));
      if (this.#isStopped) break;
      if (this.#dice.happens(0.3)) this.#home = this.#dice.one(this.#world.machines);
      const wish = this.#wish();
      const operation = await this.carryOut(wish, this.#home);
      if (operation.kind === "get" || operation.outcome !== "unknown") continue;
      if (this.#dice.happens(0.5)) await this.carryOut(wish, this.#dice.one(this.#world.machines));
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Reads a key, writes it with what it has read, and reads it again, each time from and to all owners. */
  async rewrite(key: string, machine: Machine): Promise<Operation[]> {
    const first = await this.carryOut({ kind: "get", key, level: "all" }, machine);
    const knowing = this.#known.get(key)?.[0];
    const write = await this.carryOut({ kind: "put", key, level: "all", knowing }, machine);
    return [first, write, await this.carryOut({ kind: "get", key, level: "all" }, machine)];
  }

  /** Carries out one request at a node and writes it down. */
  async carryOut(wish: Wish, machine: Machine): Promise<Operation> {
    const { history, options, time, trace } = this.#world;
    const { kind, key, level, knowing } = wish;
    const operation = history.begin({
      client: this.#name,
      node: machine.name,
      key,
      kind,
      value: kind === "put" ? `${this.#name}.${++this.#values}` : undefined,
      needed: countOf(level ?? (kind === "get" ? options.r : options.w), options.replication),
      readNeeded: countOf(options.r, options.replication),
      shown: knowing?.shown,
      invokedAtMs: time.nowMs,
    });
    trace.add(`begins ${showBriefly(operation)}`);
    const { node, process } = machine;
    if (node === undefined || process === undefined) {
      this.#end(operation, "no", "Nobody listens there");
      return operation;
    }
    const wasRunning = process.state === "running";
    const pauses = process.pauseCount;
    const patience = time.after(options.timeoutMs + SLACK_MS, () => {
      if (!wasRunning || process.state !== "running" || process.pauseCount !== pauses) return;
      this.#world.violation(`Does not end in time: ${showOperation(operation)}`);
    });
    const gone = Symbol();
    try {
      const answered = this.#whenHeard(process, () => this.#send(node, operation, wish), operation);
      const result = await Promise.race([answered, process.ended.then(() => gone)]);
      if (result === gone) {
        answered.catch(() => {});
        this.#end(operation, "unknown", "The node has died");
      } else {
        this.#end(operation, "ok", undefined);
      }
    } catch (error) {
      this.#fail(operation, error);
    } finally {
      patience.cancel();
    }
    return operation;
  }

  /** A process that stands still takes the request when it goes on. */
  #whenHeard(process: Process, send: () => Promise<void>, operation: Operation): Promise<void> {
    return new Promise((resolve) => {
      process.whenRunning(() => resolve(this.#world.onAccountOf(operation, send)));
    });
  }

  async #send(node: Node, operation: Operation, wish: Wish): Promise<void> {
    const key = utf8(wish.key);
    const context = wish.knowing?.token;
    switch (wish.kind) {
      case "get": {
        const result = await node.get(key, { r: wish.level });
        operation.siblings = result.siblings.map(({ bytes }) => utf8Text(bytes));
        this.#learn(operation, result.context(), operation.siblings);
        return;
      }
      case "put": {
        const value = { kind: "text", bytes: utf8(operation.value!) } as const;
        const result = await node.put(key, value, { w: wish.level, context });
        const token = result.context();
        if (token !== undefined) this.#learn(operation, token, [operation.value!]);
        return;
      }
      case "delete":
        await node.delete(key, { w: wish.level, context });
        return;
    }
  }

  #learn(operation: Operation, token: string, values: readonly string[]): void {
    const shown: Write[] = [];
    for (const value of values) {
      const write = this.#world.history.writeOf(value);
      if (write !== undefined && write.key === operation.key) shown.push(write);
      else this.#world.violation(`Value ${value} was not written: ${showOperation(operation)}`);
    }
    const known = this.#known.get(operation.key) ?? [];
    this.#known.set(operation.key, [{ token, shown }, ...known].slice(0, KEPT_CONTEXTS));
  }

  #fail(operation: Operation, error: unknown): void {
    if (error instanceof DenamoError && error.code !== "internal") {
      this.#end(operation, error.outcome, error.message);
      return;
    }
    this.#end(operation, "unknown", messageOf(error));
    const stack = error instanceof Error ? error.stack : "";
    this.#world.violation(`Fails without a reason: ${showOperation(operation)} ${stack}`);
  }

  #end(operation: Operation, outcome: Operation["outcome"], error: string | undefined): void {
    operation.endedAtMs = this.#world.time.nowMs;
    operation.outcome = outcome;
    operation.error = error;
    this.#world.trace.add(`ends ${showBriefly(operation)}`);
    this.#world.ended(operation);
  }

  #wish(): Wish {
    const { operations, ownLevelShare } = this.#world.options;
    const key = this.#dice.one(this.#world.keys);
    const known = this.#known.get(key);
    const level = this.#dice.happens(ownLevelShare) ? this.#dice.one(LEVELS) : undefined;
    const name = this.#dice.weighted<keyof OperationWeights>(operations);
    const knowing = known?.[0];
    switch (name) {
      case "get":
        return { kind: "get", key, level };
      case "getLoosely":
        return { kind: "get", key, level: "one" };
      case "putFresh":
        return { kind: knowing === undefined ? "get" : "put", key, level, knowing };
      case "putStale":
        return {
          kind: "put",
          key,
          level,
          knowing: known === undefined ? undefined : this.#dice.one(known),
        };
      case "putBlind":
        return { kind: "put", key, level };
      case "deleteFresh":
        return { kind: "delete", key, level, knowing };
      case "deleteBlind":
        return { kind: "delete", key, level };
    }
  }
}

const LEVELS: readonly QuorumLevel[] = ["one", "quorum", "all"];
