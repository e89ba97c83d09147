// A simulated machine: a disk that outlives its processes, a clock that may be wrong, and a supervisor
// that starts the process again when it has given up.

import { Node } from "../../src/node/node.ts";
import type { NodeSettings } from "../../src/node/settings.ts";
import type { Log } from "../../src/ports/log.ts";
import type { PeerId } from "../../src/ports/network.ts";
import type { Random } from "../../src/ports/random.ts";
import type { Witness } from "../../src/replica/replica.ts";
import { DenamoError, DiskFullError, messageOf } from "../../src/wire/errors.ts";
import type { Dice } from "./dice.ts";
import type { DiskFaults } from "./memory_disk.ts";
import type { MemoryWorld } from "./memory_network.ts";
import { MortalNetwork } from "./mortal_network.ts";
import { Platter } from "./platter.ts";
import { type ClockFace, type LastCall, Process } from "./process.ts";
import type { Trace } from "./trace.ts";
import type { VirtualTime } from "./virtual_clock.ts";

/** What is wrong with a disk at present. Shares are probabilities. */
export interface DiskTrouble {
  /** How long an operation takes on average, in milliseconds. */
  meanMs: number;
  writeErrors: number;
  readErrors: number;
  /** Of the commits that would store something. */
  fullShare: number;
}

/** The world around a machine. */
export interface Surroundings {
  readonly time: VirtualTime;
  readonly network: MemoryWorld;
  readonly trace: Trace;
  /** What the node is told; `join` and `node` are filled in. */
  readonly settings: Omit<NodeSettings, "node">;
  /** Makes the source of chance of one run. */
  readonly random: (machine: string, run: number) => Random;
  readonly witness: (machine: Machine, run: number) => Witness;
  /** A process has ended at once, and what it left is on the platter. */
  readonly died: (machine: Machine) => void;
  /** A node ends though nobody has told it to. */
  readonly endedByItself: (machine: Machine, reason: string) => void;
  /** Something happened that must never happen. */
  readonly violation: (what: string) => void;
}

const CLUSTER = "sim";

/** How long the supervisor waits, in milliseconds. */
const RESTART_AFTER_MS = 1_000;

export class Machine {
  readonly name: string;
  readonly face: ClockFace;
  readonly trouble: DiskTrouble;
  platter = new Platter();
  /** When the present platter took the place of another, in virtual milliseconds. */
  replacedAtMs = -1;
  /** Whether the supervisor starts the process when it has ended. */
  isWanted = false;
  process: Process | undefined;
  /** What its next runs are told to join, if not what all are. */
  joins: readonly string[] | undefined;
  #peerId: PeerId;
  #identities = 1;
  #runs = 0;
  readonly #around: Surroundings;
  readonly #dice: Dice;

  constructor(name: string, face: ClockFace, diskMs: number, around: Surroundings, dice: Dice) {
    this.name = name;
    this.face = face;
    this.trouble = { meanMs: diskMs, writeErrors: 0, readErrors: 0, fullShare: 0 };
    this.#peerId = `${name}-1`;
    this.#around = around;
    this.#dice = dice;
  }

  /** Under which id its network is known at present. */
  get peerId(): PeerId {
    return this.#peerId;
  }

  /** Draws an identity that this machine never had. */
  nextPeerId(): PeerId {
    return `${this.name}-${++this.#identities}`;
  }

  /** The running node, if there is one that takes requests. */
  get node(): Node | undefined {
    return this.process?.isAlive === true ? this.process.node : undefined;
  }

  /** Starts the process unless it runs. */
  start(): void {
    this.isWanted = true;
    if (this.process?.isAlive === true) return;
    const { time, network, trace } = this.#around;
    const run = ++this.#runs;
    const listen = `/memory/${this.name}`;
    const port = network.network({ self: this.#peerId, cluster: CLUSTER, listen });
    const process = new Process(run, time, this.face, port);
    this.process = process;
    trace.add(`${this.name} starts run ${run}`);
    void this.#run(process);
  }

  /** The process dies at once; see {@linkcode Process.die}. */
  crash(isMachine: boolean, keptShare = 0): void {
    this.isWanted = false;
    if (this.process?.isAlive !== true) return;
    this.#around.trace.add(`${this.name} dies, kept ${keptShare.toFixed(2)}`);
    this.process.die(isMachine, keptShare);
    this.#around.died(this);
  }

  /** Lets the process die at one of its calls; undefined takes that back. */
  dieAtCall(lastCall: LastCall | undefined): void {
    if (this.process !== undefined) this.process.lastCall = lastCall;
  }

  /** Stops the process in order, as an operator does; kills it if that does not end. */
  stop(limitMs: number): void {
    this.isWanted = false;
    const process = this.process;
    if (process?.isAlive !== true) return;
    const { node } = process;
    if (node === undefined) return this.crash(false);
    this.#around.trace.add(`${this.name} stops`);
    this.#around.time.after(limitMs, () => {
      if (!process.isAlive) return;
      process.die(false, 0);
      this.#around.died(this);
      if (this.isWanted) this.start();
    });
    node.stop().then(() => {
      process.stopped();
      if (this.isWanted && this.process === process) this.start();
    });
  }

  /** Puts another disk in; `peerId` is the identity that lies on it. The process must not run. */
  replaceDisk(platter: Platter, peerId: PeerId): void {
    this.#around.trace.add(`${this.name} has another disk`);
    this.platter = platter;
    this.#peerId = peerId;
    this.replacedAtMs = this.#around.time.nowMs;
  }

  /** Takes the disk away while the process runs; false if none runs. */
  pullDisk(): boolean {
    const isPulled = this.process?.pullDisk() === true;
    if (isPulled) this.#around.trace.add(`${this.name} has its disk pulled out`);
    return isPulled;
  }

  /** In words: whether it runs, and what waits for its disk. */
  describe(): string {
    const { node, process } = this;
    const commits = process?.commitCount ?? 0;
    const disk = commits > 0 ? `, ${commits} commits under way` : "";
    const clock = this.face.offsetMs === 0
      ? ""
      : `, clock off by ${this.face.offsetMs.toFixed(0)} ms`;
    const status = node?.status();
    const ready = status === undefined || status.isReady ? "" : `, ${status.notReadyBecause}`;
    const sees = status === undefined ? "" : `, sees ${status.membersUp} up`;
    return `${this.name} is ${process?.state ?? "off"}${sees}${ready}${disk}${clock}`;
  }

  /** What an operator does, to whom a node has reported damage: puts an empty disk in. */
  replaceIfDamaged(): void {
    if (!this.platter.isDamaged) return;
    this.crash(false);
    this.replaceDisk(new Platter(), this.#peerId);
  }

  pause(): void {
    this.#around.trace.add(`${this.name} is paused`);
    this.process?.pause();
  }

  resume(): void {
    this.#around.trace.add(`${this.name} goes on`);
    this.process?.resume();
  }

  async #run(process: Process): Promise<void> {
    const { endedByItself, random, settings, trace, violation, witness } = this.#around;
    const disk = this.platter.open(this.#diskFaults(process));
    process.disk = disk;
    try {
      const node = await Node.start({
        ...settings,
        node: this.name,
        join: this.joins ?? settings.join,
      }, {
        clock: process.clock,
        random: random(this.name, process.run),
        network: new MortalNetwork(process.network, (call, dead) => {
          process.beginsCall();
          if (!process.isAlive) return dead;
          const result = call();
          process.endsCall();
          return result;
        }),
        disk,
        log: this.#log(process),
        witness: witness(this, process.run),
      });
      process.node = node;
      trace.add(`${this.name} runs`);
      const failure = await Promise.race([node.failed, process.ended]);
      if (!process.isAlive) return;
      trace.add(`${this.name} gives up: ${messageOf(failure)}`);
      endedByItself(this, messageOf(failure));
      await Promise.race([node.stop(), process.ended]);
    } catch (error) {
      trace.add(`${this.name} cannot go on: ${messageOf(error)}`);
      if (!this.#isExpected(error)) violation(`${this.name} has failed: ${stackOf(error)}`);
      if (isCorrupt(error) && process.isAlive) this.replaceDisk(new Platter(), this.#peerId);
    }
    process.stopped();
    this.#around.time.after(RESTART_AFTER_MS, () => {
      if (this.isWanted) this.start();
    });
  }

  /** A start may fail because the disk fails or is damaged; everything else is a defect. */
  #isExpected(error: unknown): boolean {
    if (messageOf(error).includes("The disk has failed")) return true;
    return isCorrupt(error) && this.platter.isDamaged;
  }

  #diskFaults(process: Process): DiskFaults {
    const { trouble } = this;
    const { time, trace } = this.#around;
    const dice = this.#dice;
    const wait = () => {
      const ms = trouble.meanMs === 0 ? 0 : dice.between(0, trouble.meanMs);
      if (ms === 0 && process.state === "running") return undefined;
      return new Promise<void>((resolve) => time.after(ms, () => process.whenRunning(resolve)));
    };
    const fail = (kind: string) => {
      trace.add(`${this.name} disk error at ${kind}`);
      throw new Error("The disk has failed");
    };
    return {
      before: async (operation) => {
        await wait();
        process.beginsCall();
        const { kind } = operation;
        const stores = kind === "setAside" ||
          kind === "commit" && operation.batch.some(({ value }) => value !== undefined);
        if (stores) {
          if (trouble.fullShare > 0 && dice.happens(trouble.fullShare)) {
            trace.add(`${this.name} disk error at ${kind}, it is full`);
            throw new DiskFullError("The disk has failed");
          }
        }
        const share = kind === "commit" ? trouble.writeErrors : trouble.readErrors;
        // Half of the writes that fail are on the disk nevertheless.
        if (share > 0 && dice.happens(share / (kind === "commit" ? 2 : 1))) fail(kind);
      },
      after: async (operation) => {
        process.endsCall();
        await wait();
        if (operation.kind !== "commit") return;
        trace.add(`${this.name} commits ${operation.batch.length}`);
        if (trouble.writeErrors > 0 && dice.happens(trouble.writeErrors / 2)) fail("commit");
      },
    };
  }

  #log(process: Process): Log {
    const { trace, violation } = this.#around;
    const add = (level: string) => (message: string, fields?: object) => {
      const rest = fields === undefined ? "" : ` ${JSON.stringify(fields)}`;
      trace.add(`${this.name} ${level} ${message}${rest}`);
    };
    return {
      debug: add("debug"),
      info: add("info"),
      warn: add("warn"),
      error: (message, fields) => {
        add("error")(message, fields);
        if (!message.includes("nobody foresaw")) return;
        violation(`${this.name} run ${process.run}: ${message} ${JSON.stringify(fields)}`);
      },
    };
  }
}

function isCorrupt(error: unknown): boolean {
  return error instanceof DenamoError && error.code === "corrupt";
}

function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
