// What a layout means in numbers: how much each member owns, and what a change costs. For display.

import type { Layout } from "./layout.ts";
import { ownerCount } from "./layout.ts";
import { fairShares } from "./quotas.ts";

export interface MemberLoad {
  readonly node: string;
  readonly zone: string;
  readonly weight: number;
  /** In how many partitions the node is an owner. */
  readonly partitions: number;
  /** In how many it should be, as far as the spreading over zones lets it; see quotas.ts. */
  readonly fairPartitions: number;
  /**
   * Owned partitions divided by what its weight alone would ask for: 1 is even. Far above 1 means that
   * its zone is too small for the copies that have to be in it.
   */
  readonly load: number;
}

/** The load of each member, in the order of the layout's members. */
export function memberLoads(layout: Layout): MemberLoad[] {
  const owned = new Array<number>(layout.members.length).fill(0);
  for (const owners of layout.assignment) for (const owner of owners) owned[owner]!++;
  const shares = fairShares(layout);
  const places = layout.partitions * ownerCount(layout);
  const weight = layout.members.reduce((sum, member) => sum + member.weight, 0);
  return layout.members.map((member, index) => ({
    ...member,
    partitions: owned[index]!,
    // Shares are found by halving: their last digits mean nothing.
    fairPartitions: Math.round(shares[index]! * layout.partitions * 1e6) / 1e6,
    load: owned[index]! / (places * member.weight / weight),
  }));
}

/** How many copies of partitions must be made to go from one layout to another. */
export function copiesToMove(previous: Layout, next: Layout): number {
  let copies = 0;
  for (const [partition, owners] of next.assignment.entries()) {
    const former = previous.assignment[partition]!.map((owner) => previous.members[owner]!.node);
    for (const owner of owners) if (!former.includes(next.members[owner]!.node)) copies++;
  }
  return copies;
}
