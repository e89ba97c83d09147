// Chains: moving the excess where no single exchange is allowed.
//
// A member has one partition too many, another one too few, and the spreading rule lets the second take
// none of the first. Then a third may take one of the first's and give one of its own to the second, and so on.
// The shortest such chain is looked for, breadth first over the members. That it is a shortest one is
// what makes its exchanges go together: no exchange of it could be replaced by a later one in the same
// partition, so the allowed sets, being the bases of a matroid, allow all of them at once.
//
// Source: the augmenting paths of matroid intersection; Schrijver, "Combinatorial Optimization" (2003),
// section 41.2.

import { assert } from "../base/assert.ts";
import { NOBODY, type OwnerTable } from "./owner_table.ts";

export interface ChainSearch {
  readonly table: OwnerTable;
  /** Per member how many partitions it is to own. */
  readonly quotas: Int32Array;
  /** Per partition, the members whose copy is already there. */
  readonly formerOwners: readonly (readonly number[])[];
  /** The members that may be given a partition. */
  readonly candidates: (partition: number) => Iterable<number>;
}

/**
 * Takes partitions from members above their quota, and fills empty places, for the benefit of members below
 * theirs, as far as chains of exchanges with the given candidates can do it.
 */
export function moveByChains(search: ChainSearch): void {
  const { table, quotas } = search;
  for (let member = 0; member < quotas.length; member++) {
    while (table.loads[member]! > quotas[member]!) {
      if (!applyChain(search, table.partitionsOf(member), member)) break;
    }
  }
  for (let partition = 0; partition < table.partitions; partition++) {
    while (!table.isFull(partition)) {
      if (!applyChain(search, [partition], NOBODY)) break;
    }
  }
}

/** How a member was reached: it takes `partition` from the member `from`. */
interface Step {
  readonly member: number;
  readonly partition: number;
  readonly from: number;
  /** Copies that have to be made, along the chain up to here. */
  cost: number;
}

/** Finds and applies a chain that begins with `start` giving up one of `partitions`. */
function applyChain(search: ChainSearch, partitions: Iterable<number>, start: number): boolean {
  const { table } = search;
  const steps: (Step | undefined)[] = new Array(table.rule.memberCount);
  let end = findChain(search, steps, partitions, start);
  if (end === undefined) return false;
  const touched: number[] = [];
  while (end !== undefined) {
    table.replace(end.partition, end.from, end.member);
    touched.push(end.partition);
    end = end.from === start ? undefined : steps[end.from];
  }
  for (const partition of touched) {
    assert(table.isAllowed(partition), `a chain keeps partition ${partition} spread`);
  }
  return true;
}

function findChain(
  search: ChainSearch,
  steps: (Step | undefined)[],
  partitions: Iterable<number>,
  start: number,
): Step | undefined {
  const { table, quotas, formerOwners, candidates } = search;
  let level: Step[] = [];
  let next: Step[] = [];
  let best: Step | undefined;
  const isSettled = new Uint8Array(table.rule.memberCount);
  if (start !== NOBODY) isSettled[start] = 1;

  /** Reaches from one member every other that may take `partition` from it. True ends the search. */
  const reach = (from: number, partition: number, costBefore: number): boolean => {
    const former = formerOwners[partition]!;
    const saved = from === NOBODY || former.includes(from) ? 0 : 1;
    for (const member of candidates(partition)) {
      if (isSettled[member] === 1) continue;
      const cost = costBefore - saved + (former.includes(member) ? 0 : 1);
      const known = steps[member];
      if (known !== undefined && known.cost <= cost) continue;
      if (!table.canReplace(partition, from, member)) continue;
      const step = { member, partition, from, cost };
      steps[member] = step;
      if (known === undefined) next.push(step);
      else next[next.indexOf(known)] = step;
      if (table.loads[member]! >= quotas[member]!) continue;
      if (best === undefined || best.member === member || cost < best.cost) best = step;
      // One copy per place is what moving costs at least, but for detours.
      if (best.cost <= 1) return true;
    }
    return false;
  };

  for (const partition of partitions) if (reach(start, partition, 0)) return best;
  while (best === undefined && next.length > 0) {
    level = next;
    next = [];
    for (const { member } of level) isSettled[member] = 1;
    for (const { member, cost } of level) {
      for (const partition of table.partitionsOf(member)) {
        if (reach(member, partition, cost)) return best;
      }
    }
  }
  return best;
}
