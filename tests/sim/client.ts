// A client: one request after another at whatever node it likes, remembering what it was shown.

import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { contextIn } from "../../src/causality/context_token.ts";
import type { NestedOperation } from "../../src/crdt/map.ts";
import { SessionMemory } from "../../src/client/session.ts";
import type { WriteResult } from "../../src/node/api.ts";
import type { Node } from "../../src/node/node.ts";
import type { QuorumLevel } from "../../src/replica/namespaces.ts";
import { sleep } from "../../src/ports/clock.ts";
import { DenamoError, messageOf } from "../../src/wire/errors.ts";
import { Dice } from "./dice.ts";
import { type Operation, showBriefly, showOperation, type Write } from "./history.ts";
import type { Machine } from "./machine.ts";
import { copiesOf, countOf, type OperationWeights } from "./options.ts";
import { lateProblem, SLACK_MS } from "./oracles/liveness.ts";
import type { Process } from "./process.ts";
import { HOSTILE_REASON } from "./hostile/nonsense.ts";
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
  /** Of a put: after how long the value ends, in milliseconds; never unless given. */
  readonly lifeMs?: number | undefined;
  /** Of an update: what is changed. */
  readonly update?: NestedOperation | undefined;
  /** As in the options of the world unless given, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** How many contexts of a key a client keeps, to send stale ones. */
const KEPT_CONTEXTS = 4;

/** How long a client waits at the most that asks again and again, in milliseconds. */
const MOST_PATIENCE_MS = 5_000;

/** The name of the client that sends contexts which nobody has given out. */
export const FORGER = "forger";

export class Client {
  readonly #world: World;
  readonly #name: string;
  readonly #dice: Dice;
  /** What its reads ask for at least, if it is one that does. */
  readonly #session: SessionMemory | undefined;
  readonly #known = new Map<string, Knowledge[]>();
  #values = 0;
  #home: Machine;
  #openCount = 0;
  #isStopped = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#name = name;
    this.#dice = new Dice(world.options.seed, `client ${name}`);
    const { seed, sessionShare } = world.options;
    const isSession = new Dice(seed, `session ${name}`).happens(sessionShare);
    this.#session = isSession ? new SessionMemory() : undefined;
    this.#home = this.#dice.one(world.machines);
  }

  /** Sends requests, burst after burst, until it is stopped. */
  async run(): Promise<void> {
    const { options, time } = this.#world;
    const { burstCount, clientCount, requestsPerMinute, seed, thinkMs } = options;
    const meanMs = 60_000 * burstCount * clientCount / requestsPerMinute;
    // All clients draw the same pauses, and so begin their bursts at the same moments.
    const bursts = new Dice(seed, "bursts");
    for (let atMs = time.nowMs; !this.#isStopped; atMs += bursts.between(0.2, 1.8) * meanMs) {
      await sleep(time.clock(), atMs - time.nowMs);
      for (let i = 0; i < burstCount && !this.#isStopped; i++) {
        if (i > 0) await sleep(time.clock(), this.#dice.pauseMs(thinkMs));
        if (!this.#isStopped) await this.#request();
      }
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Whether it waits for an answer. */
  get isBusy(): boolean {
    return this.#openCount > 0;
  }

  /** Writes and reads a key at one machine until both succeed, with twice the patience each time. */
  async insist(key: string, machine: Machine, pauseMs: number): Promise<void> {
    for (const kind of ["put", "get"] as const) {
      let { timeoutMs } = this.#world.options;
      const wish = () => ({
        kind,
        key,
        level: undefined,
        timeoutMs,
        knowing: this.#known.get(key)?.[0],
      });
      while ((await this.carryOut(wish(), machine)).outcome !== "ok" && !this.#isStopped) {
        await sleep(this.#world.time.clock(), pauseMs);
        timeoutMs = Math.min(2 * timeoutMs, MOST_PATIENCE_MS);
      }
    }
  }

  /** Reads a key, writes it with what it has read, and reads it again, each time from and to all owners. */
  async rewrite(key: string, machine: Machine): Promise<Operation[]> {
    const patiently = { key, level: "all", timeoutMs: 10_000 } as const;
    const first = await this.carryOut({ ...patiently, kind: "get" }, machine);
    const knowing = this.#known.get(key)?.[0];
    const write = await this.carryOut({ ...patiently, kind: "put", knowing }, machine);
    return [first, write, await this.carryOut({ ...patiently, kind: "get" }, machine)];
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
      needed: countOf(level ?? (kind === "get" ? options.r : options.w), copiesOf(options, key)),
      readNeeded: countOf(options.r, copiesOf(options, key)),
      shown: knowing?.shown,
      invokedAtMs: time.nowMs,
    }, this.#session !== undefined);
    this.#openCount++;
    trace.add(`begins ${showBriefly(operation)}`);
    const { node, process } = machine;
    if (node === undefined || process === undefined) {
      this.#end(operation, "no", "Nobody listens there");
      return operation;
    }
    const wasRunning = process.state === "running";
    const pauses = process.pauseCount;
    const patience = time.after((wish.timeoutMs ?? options.timeoutMs) + SLACK_MS, () => {
      if (!wasRunning || process.state !== "running" || process.pauseCount !== pauses) return;
      this.#world.violation(lateProblem(operation));
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

  /** One request, and sometimes the same again elsewhere if nobody knows what became of it. */
  async #request(): Promise<void> {
    const machines = this.#world.open;
    if (this.#dice.happens(0.3) || !machines.includes(this.#home)) {
      this.#home = this.#dice.one(machines);
    }
    const wish = this.#wish();
    const operation = await this.carryOut(wish, this.#home);
    if (operation.kind === "get" || operation.outcome !== "unknown") return;
    if (this.#dice.happens(0.5)) await this.carryOut(wish, this.#dice.one(this.#world.open));
  }

  /** A process that stands still takes the request when it goes on. */
  #whenHeard(process: Process, send: () => Promise<void>, operation: Operation): Promise<void> {
    return new Promise((resolve) => {
      process.whenRunning(() => resolve(this.#world.onAccountOf(operation, send)));
    });
  }

  async #send(node: Node, operation: Operation, wish: Wish): Promise<void> {
    const key = this.#world.bytesOf(wish.key);
    const { level, timeoutMs } = wish;
    const context = wish.knowing?.token;
    switch (wish.kind) {
      case "get": {
        const atLeast = this.#session?.tokenOf(key);
        const result = await node.get(key, { atLeast, r: level, timeoutMs });
        operation.siblings = result.siblings.map(({ bytes }) => utf8Text(bytes));
        const token = result.context();
        operation.seen = contextIn(key, token).vector;
        this.#session?.learn(key, token);
        this.#learn(operation, token, operation.siblings);
        return;
      }
      case "put": {
        const value = { kind: "text", bytes: utf8(operation.value!) } as const;
        const expiresAtMs = wish.lifeMs === undefined
          ? undefined
          : Math.round(node.nowMs() + wish.lifeMs);
        const result = await node.put(key, value, { w: level, context, timeoutMs, expiresAtMs });
        this.#remember(key, result);
        const token = result.context();
        if (token !== undefined) this.#learn(operation, token, [operation.value!]);
        return;
      }
      case "delete":
        this.#remember(key, await node.delete(key, { w: level, context, timeoutMs }));
        return;
      case "update":
        await node.update(key, [wish.update!], { w: level, timeoutMs });
        return;
    }
  }

  #remember(key: Uint8Array, result: WriteResult): void {
    if (this.#session === undefined) return;
    const token = result.atLeast();
    if (token !== undefined) this.#session.learn(key, token);
  }

  #learn(operation: Operation, token: string, values: readonly string[]): void {
    const shown: Write[] = [];
    for (const value of values) {
      const write = this.#world.history.writeOf(value);
      if (write !== undefined && write.key === operation.key) shown.push(write);
      else this.#world.violation(`Value ${value} was not written: ${showOperation(operation)}`);
    }
    this.#world.hostility?.forger.learns(operation.key, token);
    const known = this.#known.get(operation.key) ?? [];
    this.#known.set(operation.key, [{ token, shown }, ...known].slice(0, KEPT_CONTEXTS));
  }

  #fail(operation: Operation, error: unknown): void {
    const isRefused = error instanceof DenamoError && error.code === "bad_context";
    const isMadeUp = isRefused && error.message === HOSTILE_REASON;
    if (isRefused && !isMadeUp && operation.client !== FORGER) {
      // All that others than forgers send was given out by the cluster.
      this.#world.violation(
        `A context of ours is refused: ${showOperation(operation)} ${error.message}`,
      );
    }
    if (error instanceof DenamoError && error.code !== "internal") {
      this.#end(operation, error.outcome, error.message);
      return;
    }
    this.#end(operation, "unknown", messageOf(error));
    const stack = error instanceof Error ? error.stack : "";
    this.#world.violation(`Fails without a reason: ${showOperation(operation)} ${stack}`);
  }

  #end(operation: Operation, outcome: Operation["outcome"], error: string | undefined): void {
    this.#openCount--;
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
