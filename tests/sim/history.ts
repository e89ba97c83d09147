// What clients did and saw, and what the copies did about it.
//
// A client knows values; a copy knows dots. The book joins them: every value is written once, so a value
// that a client is shown names one write, and for every dot that a copy draws it knows the operation that
// asked for it, because the simulator follows each request on its way through the cluster.
//
// `replaced` of a write is the set of writes that it had a right to replace: those whose values its client was
// really shown with the context that it sent, or, without a context, those that its coordinator held or
// was answered; closed over what those had replaced themselves. What a context covers on paper does not count:
// a faulty context covers writes that nobody ever saw.

import { utf8Text } from "../../src/base/bytes.ts";
import type { ActorId, Dot, HybridTime } from "../../src/causality/dot.ts";
import type { VersionVector } from "../../src/causality/version_vector.ts";
import type { DataObject } from "../../src/crdt/data_object.ts";
import { WriteSet } from "./write_set.ts";

export type OperationKind = "get" | "put" | "delete" | "update";

/** `open` until it ends; see the three outcomes of wire/errors.ts. */
export type OperationOutcome = "open" | "ok" | "no" | "unknown";

/** One request of one client. Times are virtual milliseconds. */
export interface Operation {
  readonly id: number;
  readonly client: string;
  readonly node: string;
  readonly key: string;
  readonly kind: OperationKind;
  /** Of a put. */
  readonly value: string | undefined;
  /** The owners that must answer. */
  readonly needed: number;
  /** The writes whose values the client was shown with the context that it sends; undefined without one. */
  readonly shown: readonly Write[] | undefined;
  /** Of a get: whether it carries all that its client has seen of the key. */
  readonly isSession: boolean;
  readonly invokedAtMs: number;
  endedAtMs: number | undefined;
  outcome: OperationOutcome;
  /** What went wrong, for the reader of a failure. */
  error: string | undefined;
  /** Of a get that succeeded: the values it returned. */
  siblings: readonly string[];
  /** Of such a get: what its context covers. */
  seen: VersionVector | undefined;
  /** Of a get: up to where all owners had seen everything when it ended. */
  floor: HybridTime;
  /** The dots that were drawn for it. */
  readonly writes: Write[];
  /** What those of its coordinators held that found it done already. */
  readonly found: Found[];
  /** How many owners a delete without a context reads before it writes. */
  readonly readNeeded: number;
  /** What other owners have answered to its coordinators so far. */
  readonly answers: ReadAnswer[];
}

/** One owner's answer to a read of a coordinator; `object` is undefined if it holds the same. */
export interface ReadAnswer {
  readonly coordinator: string;
  readonly object: DataObject | undefined;
}

/** What a coordinator held that found an operation done: an earlier try of it, at another node or long ago. */
export interface Found {
  readonly node: string;
  readonly object: DataObject;
}

/** One dot that was drawn. */
export interface Write {
  readonly name: string;
  /** How many writes of its key were drawn before it. */
  readonly index: number;
  readonly dot: Dot;
  readonly operation: Operation;
  readonly key: string;
  readonly partition: number;
  /** Undefined for a tombstone. */
  readonly value: string | undefined;
  readonly replaced: WriteSet;
  /** Those of `replaced` that were shown themselves. */
  readonly met: readonly Write[];
  /** The node and the run of its process that drew it. */
  readonly node: string;
  readonly run: number;
  readonly drawnAtMs: number;
}

/** What the witness of a node tells; see replica.ts. */
export interface Coordinated {
  readonly partition: number;
  readonly key: Uint8Array;
  readonly dot: Dot;
  readonly before: DataObject;
  readonly object: DataObject;
}

export class History {
  readonly operations: Operation[] = [];
  readonly writes: Write[] = [];
  readonly #countOf = new Map<string, number>();
  /** By key and actor, the writes in the order of their dots. */
  readonly #byActor = new Map<string, Map<ActorId, Write[]>>();
  readonly #byDot = new Map<string, Write>();
  readonly #byValue = new Map<string, Write>();

  begin(
    facts: Pick<
      Operation,
      | "client"
      | "node"
      | "key"
      | "kind"
      | "value"
      | "needed"
      | "readNeeded"
      | "shown"
      | "invokedAtMs"
    >,
    isSession = false,
  ): Operation {
    const operation: Operation = {
      ...facts,
      isSession,
      id: this.operations.length,
      endedAtMs: undefined,
      outcome: "open",
      error: undefined,
      siblings: [],
      seen: undefined,
      floor: 0,
      writes: [],
      found: [],
      answers: [],
    };
    this.operations.push(operation);
    return operation;
  }

  /** Notes that a copy has drawn a dot for an operation. */
  drew(
    operation: Operation,
    { partition, key, dot, before, object }: Coordinated,
    at: { readonly node: string; readonly run: number; readonly nowMs: number },
  ): Write {
    const text = utf8Text(key);
    const index = this.#countOf.get(text) ?? 0;
    this.#countOf.set(text, index + 1);
    const met = operation.shown ?? this.#met(operation, at.node, dot, before, object);
    const write: Write = {
      name: dotName(dot),
      index,
      dot,
      operation,
      key: text,
      partition,
      value: operation.kind === "put" ? operation.value : undefined,
      replaced: closure(met),
      met,
      node: at.node,
      run: at.run,
      drawnAtMs: at.nowMs,
    };
    operation.writes.push(write);
    this.writes.push(write);
    this.#byDot.set(write.name, write);
    this.#index(write);
    if (write.value !== undefined) this.#byValue.set(write.value, write);
    return write;
  }

  /** The write that left a value; undefined if nobody did. */
  writeOf(value: string): Write | undefined {
    return this.#byValue.get(value);
  }

  /**
   * What a coordinator saw before it wrote without a context: its own copy, and what it was answered as
   * far as it made use of that. The answers that completed its read it had to make use of.
   */
  #met(
    operation: Operation,
    node: string,
    dot: Dot,
    before: DataObject,
    after: DataObject,
  ): Write[] {
    const answers = operation.answers.filter(({ coordinator }) => coordinator === node);
    const used = answers.slice(0, operation.readNeeded - 1);
    const met = new Set(used.flatMap(({ object }) => this.#writesIn(object)));
    const objects = [before, ...answers.flatMap(({ object }) => object ?? [])];
    for (const object of objects) {
      for (const write of this.#writesIn(object)) if (knows(after, write)) met.add(write);
    }
    // What none of these knows its own copy held when it read, before a commit failed and took that away. Such a
    // failure ends the actor: of the one that writes now the copy knows everything.
    for (const [actor, writes] of this.#byActor.get(operation.key) ?? []) {
      if (actor === dot.actor) continue;
      const least = Math.max(...objects.map((object) => object.timeOf(actor)));
      const most = after.timeOf(actor);
      for (let at = writes.length; --at >= 0 && writes[at]!.dot.time > least;) {
        if (writes[at]!.dot.time <= most) met.add(writes[at]!);
      }
    }
    return [...met];
  }

  #index(write: Write): void {
    const ofKey = this.#byActor.get(write.key) ?? new Map<ActorId, Write[]>();
    this.#byActor.set(write.key, ofKey);
    const writes = ofKey.get(write.dot.actor) ?? [];
    ofKey.set(write.dot.actor, writes);
    // A faulty actor may draw its dots in any order.
    let at = writes.length;
    while (at > 0 && writes[at - 1]!.dot.time > write.dot.time) at--;
    writes.splice(at, 0, write);
  }

  #writesIn(object: DataObject | undefined): Write[] {
    if (object === undefined) return [];
    return [...object.opaque.siblings()].flatMap((dot) => this.#byDot.get(dotName(dot)) ?? []);
  }
}

/** The writes themselves and all that they replaced. */
export function closure(writes: Iterable<Write>): WriteSet {
  const closed = new WriteSet();
  for (const write of writes) {
    closed.add(write);
    closed.addAll(write.replaced);
  }
  return closed;
}

/** One line on an operation without what it knew, cheap enough for every trace. */
export function showBriefly(operation: Operation): string {
  const { id, client, node, kind, key, value, outcome, error, siblings } = operation;
  const what = value === undefined ? `${kind} ${key}` : `${kind} ${key}=${value}`;
  const got = kind === "get" && outcome === "ok" ? ` [${siblings.join(" ")}]` : "";
  return `#${id} ${client}@${node} ${what} -> ${outcome}${got} ${error ?? ""}`;
}

/** One line on an operation, for the reader of a failure. */
export function showOperation(operation: Operation): string {
  const { id, client, node, kind, key, value, outcome, error, siblings, writes } = operation;
  const what = value === undefined ? `${kind} ${key}` : `${kind} ${key}=${value}`;
  const shown = operation.shown === undefined ? "" : ` knowing [${names(operation.shown)}]`;
  const got = kind === "get" && outcome === "ok" ? ` [${siblings.join(" ")}]` : "";
  const drew = writes.map((write) => ` dot ${write.name} replacing [${names(write.met)}]`);
  const times = `${operation.invokedAtMs.toFixed(0)}..${operation.endedAtMs?.toFixed(0) ?? ""}`;
  return `#${id} ${times} ${client}@${node} ${what}${shown} -> ${outcome}${got}${drew.join("")}` +
    (error === undefined ? "" : ` (${error})`);
}

function names(writes: readonly Write[]): string {
  return writes.map(({ value, name }) => value ?? `deleted ${name}`).join(" ");
}

function knows(object: DataObject, { dot }: Write): boolean {
  return object.timeOf(dot.actor) >= dot.time;
}

function dotName({ actor, time }: Dot): string {
  return `${actor}:${time}`;
}
