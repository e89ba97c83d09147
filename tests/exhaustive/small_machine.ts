// A machine of a small world: the real node over a disk whose operations end when they are chosen to.
//
// A commit is on the platter and its caller told of it in one event: on the platter alone it makes a difference
// only if the process dies before it is told, and for that there are two ways of dying, with and without
// the commit that is under way. A process starts as a whole: it reads its disk and listens in one event,
// since nobody can reach it before.

import { Node } from "../../src/node/node.ts";
import type { NodeSettings } from "../../src/node/settings.ts";
import type { Disk } from "../../src/ports/disk.ts";
import type { PeerId } from "../../src/ports/network.ts";
import type { Random } from "../../src/ports/random.ts";
import type { Witness } from "../../src/replica/replica.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Log } from "../../src/ports/log.ts";
import { messageOf } from "../../src/wire/errors.ts";
import type { DiskOperation, MemoryDisk } from "../sim/memory_disk.ts";
import type { Platter } from "../sim/platter.ts";
import type { VirtualTime } from "../sim/virtual_clock.ts";
import type { Agenda } from "./agenda.ts";
import type { WiredNetwork, Wires } from "./wires.ts";

/** The world around a machine. */
export interface Surroundings {
  readonly time: VirtualTime;
  readonly agenda: Agenda;
  readonly wires: Wires;
  readonly settings: Omit<NodeSettings, "node">;
  /** How late the first processes start, in milliseconds: later than those that made the disks. */
  readonly startedMs: number;
  readonly random: (machine: string, run: number) => Random;
  readonly wrapDisk: (disk: MemoryDisk) => Disk;
  readonly witness: (machine: SmallMachine) => Witness;
  readonly violation: (what: string) => void;
}

export class SmallMachine {
  readonly name: string;
  readonly peerId: PeerId;
  platter: Platter;
  /** How often its process has been started. */
  run = 0;
  /** Undefined while no process runs. */
  node: Node | undefined;
  readonly #around: Surroundings;
  #ended = Promise.withResolvers<void>();
  #network: WiredNetwork | undefined;
  #disk: MemoryDisk | undefined;
  #diskCount = 0;

  constructor(name: string, platter: Platter, around: Surroundings) {
    this.name = name;
    this.peerId = `${name}-1`;
    this.platter = platter;
    this.#around = around;
  }

  get isAlive(): boolean {
    return this.#disk !== undefined;
  }

  /** Resolves when the present process is no more. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Commits that are under way. */
  get commitCount(): number {
    return this.#disk?.inFlightCount ?? 0;
  }

  /** Starts the process. It has started when all promises have settled. */
  start(): void {
    const { settings, random, violation, wires, witness, wrapDisk } = this.#around;
    const run = ++this.run;
    this.#ended = Promise.withResolvers();
    this.#network = wires.network(this.peerId, this.name);
    this.#diskCount = 0;
    const disk = this.platter.open({ before: (operation) => this.#wait(operation, run) });
    this.#disk = disk;
    Node.start({ ...settings, node: this.name }, {
      clock: this.#clock(run, disk),
      random: random(this.name, run),
      network: this.#network,
      disk: wrapDisk(disk),
      log: this.#log(),
      witness: witness(this),
    }).then(
      (node) => this.node = node,
      (error) => violation(`${this.name} cannot start: ${messageOf(error)}`),
    );
  }

  /** The process dies at once. The commit under way is on the platter, or it is not. */
  die(keepsCommit: boolean): void {
    this.node = undefined;
    this.#disk!.crash(keepsCommit ? this.commitCount : 0);
    this.#disk = undefined;
    for (let i = 1; i <= this.#diskCount; i++) {
      this.#around.agenda.remove(this.#diskEvent(this.run, i));
    }
    void this.#network!.stop();
    this.#ended.resolve();
  }

  /** Undefined while the process starts: then it does not wait. */
  #wait({ kind }: DiskOperation, run: number): Promise<void> | undefined {
    if (this.node === undefined) return undefined;
    return new Promise((resolve) => {
      this.#around.agenda.add({
        name: this.#diskEvent(run, ++this.#diskCount),
        place: this.name,
        kind: kind === "commit" ? "commit" : "read",
        happen: resolve,
      });
    });
  }

  #diskEvent(run: number, number: number): string {
    return `${this.name} disk ${run}.${number}`;
  }

  /** No time passes while events are chosen; that of a machine goes on by a moment with each start. */
  #clock(run: number, disk: MemoryDisk): Clock {
    const clock = this.#around.time.clock(() => this.#around.startedMs + run);
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (delayMs, callback) =>
        clock.after(delayMs, () => {
          if (this.#disk === disk) callback();
        }),
    };
  }

  #log(): Log {
    const ignore = () => {};
    const error = (message: string, fields?: object) => {
      if (!message.includes("nobody foresaw")) return;
      this.#around.violation(`${this.name}: ${message} ${JSON.stringify(fields)}`);
    };
    return { debug: ignore, info: ignore, warn: ignore, error };
  }
}
