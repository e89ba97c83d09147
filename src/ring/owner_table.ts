// The owner table: the assignment while it is being planned.
//
// Every partition has R places, some of them empty. Whatever is done to the table, each row can be completed
// to a set of owners that the spreading rule allows: a place that some zone still needs is kept for it.

import { assert } from "../base/assert.ts";
import type { SpreadRule } from "./spread.ts";

/** Stands for "nobody" where the index of a member is expected. */
export const NOBODY = -1;

export class OwnerTable {
  readonly rule: SpreadRule;
  readonly partitions: number;
  /** How many partitions each member owns. */
  readonly loads: Int32Array;
  /** R places per partition, the taken ones first. */
  readonly #places: Int32Array;
  readonly #taken: Int32Array;
  /** Per partition, the number of distinct outer groups among its owners. */
  readonly #outers: Int32Array;
  readonly #owned: Set<number>[];

  constructor(partitions: number, rule: SpreadRule) {
    this.rule = rule;
    this.partitions = partitions;
    this.loads = new Int32Array(rule.memberCount);
    this.#places = new Int32Array(partitions * rule.owners).fill(NOBODY);
    this.#taken = new Int32Array(partitions);
    this.#outers = new Int32Array(partitions);
    this.#owned = Array.from({ length: rule.memberCount }, () => new Set<number>());
  }

  /** A copy of the owners of a partition. */
  owners(partition: number): number[] {
    const start = partition * this.rule.owners;
    const owners: number[] = [];
    for (let i = 0; i < this.#taken[partition]!; i++) owners.push(this.#places[start + i]!);
    return owners;
  }

  isFull(partition: number): boolean {
    return this.#taken[partition] === this.rule.owners;
  }

  isOwner(partition: number, member: number): boolean {
    return this.#owned[member]!.has(partition);
  }

  /** The partitions of a member, in no order that means anything. */
  partitionsOf(member: number): ReadonlySet<number> {
    return this.#owned[member]!;
  }

  /** Whether `arriving` may own this partition too, in the place of `leaving` or in an empty one. */
  canReplace(partition: number, leaving: number, arriving: number): boolean {
    const { owners, outerOf, innerOf, outerCount, isOuterRequired, isInnerSingle } = this.rule;
    const start = partition * owners;
    const taken = this.#taken[partition]!;
    const outer = outerOf[arriving]!;
    const inner = innerOf[arriving]!;
    const outerLeft = leaving === NOBODY ? NOBODY : outerOf[leaving]!;
    let isOuterHeld = false;
    let isOuterLeftHeld = false;
    for (let at = start; at < start + taken; at++) {
      const owner = this.#places[at]!;
      if (owner === arriving) return false;
      if (owner === leaving) continue;
      if (isInnerSingle && innerOf[owner] === inner) return false;
      if (outerOf[owner] === outer) isOuterHeld = true;
      if (outerOf[owner] === outerLeft) isOuterLeftHeld = true;
    }
    let size = taken + 1;
    let outers = this.#outers[partition]! + (isOuterHeld ? 0 : 1);
    if (leaving !== NOBODY) {
      size--;
      if (!isOuterLeftHeld) outers--;
    }
    return size + (isOuterRequired ? outerCount - outers : 0) <= owners;
  }

  /** Puts `arriving` in the place of `leaving`, or in an empty one. */
  replace(partition: number, leaving: number, arriving: number): void {
    const start = partition * this.rule.owners;
    let at = start + this.#taken[partition]!;
    if (leaving === NOBODY) {
      assert(!this.isFull(partition), `partition ${partition} has an empty place`);
      this.#taken[partition]!++;
    } else {
      at = this.#places.indexOf(leaving, start);
      assert(this.isOwner(partition, leaving), `member ${leaving} owns partition ${partition}`);
      this.#owned[leaving]!.delete(partition);
      this.loads[leaving]!--;
    }
    this.#places[at] = arriving;
    this.#owned[arriving]!.add(partition);
    this.loads[arriving]!++;
    this.#outers[partition] = this.#distinctOuters(partition);
  }

  /** Whether the owners of a partition are distinct and can be completed as the rule asks. */
  isAllowed(partition: number): boolean {
    const { rule } = this;
    const owners = this.owners(partition);
    if (new Set(owners).size < owners.length) return false;
    const inners = new Set(owners.map((owner) => rule.innerOf[owner]!)).size;
    if (rule.isInnerSingle && inners < owners.length) return false;
    const missing = rule.isOuterRequired ? rule.outerCount - this.#outers[partition]! : 0;
    return owners.length + missing <= rule.owners;
  }

  #distinctOuters(partition: number): number {
    const { owners, outerOf } = this.rule;
    const start = partition * owners;
    const end = start + this.#taken[partition]!;
    let count = 0;
    for (let at = start; at < end; at++) {
      const outer = outerOf[this.#places[at]!];
      let isFirst = true;
      for (let before = start; before < at; before++) {
        if (outerOf[this.#places[before]!] === outer) isFirst = false;
      }
      if (isFirst) count++;
    }
    return count;
  }
}
