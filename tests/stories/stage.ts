// The stage of a story: a calm cluster in virtual time, and what may happen to it.
//
// Messages take a twentieth of a millisecond and commits no time, and after each step a little time passes, so
// what is under way in a calm cluster has arrived before the next step. Therefore no two steps race, and a
// story does not depend on the seed of its world: each is played with several.

import { utf8 } from "../../src/base/bytes.ts";
import type { KeyPlacement, NodeApi } from "../../src/node/api.ts";
import { headKey } from "../../src/storage/record.ts";
import { messageOf } from "../../src/wire/errors.ts";
import { CALM } from "../sim/calm_world.ts";
import type { Machine } from "../sim/machine.ts";
import { drawOptions } from "../sim/options.ts";
import { type Overrides, withOverrides } from "../sim/overrides.ts";
import { Platter } from "../sim/platter.ts";
import { World } from "../sim/world.ts";
import { Namesake } from "./strangers.ts";
import { DotNames } from "./dot_names.ts";
import { type Asked, People } from "./people.ts";

/** How long the stage is left alone after each step, in milliseconds. */
const AFTER_STEP_MS = 10;

/** How long a node is given that finds its name in use, in milliseconds. */
const NAME_IN_USE_MS = 5_000;

/** How long nodes may take to find each other, in milliseconds. */
const FIND_MS = 60_000;

/** A stage as the first line of a story sets it. */
export type Setting = Overrides & { readonly nodeCount: number };

/** What nodes do by themselves, they do only in stories that say so. */
const NEVER = { compareMs: 1e9, forgetAfterMs: 1e9 };

/** How slow a slow disk is, in milliseconds on average. */
const SLOW_DISK_MS = 1_000;

/** What may be wrong with a disk; "fine" is nothing. */
export type DiskState = "fine" | "slow" | "unreadable" | "full";

export class Stage {
  readonly world: World;
  readonly names: DotNames;
  readonly people: People;
  /** Requests that somebody has begun and not heard of yet. */
  readonly asked = new Map<string, Asked>();
  /** What is written in the story already. */
  readonly values = new Set<string>();
  /** A process that bears the name of a node. */
  #namesake: Namesake | undefined;
  readonly #backups = new Map<string, Platter>();
  readonly #cuts: (readonly [Machine, Machine])[] = [];
  /** Machines that hear nothing since they are paused. */
  readonly #deaf = new Set<Machine>();
  /** A node that had the layout when all was well. */
  #guide: NodeApi | undefined;

  constructor(setting: Setting, seed: number) {
    const calm = withOverrides(drawOptions(seed), CALM);
    const still = { keyCount: 1, clientCount: 1, timeoutMs: 2_000, delayMs: 0, ...NEVER };
    const options = withOverrides(withOverrides(calm, still), setting);
    this.world = new World(options);
    this.names = new DotNames(() => this.world.history.writes);
    this.people = new People(this.world, this.names, (key) => {
      // Who stands in for an owner counts as well.
      if (!options.isStrict) return this.world.machines;
      const { owners } = this.placement(key);
      return this.world.machines.filter(({ name }) => owners.includes(name));
    });
  }

  /** All nodes start, find each other, and the first makes the layout. */
  async begin(): Promise<void> {
    const { machines, time } = this.world;
    for (const machine of machines) machine.start();
    await time.until(() => this.#seeEachOther(), "all nodes see each other");
    const names = machines.map(({ name }) => name);
    let isMade = false;
    // As an operator does, who is refused while a node does not see another yet.
    const ask = () => {
      machines[0]!.node!.initLayout(names, { force: true }).then(() => isMade = true, (error) => {
        this.world.trace.add(`no layout: ${messageOf(error)}`);
        time.after(1_000, ask);
      });
    };
    ask();
    const isReady = ({ node }: Machine) => node?.status().isReady === true;
    await time.until(() => isMade && machines.every(isReady), "all nodes are ready");
    this.#guide = machines[0]!.node;
    await this.settle();
  }

  /** Lets what a step has begun arrive. */
  async settle(): Promise<void> {
    await this.world.time.pass(AFTER_STEP_MS);
  }

  /** Waits until a request has ended; returns how. */
  async hear(asked: Asked): Promise<string> {
    await this.world.time.until(() => asked.answer !== undefined, "a request ends");
    return asked.answer!;
  }

  /** Where a key lives. The layout of a world never changes, so even a node that has died can tell. */
  placement(key: string): KeyPlacement {
    return this.#guide!.placement(utf8(key))!;
  }

  /** Another process is started under the name of a machine. */
  async startNamesake({ name }: Machine): Promise<void> {
    this.#namesake = await Namesake.come(this.world, name);
  }

  async stopNamesake(): Promise<void> {
    await this.#namesake?.go();
    this.#namesake = undefined;
  }

  /** Lets nothing pass on these ways. */
  cut(ways: readonly (readonly [Machine, Machine])[]): void {
    for (const [from, to] of ways) {
      this.world.network.cut(from.peerId, to.peerId);
      this.#cuts.push([from, to]);
    }
  }

  /** Takes back all cuts and waits until all nodes that run see each other. */
  async heal(): Promise<void> {
    for (const [from, to] of this.#cuts.splice(0)) {
      this.world.network.heal(from.peerId, to.peerId);
    }
    await this.#findEachOther();
  }

  /** Starts nodes and waits until they see all that they can. */
  async start(machines: readonly Machine[]): Promise<void> {
    for (const machine of machines) machine.start();
    await this.#findEachOther();
  }

  setDisk(machine: Machine, state: DiskState): void {
    machine.trouble.meanMs = state === "slow" ? SLOW_DISK_MS : 0;
    machine.trouble.readErrors = state === "unreadable" ? 1 : 0;
    machine.trouble.fullShare = state === "full" ? 1 : 0;
  }

  backUp(machine: Machine, name: string): void {
    this.#backups.set(`${machine.name} ${name}`, machine.platter.copy());
  }

  /** Puts a backup in place of a machine's disk; false if there is none. */
  restore(machine: Machine, name: string): boolean {
    const backup = this.#backups.get(`${machine.name} ${name}`);
    if (backup !== undefined) machine.replaceDisk(backup.copy(), machine.peerId);
    return backup !== undefined;
  }

  empty(machine: Machine): void {
    machine.replaceDisk(new Platter(), machine.peerId);
  }

  /** Puts an empty disk in, on which the node's key is not either; false while ways are cut, since those are of peers. */
  emptyWithoutKey(machine: Machine): boolean {
    if (this.#cuts.length > 0) return false;
    machine.replaceDisk(new Platter(), machine.nextPeerId());
    return true;
  }

  /** What lies on the disk of a machine, in words. */
  onDisk(machine: Machine, key: string): string {
    const object = this.world.onDisk(machine, key);
    const isThere = this.#recordOf(machine, key) !== undefined;
    return object.isEmpty && isThere ? "damaged" : this.names.ofObject(object);
  }

  /** Changes one bit of a record; false if the key has none. */
  damage(machine: Machine, key: string): boolean {
    const record = this.#recordOf(machine, key);
    if (record === undefined) return false;
    record[record.length - 1]! ^= 1;
    machine.platter.isDamaged = true;
    return true;
  }

  /** Ends a process at once; if its whole machine has lost its power nobody is told. */
  crash(machine: Machine, isMachine: boolean): void {
    this.#letHear(machine);
    machine.crash(isMachine);
  }

  /** A process that stands still hears nothing; what it has sent is on its way. */
  pause(machine: Machine): void {
    if (machine.process?.state !== "running") return;
    machine.pause();
    this.#deaf.add(machine);
    for (const peerId of this.#others(machine)) this.world.network.cut(peerId, machine.peerId);
  }

  async resume(machine: Machine): Promise<void> {
    this.#letHear(machine);
    machine.resume();
    await this.#findEachOther();
  }

  /** Everything ends at once. */
  close(): void {
    for (const machine of this.world.machines) machine.crash(true);
  }

  /** The stored bytes themselves; undefined while a key is in the journal alone. */
  #recordOf({ platter }: Machine, key: string): Uint8Array | undefined {
    const { partition } = this.placement(key);
    return platter.get(headKey({ table: "object", partition, key: utf8(key) }));
  }

  async #findEachOther(): Promise<void> {
    // A node whose name another process bears cannot be found.
    if (this.#namesake !== undefined) return await this.world.time.pass(NAME_IN_USE_MS);
    const isDone = () => this.#seeEachOther() && this.#areReady();
    try {
      await this.world.time.until(isDone, "the nodes find each other", FIND_MS);
    } catch (error) {
      this.world.violation(messageOf(error));
    }
  }

  /** Whether every node that runs sees each other one to which both ways are open. */
  #seeEachOther(): boolean {
    return this.#running().every((machine) => {
      const members = machine.node?.members();
      return members !== undefined && this.#inReachOf(machine).every(({ name }) => {
        const view = members.find(({ node }) => node === name);
        return view?.state === "up" && view.isConnected;
      });
    });
  }

  /** Whether every node is ready that has a majority in reach. */
  #areReady(): boolean {
    const { machines } = this.world;
    return this.#running().every((machine) => {
      const isMinority = 2 * (1 + this.#inReachOf(machine).length) <= machines.length;
      return isMinority || machine.node?.status().isReady === true;
    });
  }

  #running(): Machine[] {
    return this.world.machines.filter(({ process }) => process?.state === "running");
  }

  #inReachOf({ peerId }: Machine): Machine[] {
    const { network } = this.world;
    return this.#running().filter((other) => {
      if (other.peerId === peerId) return false;
      return !network.isCut(peerId, other.peerId) && !network.isCut(other.peerId, peerId);
    });
  }

  #letHear(machine: Machine): void {
    if (!this.#deaf.delete(machine)) return;
    for (const peerId of this.#others(machine)) this.world.network.heal(peerId, machine.peerId);
  }

  #others(machine: Machine): string[] {
    return this.world.machines.filter((it) => it !== machine).map(({ peerId }) => peerId);
  }
}
