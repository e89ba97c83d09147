// Has a world with hostile peers judged: a look at all nodes once a second, and one at all disks in the end.
//
// A look is no event of the world, lest it change what happens by being there.

import { FAULT_KINDS, type FaultKind } from "../options.ts";
import {
  diskProblems,
  type HostileFacts,
  serviceProblem,
  sightProblems,
} from "../oracles/hostility.ts";
import type { World } from "../world.ts";

const LOOK_EVERY_MS = 1_000;

/** What strangers do; members that are wrong do harm by themselves. */
const OF_STRANGERS: readonly FaultKind[] = ["stranger", "ungreeted", "replay"];

/** A request that has less may run out of time in a calm world. */
const LEAST_TIMEOUT_MS = 1_000;

export class HostileWatch {
  readonly #world: World;
  readonly #told = new Set<string>();
  readonly #strangerCount: () => number;

  /** @param strangerCount how many strangers have been there so far */
  constructor(world: World, strangerCount: () => number) {
    this.#world = world;
    this.#strangerCount = strangerCount;
    world.time.watch(LOOK_EVERY_MS, () => this.look());
  }

  /** Judges all nodes that run. */
  look(): void {
    const facts = this.#facts();
    if (facts === undefined) return;
    for (const { name, node } of this.#world.machines) {
      if (node === undefined) continue;
      const { layoutId, membersKnown } = node.status();
      const namespaces = node.namespaces.digest;
      const measurements = node.measurements();
      const sight = { name, layoutId, membersKnown, namespaces, measurements };
      this.#tell(sightProblems(sight, facts));
    }
  }

  /** Judges all disks, on which only is what clients have written. */
  judgeDisks(): void {
    const { allKeys, machines } = this.#world;
    const partitionOf = new Map(allKeys.map((key) => [key, this.#world.placeOf(key).partition]));
    for (const { name, platter } of machines) {
      const setAsideReasons = [...platter.setAsides.values()].map(({ reason }) => reason);
      const disk = { name, setAsideReasons, places: platter.places() };
      this.#tell(diskProblems(disk, partitionOf));
    }
  }

  /** Judges how clients were served, if nobody but strangers did harm and there was time for every request. */
  judgeService(endedAtMs: number): void {
    const { history, options: { faults, timeoutMs } } = this.#world;
    const others = FAULT_KINDS.filter((kind) => !OF_STRANGERS.includes(kind) && faults[kind] > 0);
    if (others.length > 0 || timeoutMs < LEAST_TIMEOUT_MS) return;
    const begun = history.operations.filter(({ invokedAtMs }) => invokedAtMs < endedAtMs);
    const problem = serviceProblem(begun);
    if (problem !== undefined) this.#tell([problem]);
  }

  #facts(): HostileFacts | undefined {
    const { layoutId, machines } = this.#world;
    if (layoutId === undefined) return undefined;
    return { layoutId, machineCount: machines.length, strangerCount: this.#strangerCount() };
  }

  #tell(problems: readonly string[]): void {
    for (const problem of problems) {
      if (this.#told.has(problem)) continue;
      this.#told.add(problem);
      this.#world.violation(problem);
    }
  }
}
