// The second phase of a world: a core of machines is healed, and everything else that is wrong stays so.
//
// A fault that always ends hides a store that only waits: here nothing ends, and the core must serve every key
// nevertheless. A core holds, of every key, as many owners as reads and writes need.
//
// Source: the liveness mode of TigerBeetle's simulator ("Simulation Testing for Liveness", 2023).

import { Dice } from "./dice.ts";
import { setTrouble } from "./disk_faults.ts";
import type { Faults } from "./faults.ts";
import type { Machine } from "./machine.ts";
import { pause } from "./machine_faults.ts";
import { between, cut } from "./network_faults.ts";
import { copiesOf, countOf } from "./options.ts";
import type { World } from "./world.ts";

/** What is wrong for good with a machine outside the core. */
const FATES = [
  "dead",
  "isolated",
  "deaf",
  "mute",
  "paused",
  "unwritable",
  "slow",
  "early",
  "garbled",
] as const;

const EARLY_MS = 3.6e6;

export class Core {
  readonly members: readonly Machine[];
  readonly #others: readonly Machine[];
  readonly #world: World;
  readonly #faults: Faults;
  readonly #dice: Dice;

  /** Draws a core. The faults so far must be undone. */
  constructor(world: World, faults: Faults) {
    this.#world = world;
    this.#faults = faults;
    this.#dice = new Dice(world.options.seed, "core");
    const drawn = this.#dice.some(world.machines, world.machines.length);
    let size = 1;
    while (!serves(world, drawn.slice(0, size))) size++;
    this.members = drawn.slice(0, size);
    this.#others = drawn.slice(size);
  }

  /** Heals the core, and lets everything else go wrong for good. */
  begin(): void {
    const { trace } = this.#world;
    trace.add(`core ${this.members.map(({ name }) => name).join(" ")}`);
    for (const { face } of this.#world.machines) face.offsetMs = 0;
    for (const machine of this.members) {
      if (this.#world.options.restartsCore) machine.crash(true, 0.5);
      machine.replaceIfDamaged();
      machine.start();
    }
    this.#world.open = this.members;
    for (const machine of this.#others) {
      const fate = this.#dice.one(FATES.filter((it) => it !== "early" || this.#mayBeEarly()));
      trace.add(`${machine.name} is ${fate} for good`);
      this.#befall(machine, fate);
    }
  }

  /** A node judges its clock by the median of those it hears: of them most must be right. */
  #mayBeEarly(): boolean {
    const isAnyEarly = this.#world.machines.some(({ face }) => face.offsetMs === EARLY_MS);
    return this.members.length > 1 && !isAnyEarly;
  }

  #befall(machine: Machine, fate: typeof FATES[number]): void {
    const scene = this.#faults;
    const rest = this.#world.machines.filter((other) => other !== machine);
    switch (fate) {
      case "dead":
        return machine.crash(true);
      case "isolated":
        return cut(scene, between([machine], rest), Infinity);
      case "deaf":
        return cut(scene, rest.map((other) => [other, machine]), Infinity);
      case "mute":
        return cut(scene, rest.map((other) => [machine, other]), Infinity);
      case "paused":
        return pause(scene, machine, Infinity);
      case "unwritable":
        return setTrouble(scene, machine, "writeErrors", 1, Infinity);
      case "slow":
        return setTrouble(scene, machine, "meanMs", 2_000, Infinity);
      case "early":
        machine.face.offsetMs = EARLY_MS;
        return;
      case "garbled":
        for (const [from, to] of between([machine], rest)) {
          const undo = scene.world.links.trouble(from.peerId, to.peerId, {
            damaged: 0.3,
            lost: 0.3,
          });
          scene.lasts(Infinity, undo);
        }
    }
  }
}

/** Whether these machines can serve every key of a world. */
function serves(world: World, machines: readonly Machine[]): boolean {
  const { r, w } = world.options;
  return world.keys.every((key) => {
    const copies = copiesOf(world.options, key);
    const needed = Math.max(countOf(r, copies), countOf(w, copies));
    return world.ownersOf(key).filter((owner) => machines.includes(owner)).length >= needed;
  });
}
