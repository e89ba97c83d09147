// What goes wrong in a world, and when: the faults of its options, one after another and at the same time.
//
// Each fault begins at a random moment, lasts a while, and is undone; healing undoes all at once.

import { DISK_FAULTS } from "./disk_faults.ts";
import { HOSTILE_FAULTS } from "./hostile/hostile_faults.ts";
import { copiesIn, countOf, type FaultKind, HONEST_KINDS, HOSTILE_KINDS } from "./options.ts";
import type { Machine } from "./machine.ts";
import { MACHINE_FAULTS } from "./machine_faults.ts";
import { NETWORK_FAULTS } from "./network_faults.ts";
import { Dice } from "./dice.ts";
import type { Platter } from "./platter.ts";
import type { World } from "./world.ts";

/** How to end a fault that lasts. */
export type Undo = () => void;

/** What a fault may look at and use. */
export interface Scene {
  readonly world: World;
  readonly dice: Dice;
  /** The machines whose disks may be destroyed. */
  readonly victims: readonly Machine[];
  /** Copies of disks that may be put back. */
  readonly backups: Map<Machine, { readonly platter: Platter; readonly peerId: string }>;
  /** Ends a fault after a while, or when all is healed. */
  lasts(meanMs: number, undo: Undo): void;
  isAnythingLasting(): boolean;
  /** Whether faults no longer begin. */
  isOver(): boolean;
}

export type FaultAct = (scene: Scene) => void;

const ACTS: Readonly<Record<FaultKind, FaultAct>> = {
  ...NETWORK_FAULTS,
  ...MACHINE_FAULTS,
  ...DISK_FAULTS,
  ...HOSTILE_FAULTS,
};

export class Faults implements Scene {
  readonly world: World;
  readonly dice: Dice;
  readonly victims: readonly Machine[];
  readonly backups: Scene["backups"] = new Map();
  readonly counts = new Map<FaultKind, number>();
  readonly #undo = new Set<Undo>();
  #isStopped = false;

  constructor(world: World) {
    const { seed, w } = world.options;
    const mostLost = Math.min(...copiesIn(world.options).map((copies) => countOf(w, copies) - 1));
    this.world = world;
    this.dice = new Dice(seed, "faults");
    this.victims = this.dice.some(world.machines, mostLost);
  }

  /** Lets things go wrong from now on. */
  start(): void {
    const { hostility, options: { hostileMs, meanFaultMs, seed } } = this.world;
    this.#begin(HONEST_KINDS, this.dice, meanFaultMs);
    if (hostility === undefined) return;
    this.#begin(HOSTILE_KINDS, new Dice(seed, "hostile faults"), hostileMs);
    this.lasts(Infinity, () => hostility.end());
  }

  /** Lets these kinds of faults happen, one after another. */
  #begin(kinds: readonly FaultKind[], dice: Dice, meanMs: number): void {
    const { faults } = this.world.options;
    const weights = Object.fromEntries(kinds.map((kind) => [kind, faults[kind]]));
    if (kinds.every((kind) => faults[kind] === 0)) return;
    const next = () => {
      if (this.#isStopped) return;
      const kind = dice.weighted(weights) as FaultKind;
      this.world.trace.add(`fault ${kind}`);
      this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
      ACTS[kind](this);
      this.world.time.after(dice.pauseMs(meanMs), next);
    };
    this.world.time.after(dice.pauseMs(meanMs), next);
  }

  /** Begins no further faults. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Undoes everything that lasts. */
  undoAll(): void {
    for (const undo of [...this.#undo]) undo();
  }

  lasts(meanMs: number, undo: Undo): void {
    const once = () => {
      if (this.#undo.delete(once)) undo();
    };
    this.#undo.add(once);
    if (meanMs !== Infinity) this.world.time.after(this.dice.pauseMs(meanMs), once);
  }

  isAnythingLasting(): boolean {
    return this.#undo.size > 0;
  }

  isOver(): boolean {
    return this.#isStopped;
  }
}
