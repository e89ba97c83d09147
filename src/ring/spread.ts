// The spreading rule: which sets of owners a partition may have.
//
// A partition with R owners has them in min(R, datacentres) datacentres and in min(R, zones) zones. Which
// of the two binds depends only on how many there are, so the rule is one of three, and each is said with two
// levels of groups, outer ones made of inner ones:
//
//   datacentres ≥ R           inner = datacentre, at most one owner in each
//   zones ≥ R > datacentres   inner = zone, at most one in each; outer = datacentre, at least one in each
//   R > zones                 outer = zone, at least one in each
//
// In all three the allowed sets are the bases of a matroid (laminar, with lower bounds). That is why
// shares can be planned group by group, and why exchanging one owner for another along
// shortest chains always leads to an assignment if there is one.

import type { LayoutContent } from "./layout.ts";
import { ownerCount } from "./layout.ts";
import { parseZone } from "./zone.ts";

/** The rule for one set of members. Members are known by their index, groups by theirs. */
export interface SpreadRule {
  /** R: the owners of each partition. */
  readonly owners: number;
  readonly memberCount: number;
  /** The outer group of each member. */
  readonly outerOf: Int32Array;
  /** The inner group of each member; no inner group is in two outer ones. */
  readonly innerOf: Int32Array;
  readonly outerCount: number;
  readonly innerCount: number;
  /** Whether every outer group must hold an owner. */
  readonly isOuterRequired: boolean;
  /** Whether an inner group may hold one owner only. */
  readonly isInnerSingle: boolean;
}

export function spreadRule(layout: Pick<LayoutContent, "members" | "replication">): SpreadRule {
  const { members } = layout;
  const owners = ownerCount(layout);
  const zones = groupsOf(members.map(({ zone }) => zone));
  const datacentres = groupsOf(members.map(({ zone }) => parseZone(zone).datacentre));
  const everything = { of: new Int32Array(members.length), count: 1 };
  const isByDatacentre = datacentres.count >= owners;
  const isByZone = !isByDatacentre && zones.count >= owners;
  const outer = isByDatacentre ? everything : isByZone ? datacentres : zones;
  const inner = isByDatacentre ? datacentres : zones;
  return {
    owners,
    memberCount: members.length,
    outerOf: outer.of,
    innerOf: inner.of,
    outerCount: outer.count,
    innerCount: inner.count,
    isOuterRequired: !isByDatacentre,
    isInnerSingle: isByDatacentre || isByZone,
  };
}

function groupsOf(names: readonly string[]): { of: Int32Array; count: number } {
  const numbers = new Map<string, number>();
  const of = Int32Array.from(names, (name) => {
    const known = numbers.get(name);
    if (known !== undefined) return known;
    numbers.set(name, numbers.size);
    return numbers.size - 1;
  });
  return { of, count: numbers.size };
}
