// The people of a story: clients that carry out requests and remember, of each key, what they were shown last.
//
// They reach a node by its interface as every door does. What they see goes into the simulator's history, so that
// its oracles judge a story as they judge a seed.

import { utf8, utf8Text } from "../../src/base/bytes.ts";
import { contextIn } from "../../src/causality/context_token.ts";
import type { Node } from "../../src/node/node.ts";
import type { QuorumLevel } from "../../src/replica/namespaces.ts";
import { DenamoError, messageOf, QuorumError } from "../../src/wire/errors.ts";
import type { Operation, OperationKind, Write } from "../sim/history.ts";
import type { Machine } from "../sim/machine.ts";
import { copiesOf, countOf } from "../sim/options.ts";
import { durabilityProblem } from "../sim/oracles/durable_acks.ts";
import type { World } from "../sim/world.ts";
import { type Alteration, showMerged } from "./alterations.ts";
import type { DotNames } from "./dot_names.ts";

/** What somebody knows of a key: a context and the writes whose values came with it. */
export interface Knowledge {
  readonly token: string;
  readonly shown: readonly Write[];
}

export interface Request {
  readonly kind: OperationKind;
  readonly key: string;
  /** Of a put. */
  readonly value: string | undefined;
  /** Of an update: what is changed. */
  readonly alteration: Alteration | undefined;
  readonly level: QuorumLevel | undefined;
  readonly timeoutMs: number | undefined;
  /** The context that it carries, if any. */
  readonly knowing: Knowledge | undefined;
}

/** A request that may not have ended yet. */
export interface Asked {
  readonly operation: Operation;
  /** In words, once it has ended. */
  answer: string | undefined;
}

export class People {
  readonly #world: World;
  readonly #names: DotNames;
  readonly #ownersOf: (key: string) => readonly Machine[];
  readonly #known = new Map<string, Knowledge>();

  /** @param ownersOf tells which machines own a key */
  constructor(world: World, names: DotNames, ownersOf: (key: string) => readonly Machine[]) {
    this.#world = world;
    this.#names = names;
    this.#ownersOf = ownersOf;
  }

  /** What somebody was shown last of a key; undefined if nothing. */
  known(person: string, key: string): Knowledge | undefined {
    return this.#known.get(`${person} ${key}`);
  }

  /** Sends a request; it ends as time passes. */
  ask(person: string, machine: Machine, request: Request): Asked {
    const { history, options, time } = this.#world;
    const { key, kind, knowing, level, value } = request;
    const operation = history.begin({
      client: person,
      node: machine.name,
      key,
      kind,
      value,
      needed: countOf(level ?? (kind === "get" ? options.r : options.w), copiesOf(options, key)),
      readNeeded: countOf(options.r, copiesOf(options, key)),
      shown: knowing?.shown,
      invokedAtMs: time.nowMs,
    });
    const asked: Asked = { operation, answer: undefined };
    void this.#carryOut(asked, machine, request);
    return asked;
  }

  async #carryOut(asked: Asked, machine: Machine, request: Request): Promise<void> {
    const { operation } = asked;
    const { node, process } = machine;
    if (node === undefined || process === undefined) {
      operation.error = "Nobody listens there";
      return this.#end(asked, "no", "nobody listens there");
    }
    const gone = Symbol();
    try {
      const answered = new Promise<string>((resolve, reject) => {
        // A process that stands still takes the request when it goes on.
        process.whenRunning(() => {
          this.#world.onAccountOf(operation, () => this.#send(machine, operation, request))
            .then(resolve, reject);
        });
      });
      const answer = await Promise.race([answered, process.ended.then(() => gone)]);
      if (typeof answer === "string") return this.#end(asked, "ok", answer);
      answered.catch(() => {});
      this.#end(asked, "unknown", "the node has died");
    } catch (error) {
      operation.error = messageOf(error);
      if (!(error instanceof DenamoError) || error.code === "internal") {
        this.#world.violation(`A request fails without a reason: ${messageOf(error)}`);
        return this.#end(asked, "unknown", messageOf(error));
      }
      this.#end(asked, error.outcome, describe(error));
    }
  }

  #end(asked: Asked, outcome: "ok" | "no" | "unknown", what: string): void {
    const { operation } = asked;
    operation.outcome = outcome;
    operation.endedAtMs = this.#world.time.nowMs;
    const dots = operation.kind === "get" ? [] : operation.writes.map(({ dot }) => {
      return `dot ${this.#names.of(dot)}, `;
    });
    const drawn = outcome === "ok" ? dots.join("") : "";
    const perhaps = outcome !== "ok" && dots.length > 0 ? ` (${dots.join("").slice(0, -2)})` : "";
    asked.answer = `${outcome}: ${drawn}${what}${perhaps}`;
    for (const write of operation.writes) this.#checkDisks(operation, write);
  }

  /** Who is told that a write is durable may rely on it at that very moment. */
  #checkDisks(operation: Operation, { dot, key }: Write): void {
    const disks = this.#ownersOf(key).filter((machine) => {
      if (machine.replacedAtMs >= operation.invokedAtMs) return true;
      return this.#world.onDisk(machine, key).timeOf(dot.actor) >= dot.time;
    });
    const problem = durabilityProblem(operation, disks.length);
    if (problem !== undefined) this.#world.violation(problem);
  }

  async #send(machine: Machine, operation: Operation, request: Request): Promise<string> {
    const node = machine.node!;
    const key = utf8(request.key);
    const { kind, level, timeoutMs } = request;
    const context = request.knowing?.token;
    switch (kind) {
      case "get": {
        const result = await node.get(key, { atLeast: context, r: level, timeoutMs });
        operation.siblings = result.siblings.map(({ bytes }) => utf8Text(bytes));
        const values = operation.siblings.map((value) => `"${value}"`);
        const shown = [...values, ...showMerged(result.merged)].join(", ");
        const learned = this.#learn(operation, result.context(), operation.siblings);
        return `${shown === "" ? "nothing" : shown}, ${learned}`;
      }
      case "put": {
        const value = { kind: "text", bytes: utf8(request.value!) } as const;
        const result = await node.put(key, value, { w: level, context, timeoutMs });
        const token = result.context();
        const left = `${result.siblings} ${result.siblings === 1 ? "value" : "values"}`;
        if (token === undefined) return `${left}, no context`;
        return `${left}, ${this.#learn(operation, token, [request.value!])}`;
      }
      case "delete": {
        const result = await node.delete(key, { w: level, context, timeoutMs });
        const left = `${result.siblings} ${result.siblings === 1 ? "value" : "values"}`;
        return result.existed ? `it was there, ${left}` : "it was not there";
      }
      case "update":
        return await this.#alter(node, key, request);
    }
  }

  async #alter(node: Node, key: Uint8Array, request: Request): Promise<string> {
    const { knowing, level, timeoutMs } = request;
    const alteration = request.alteration!;
    if ("operation" in alteration) {
      const options = { w: level, context: knowing?.token, timeoutMs };
      const { results } = await node.update(key, [alteration.operation], options);
      const { changed, count } = results[0]!;
      return count === undefined ? `${changed} changed` : `it counts ${count}`;
    }
    const { endsInMs } = alteration;
    const atMs = endsInMs === undefined ? undefined : Math.floor(node.nowMs()) + endsInMs;
    const { existed } = await node.expire(key, atMs, { w: level, timeoutMs });
    return existed ? "it is there" : "it is not there";
  }

  /** Remembers a context with what came with it; returns it in words. */
  #learn({ client, key }: Operation, token: string, values: readonly string[]): string {
    const shown: Write[] = [];
    for (const value of values) {
      const write = this.#world.history.writeOf(value);
      if (write !== undefined && write.key === key) shown.push(write);
      else this.#world.violation(`${client} is shown "${value}", which nobody wrote to ${key}`);
    }
    this.#known.set(`${client} ${key}`, { token, shown });
    return `context ${this.#names.ofVector(contextIn(utf8(key), token).vector)}`;
  }
}

/** How many had answered when it was hopeless depends on who is faster, and is left out. */
function describe(error: DenamoError): string {
  if (!(error instanceof QuorumError)) return error.code;
  return `quorum, ${error.needed} needed`;
}
