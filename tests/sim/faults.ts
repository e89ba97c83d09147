// What goes wrong in a world, and when: the faults of its options, one after another and at the same time.
//
// Each fault begins at a random moment, lasts a while, and is undone; healing undoes all at once. What is
// destroyed stays within what the store promises to survive: an acknowledged write is on W disks, so in one world
// the disks of W − 1 machines at most are lost or put back, as often as you like. A loss is then a defect.

import { countOf, type FaultKind } from "./options.ts";
import type { Machine } from "./machine.ts";
import { Dice } from "./dice.ts";
import { Platter } from "./platter.ts";
import type { World } from "./world.ts";

/** A wish of a fault that lasts: how to end it. */
type Undo = () => void;

export class Faults {
  readonly #world: World;
  readonly #dice: Dice;
  readonly #undo = new Set<Undo>();
  readonly #backups = new Map<Machine, { platter: Platter; peerId: string }>();
  /** The machines whose disks may be lost. */
  readonly #victims: readonly Machine[];
  readonly counts = new Map<FaultKind, number>();
  #identities = 1;
  #isStopped = false;

  constructor(world: World) {
    const { seed, w, replication } = world.options;
    this.#world = world;
    this.#dice = new Dice(seed, "faults");
    this.#victims = this.#dice.some(world.machines, countOf(w, replication) - 1);
  }

  /** Lets things go wrong from now on. */
  start(): void {
    const { faults, meanFaultMs } = this.#world.options;
    if (Object.values(faults).every((weight) => weight === 0)) return;
    const next = () => {
      if (this.#isStopped) return;
      this.#begin(this.#dice.weighted<FaultKind>(faults));
      this.#world.time.after(this.#dice.pauseMs(meanFaultMs), next);
    };
    this.#world.time.after(this.#dice.pauseMs(meanFaultMs), next);
  }

  /** Undoes everything, for good. */
  heal(): void {
    this.#isStopped = true;
    this.#world.isHealed = true;
    this.#world.trace.add("heals");
    for (const undo of [...this.#undo]) undo();
    for (const machine of this.#world.machines) {
      machine.face.offsetMs = 0;
      machine.resume();
      machine.start();
    }
  }

  #begin(kind: FaultKind): void {
    const { machines, trace } = this.#world;
    const dice = this.#dice;
    const machine = dice.one(machines);
    trace.add(`fault ${kind}`);
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    switch (kind) {
      case "reset": {
        const [a, b] = dice.some(machines, 2);
        return this.#world.network.breakConnection(a!.peerId, b!.peerId);
      }
      case "isolate":
        return this.#cut([machine], machines.filter((other) => other !== machine), true);
      case "halves": {
        const half = dice.some(machines, 1 + dice.below(machines.length - 1));
        return this.#cut(half, machines.filter((other) => !half.includes(other)), true);
      }
      case "oneWay": {
        const others = machines.filter((other) => other !== machine);
        const some = dice.some(others, 1 + dice.below(others.length));
        return dice.happens(0.5)
          ? this.#cut([machine], some, false)
          : this.#cut(some, [machine], false);
      }
      case "crash":
        return this.#crash(machine);
      case "restart":
        machine.stop(5_000);
        return this.#startLater(machine, 10_000);
      case "pause":
        return this.#pause(machine);
      case "slowDisk":
        return this.#trouble(machine, "meanMs", dice.between(50, 1_000));
      case "writeErrors":
        return this.#trouble(machine, "writeErrors", dice.between(0.1, 1));
      case "readErrors":
        return this.#trouble(machine, "readErrors", dice.between(0.1, 1));
      case "clockJump":
        machine.face.offsetMs = dice.one([-1, 1]) * dice.between(0, dice.one([500, 5_000, 3.6e6]));
        return trace.add(`${machine.name} is off by ${machine.face.offsetMs.toFixed(0)} ms`);
      case "lostDisk":
        return this.#loseDisk();
      case "oldDisk":
        return this.#putBackDisk();
    }
  }

  #lasts(meanMs: number, undo: Undo): void {
    const once = () => {
      if (this.#undo.delete(once)) undo();
    };
    this.#undo.add(once);
    this.#world.time.after(this.#dice.pauseMs(meanMs), once);
  }

  #cut(from: readonly Machine[], to: readonly Machine[], isBothWays: boolean): void {
    const { network, trace } = this.#world;
    const ways: [string, string][] = [];
    for (const a of from) {
      for (const b of to) {
        ways.push([a.peerId, b.peerId]);
        if (isBothWays) ways.push([b.peerId, a.peerId]);
      }
    }
    trace.add(`cut ${ways.map(([a, b]) => `${a} > ${b}`).join(", ")}`);
    for (const [a, b] of ways) network.cut(a, b);
    this.#lasts(this.#dice.one([500, 3_000, 20_000]), () => {
      trace.add(`healed ${ways.map(([a, b]) => `${a} > ${b}`).join(", ")}`);
      for (const [a, b] of ways) network.heal(a, b);
    });
  }

  #crash(machine: Machine): void {
    // A part of what it was just sending is lost, to some and not to others.
    for (const other of this.#world.machines) {
      if (other === machine || this.#dice.happens(0.5)) continue;
      this.#world.network.breakConnection(machine.peerId, other.peerId);
    }
    machine.crash(this.#dice.happens(0.5), this.#dice.one([0, this.#dice.between(0, 1), 1]));
    this.#startLater(machine, this.#dice.one([100, 2_000, 10_000]));
  }

  #startLater(machine: Machine, meanMs: number): void {
    this.#lasts(meanMs, () => machine.start());
  }

  /** A process that stands still hears nothing; what it has sent is on its way. */
  #pause(machine: Machine): void {
    const { process } = machine;
    if (process?.state !== "running") return;
    const { network } = this.#world;
    const self = machine.peerId;
    const others = this.#world.machines.filter((other) => other !== machine)
      .map(({ peerId }) => peerId);
    machine.pause();
    for (const other of others) network.cut(other, self);
    this.#lasts(this.#dice.one([200, 2_000, 10_000]), () => {
      for (const other of others) network.heal(other, self);
      if (machine.process === process) machine.resume();
    });
  }

  #trouble(machine: Machine, kind: keyof Machine["trouble"], amount: number): void {
    const normal = kind === "meanMs" ? this.#world.options.diskMs : 0;
    machine.trouble[kind] = amount;
    this.#world.trace.add(`${machine.name} ${kind} ${amount.toFixed(2)}`);
    this.#lasts(this.#dice.one([500, 3_000]), () => machine.trouble[kind] = normal);
  }

  #loseDisk(): void {
    if (this.#victims.length === 0) return;
    const machine = this.#dice.one(this.#victims);
    machine.crash(this.#dice.happens(0.5));
    // Sometimes the identity is lost with the data, and the node returns as another peer.
    const isNewPeer = this.#undo.size === 0 && this.#dice.happens(0.5);
    const peerId = isNewPeer ? `${machine.name}-${++this.#identities}` : machine.peerId;
    machine.replaceDisk(new Platter(), peerId);
    this.#startLater(machine, this.#dice.one([100, 5_000]));
  }

  /** Takes a backup, or puts one back. */
  #putBackDisk(): void {
    if (this.#victims.length === 0) return;
    const machine = this.#dice.one(this.#victims);
    const backup = this.#backups.get(machine);
    if (backup === undefined) {
      this.#backups.set(machine, { platter: machine.platter.copy(), peerId: machine.peerId });
      return;
    }
    if (backup.peerId !== machine.peerId) {
      this.#backups.delete(machine);
      return;
    }
    machine.crash(this.#dice.happens(0.5));
    machine.replaceDisk(backup.platter.copy(), backup.peerId);
    this.#startLater(machine, this.#dice.one([100, 5_000]));
  }
}
