// A whole cluster in which nothing happens until it is chosen.
//
// Two or three real nodes, one key that all of them own, a few requests, one crash. What can happen next is on
// the agenda, and a pilot chooses. What is chosen: when a request begins, when a message arrives (the first of
// its way), when an operation of a disk ends, when a process dies and whether the commit under way survives it,
// when it starts again, and when the others learn of its end and its return. What is not: timers. Virtual time
// stands still as long as anything can be chosen, and passes in its natural order when nothing can. Heartbeats
// are lost; a process starts as a whole; a node acts upon an event as a whole.

import { AsyncLocalStorage } from "node:async_hooks";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import { utf8 } from "../../src/base/bytes.ts";
import type { Disk } from "../../src/ports/disk.ts";
import type { Random } from "../../src/ports/random.ts";
import type { PeerId } from "../../src/ports/network.ts";
import { DenamoError, messageOf } from "../../src/wire/errors.ts";
import {
  type Coordinated,
  History,
  type Operation,
  showOperation,
  type Write,
} from "../sim/history.ts";
import type { MemoryDisk } from "../sim/memory_disk.ts";
import { countOf } from "../sim/options.ts";
import { durabilityProblem } from "../sim/oracles/durable_acks.ts";
import { siblingProblems } from "../sim/oracles/siblings.ts";
import type { Platter } from "../sim/platter.ts";
import { VirtualTime } from "../sim/virtual_clock.ts";
import { Agenda, type EventKind } from "./agenda.ts";
import { ask, readAnswers } from "./ask.ts";
import { NATURAL, type Pilot } from "./pilot.ts";
import {
  FIRST_VALUE,
  KEY,
  PARTITION,
  PARTITIONS,
  type Request,
  type Scenario,
} from "./scenario.ts";
import { SmallMachine } from "./small_machine.ts";
import { Wires } from "./wires.ts";

/** So long after the beginning that no clock is behind what the disks know. */
const LATER_MS = 10;

/** How a world may differ from a plain one. The first two put a deliberate mistake under the nodes. */
export interface Variation {
  /** How late processes start, in milliseconds; after those that made the disks unless given. */
  readonly startedMs?: number | undefined;
  readonly random?: ((machine: string, run: number) => Random) | undefined;
  readonly wrapDisk?: ((disk: MemoryDisk) => Disk) | undefined;
  readonly journalCount?: number | undefined;
}

/** How a world begins: what is on the disks, and the write that left it there. */
export interface Beginning {
  readonly platters: readonly Platter[];
  /** With the layout and nothing else. */
  readonly emptyPlatters: readonly Platter[];
  readonly written: { readonly write: Coordinated; readonly token: string } | undefined;
}

/** Far longer than any request may take, in virtual milliseconds. */
const END_MS = 120_000;

const FILLING = "filling_partitions_count";

export class SmallWorld {
  readonly scenario: Scenario;
  readonly history = new History();
  readonly violations: string[] = [];
  readonly machines: readonly SmallMachine[];
  readonly agenda = new Agenda();
  /** What has happened, in order. */
  readonly events: string[] = [];
  readonly #beginning: Beginning;
  readonly #time = new VirtualTime();
  readonly #operation = new AsyncLocalStorage<Operation>();
  /** What clients have learned, the last at the end. */
  readonly #learned: { readonly token: string; readonly shown: readonly Write[] }[] = [];
  readonly #draws: Coordinated[] = [];
  #first: Write | undefined;
  #openCount = 0;
  #endedCount = 0;
  #emptiedAt = Infinity;

  constructor(scenario: Scenario, beginning: Beginning, variation: Variation = {}) {
    this.scenario = scenario;
    this.#beginning = beginning;
    const { journalCount, wrapDisk } = variation;
    const random = variation.random ?? ((name, run) => new SeededRandom(`${name} ${run}`));
    const wires = new Wires(this.agenda, (from, to, bytes) => this.#follow(from, to, bytes));
    const around = {
      time: this.#time,
      agenda: this.agenda,
      wires,
      settings: settingsOf(scenario, journalCount),
      random,
      startedMs: variation.startedMs ?? LATER_MS,
      wrapDisk: wrapDisk ?? ((disk: MemoryDisk) => disk),
      witness: (machine: SmallMachine) => ({
        coordinated: (write: Coordinated) => this.#drew(machine, write),
      }),
      violation: (what: string) => void this.violations.push(what),
    };
    this.machines = beginning.platters.map((platter, i) => {
      return new SmallMachine(`n${i + 1}`, platter.copy(), around);
    });
  }

  /** What the nodes have drawn so far. */
  get draws(): readonly Coordinated[] {
    return this.#draws;
  }

  machine(name: string): SmallMachine {
    return this.machines.find((machine) => machine.name === name)!;
  }

  /** Starts all nodes and lets them meet. */
  async comeUp(): Promise<void> {
    for (const machine of this.machines) machine.start();
    await this.fly(NATURAL);
    const { written } = this.#beginning;
    if (written === undefined) return;
    const operation = this.history.begin({
      ...this.#factsOf({ kind: "put", at: "n1", knows: "nothing" }, FIRST_VALUE),
      invokedAtMs: -2,
    });
    this.#first = this.history.drew(operation, written.write, { node: "n1", run: 0, nowMs: -2 });
    operation.outcome = "ok";
    operation.endedAtMs = -1;
  }

  /** Puts the requests and the crash of the scenario on the agenda. */
  prepare(): void {
    const { crash, isInTurn, requests } = this.scenario;
    this.#openCount = requests.length;
    if (isInTurn) this.#offer(0);
    else requests.forEach((_, i) => this.#offer(i));
    if (crash !== undefined) this.#offerCrash();
  }

  /** Lets happen what the pilot chooses, until nothing is left; false if the pilot has ended it. */
  async fly(pilot: Pilot): Promise<boolean> {
    await this.#settle();
    for (;;) {
      const possible = this.agenda.possible();
      if (possible.length === 0) {
        if (this.#openCount === 0) return true;
        if (this.#time.nowMs < END_MS && await this.#time.step()) continue;
        this.violations.push(`A request does not end: ${this.#openOperations()}`);
        return true;
      }
      const event = pilot.choose(possible);
      if (event === undefined) return false;
      const [ended, drawn] = [this.#endedCount, this.#draws.length];
      this.events.push(event.name);
      this.agenda.take(event);
      await this.#settle();
      const { place, kind } = event;
      pilot.happened({
        place,
        hasEnded: this.#endedCount > ended,
        isNoted: NOTED.includes(kind) || this.#draws.length > drawn,
      });
    }
  }

  /** Lets everything happen naturally until a promise has settled. */
  async naturally<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const end = () => void (isSettled = true);
    promise.then(end, end);
    while (!isSettled) {
      await this.fly(NATURAL);
      if (!isSettled && !await this.#time.step()) throw new Error("Nothing is left to happen");
    }
    return await promise;
  }

  /** Lets everything happen naturally until no node has anything to fill. */
  async whenFilled(): Promise<void> {
    const isFilled = ({ node }: SmallMachine) =>
      node!.measurements().find(({ name }) => name === FILLING)!.value === 0;
    while (!this.machines.every(isFilled) && this.#time.nowMs < END_MS) {
      await this.fly(NATURAL);
      if (!await this.#time.step()) return;
    }
  }

  /** Ends all processes, so that nothing is left behind. */
  end(): void {
    for (const machine of this.machines) if (machine.isAlive) machine.die(false);
  }

  async #settle(): Promise<void> {
    await this.#time.pass(0);
  }

  #offer(index: number): void {
    const request = this.scenario.requests[index];
    if (request === undefined) return;
    this.agenda.add({
      name: `request ${index + 1}`,
      place: request.at,
      kind: "request",
      happen: () => void this.#carryOut(request, index),
    });
  }

  #offerCrash(): void {
    const { at, disk } = this.scenario.crash!;
    const machine = this.machine(at);
    const names = [`${at} dies`, `${at} dies after its commit`] as const;
    const happen = (keepsCommit: boolean) => () => {
      for (const name of names) this.agenda.remove(name);
      machine.die(keepsCommit);
      if (disk === "emptied") {
        machine.platter = this.#beginning.emptyPlatters[this.machines.indexOf(machine)]!.copy();
        this.#emptiedAt = this.events.length;
      }
      const name = `${at} starts`;
      this.agenda.add({ name, place: at, kind: "restart", happen: () => machine.start() });
    };
    this.agenda.add({ name: names[0], place: at, kind: "crash", happen: happen(false) });
    if (disk === "emptied") return;
    this.agenda.add({
      name: names[1],
      place: at,
      kind: "crash",
      happen: happen(true),
      isPossible: () => machine.commitCount > 0,
    });
  }

  async #carryOut(request: Request, index: number): Promise<void> {
    const value = request.kind === "put" ? `v${index + 1}` : undefined;
    const { shown, token } = this.#knowledgeOf(request);
    const operation = this.history.begin({ ...this.#factsOf(request, value), shown });
    const machine = this.machine(request.at);
    try {
      const { node } = machine;
      if (node === undefined) throw new DenamoError("timeout", "no", "Nobody listens there");
      const gone = machine.ended.then(() => {
        throw new DenamoError("timeout", "unknown", "The node has died");
      });
      const answer = this.#operation.run(operation, () => ask(node, request.kind, value, token));
      answer.catch(() => {});
      const { values, token: learned } = await Promise.race([answer, gone]);
      operation.outcome = "ok";
      if (request.kind === "get") operation.siblings = values;
      const shown = values.flatMap((value) => this.history.writeOf(value) ?? []);
      if (learned !== undefined) this.#learned.push({ token: learned, shown });
    } catch (error) {
      operation.error = messageOf(error);
      operation.outcome = error instanceof DenamoError ? error.outcome : "unknown";
      if (!(error instanceof DenamoError) || error.code === "internal") {
        this.violations.push(`Fails without a reason: ${showOperation(operation)}`);
      }
    }
    this.#ended(operation);
    if (this.scenario.isInTurn) this.#offer(index + 1);
  }

  #ended(operation: Operation): void {
    operation.endedAtMs = this.events.length;
    this.#openCount--;
    this.#endedCount++;
    for (const write of operation.writes) {
      const problem = durabilityProblem(operation, this.#disksWith(write));
      if (problem !== undefined) this.violations.push(problem);
    }
    const writeOf = (value: string) => this.history.writeOf(value);
    this.violations.push(...siblingProblems(operation, writeOf));
  }

  /** How many disks have a write, or had it before they were exchanged. */
  #disksWith({ dot, operation }: Write): number {
    return this.machines.filter(({ name, platter }) => {
      const isExchanged = name === this.scenario.crash?.at;
      if (isExchanged && this.#emptiedAt < Infinity && this.#emptiedAt >= operation.invokedAtMs) {
        return true;
      }
      return platter.heldOf(PARTITION, utf8(KEY)).timeOf(dot.actor) >= dot.time;
    }).length;
  }

  #knowledgeOf({ knows }: Request): { shown: readonly Write[] | undefined; token?: string } {
    if (knows === "first") {
      return { shown: [this.#first!], token: this.#beginning.written!.token };
    }
    const learned = knows === "last" ? this.#learned.at(-1) : undefined;
    return learned ?? { shown: undefined };
  }

  #factsOf({ at, kind }: Request, value: string | undefined) {
    const { nodeCount, r, w } = this.scenario;
    return {
      client: "c",
      node: at,
      key: KEY,
      kind,
      value,
      needed: countOf(kind === "get" ? r : w, nodeCount),
      readNeeded: countOf(r, nodeCount),
      shown: undefined,
      // The number of the event stands for its time.
      invokedAtMs: this.events.length,
    };
  }

  #drew(machine: SmallMachine, write: Coordinated): void {
    this.#draws.push(write);
    const operation = this.#operation.getStore();
    const { name: node, run } = machine;
    if (operation === undefined) {
      const isAsked = this.scenario.requests.length > 0;
      if (isAsked) this.violations.push(`${node} has drawn a dot that nobody asked for`);
      return;
    }
    this.history.drew(operation, write, { node, run, nowMs: this.events.length });
  }

  /** Keeps the account of a message on its way, and learns what coordinators of deletes are answered. */
  #follow(_from: PeerId, to: PeerId, bytes: Uint8Array): (deliver: () => void) => void {
    const operation = this.#operation.getStore();
    if (operation === undefined) return (deliver) => deliver();
    return (deliver) => {
      if (operation.kind === "delete" && operation.shown === undefined) {
        const coordinator = to.replace(/-\d+$/, "");
        for (const object of readAnswers(bytes)) operation.answers.push({ coordinator, object });
      }
      this.#operation.run(operation, deliver);
    };
  }

  #openOperations(): string {
    const open = this.history.operations.filter(({ outcome }) => outcome === "open");
    return open.map(showOperation).join("; ");
  }
}

/** What changes what is asked for when a request ends: see Footprint. */
const NOTED: readonly EventKind[] = ["request", "commit", "crash"];

function settingsOf({ nodeCount, r, w }: Scenario, journalCount: number | undefined) {
  return {
    cluster: "small",
    zone: "dc1/rack1",
    weight: 1,
    partitions: PARTITIONS,
    replication: nodeCount,
    defaults: { r, w, timeoutMs: 1_000 },
    namespaces: [],
    maxClockSkewMs: 1_000,
    heartbeatMs: 60_000,
    cacheBytes: 1_000_000,
    journalCount,
    join: [],
    doors: () => ({ http: undefined, resp: undefined }),
  };
}
