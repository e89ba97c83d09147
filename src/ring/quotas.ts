// Quotas: how many partitions each member is to own.
//
// Copies in proportion to weight is what one wants, and not always what one can have: no node can own a
// partition twice, a lone rack must hold a copy of everything if the copies are to be in three racks, a large
// one may hold no more than one. So the fair share of a member is defined as the best that can be
// had: the shares that the spreading rule allows whose loads (share divided by weight) are most
// even, that is, whose greatest load is least, then whose next greatest is least, and so on. Where the rule does
// not stand in the way that is exactly proportional.
//
// The rule bounds groups within groups from below and above, so this is filling with water: raise one level
// everywhere, cap a group that is full, and fill a group that would stay too low on its own.
//
// A quota is the share, in partitions, rounded down or up, with the rounding done group by
// group so that the quotas can be kept to. So no member is a whole partition above its fair share, and
// the greatest load is within 5 % of it wherever a share is 20 partitions or more.
//
// Source: Fujishige, "Lexicographically optimal base of a polymatroid with respect to a weight vector" (1980).

import { assert } from "../base/assert.ts";
import type { LayoutContent } from "./layout.ts";
import type { SpreadRule } from "./spread.ts";
import { spreadRule } from "./spread.ts";

/** Per member its fair share: copies of each partition, from 0 to 1, in sum the number of owners. */
export function fairShares(layout: Pick<LayoutContent, "members" | "replication">): Float64Array {
  const rule = spreadRule(layout);
  const root = sharedTree(rule, layout.members.map(({ weight }) => weight));
  const shares = new Float64Array(rule.memberCount);
  for (const leaf of root.leaves) shares[leaf.member] = leaf.share;
  return shares;
}

/**
 * Per member how many partitions it is to own: its fair share rounded down or up, in sum all places. Where
 * either will do, members that own much already are rounded up, so that less has to move.
 *
 * @param formerLoads per member how many partitions it owns so far
 */
export function quotas(
  rule: SpreadRule,
  weights: readonly number[],
  partitions: number,
  formerLoads: Int32Array,
): Int32Array {
  const result = new Int32Array(rule.memberCount);
  const root = sharedTree(rule, weights);
  apportion(root, rule.owners * partitions, partitions, formerLoads, result);
  return result;
}

/** A group of members, or one member, with the bounds of what it may hold of each partition. */
interface Group {
  readonly least: number;
  readonly most: number;
  readonly weight: number;
  /** The index of the member, where the group is one. */
  readonly member: number;
  readonly children: Group[];
  readonly leaves: Group[];
  share: number;
}

function sharedTree(rule: SpreadRule, weights: readonly number[]): Group {
  const { owners } = rule;
  const inners = Array.from(
    { length: rule.innerCount },
    () => group(0, rule.isInnerSingle ? 1 : owners),
  );
  const outers = Array.from(
    { length: rule.outerCount },
    () => group(rule.isOuterRequired ? 1 : 0, owners),
  );
  const root = group(owners, owners);
  root.children.push(...outers);
  const seen = new Set<Group>();
  for (let member = 0; member < rule.memberCount; member++) {
    const inner = inners[rule.innerOf[member]!]!;
    const outer = outers[rule.outerOf[member]!]!;
    const leaf = group(0, 1, weights[member]!, member);
    inner.children.push(leaf);
    for (const above of [leaf, inner, outer, root]) above.leaves.push(leaf);
    if (!seen.has(inner)) outer.children.push(inner);
    seen.add(inner);
  }
  share(root, owners);
  return root;
}

function group(least: number, most: number, weight = 0, member = -1): Group {
  return { least, most, weight, member, children: [], leaves: [], share: 0 };
}

/** What a group takes when the water stands at `level`: copies of each partition. */
function amountAt(group: Group, level: number): number {
  if (group.member >= 0) return Math.min(1, level * group.weight);
  let amount = 0;
  for (const child of group.children) amount += amountAt(child, level);
  return Math.min(group.most, Math.max(group.least, amount));
}

/** Gives `amount` to a group: finds the level at which its children take so much together. */
function share(group: Group, amount: number): void {
  group.share = amount;
  if (group.member >= 0) return;
  let low = 0;
  let high = 0;
  for (const { weight } of group.leaves) high = Math.max(high, 1 / weight);
  for (let round = 0; round < 100; round++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    let sum = 0;
    for (const child of group.children) sum += amountAt(child, middle);
    if (sum < amount) low = middle;
    else high = middle;
  }
  for (const child of group.children) share(child, amountAt(child, high));
}

/** Splits `total` places among the children of a group, each getting its share rounded down or up. */
function apportion(
  group: Group,
  total: number,
  partitions: number,
  formerLoads: Int32Array,
  result: Int32Array,
): void {
  if (group.member >= 0) {
    result[group.member] = total;
    return;
  }
  let rest = total;
  const parts = group.children.map((child, index) => {
    const { whole, fraction } = split(child.share * partitions);
    rest -= whole;
    return {
      child,
      index,
      whole,
      fraction,
      gain: fraction > 0 ? gainOfOneMore(child, whole, partitions, formerLoads) : -1,
    };
  });
  parts.sort((a, b) => b.gain - a.gain || b.fraction - a.fraction || a.index - b.index);
  assert(Math.abs(rest) <= parts.length, "the shares of a group add up to the group's share");
  // Shares carry rounding errors: where their sum is off by a whole place, the last part gives it back.
  for (const part of rest > 0 ? parts.slice(0, rest) : []) part.whole++;
  for (const part of rest < 0 ? parts.slice(rest) : []) part.whole--;
  for (const { child, whole } of parts) {
    apportion(child, whole, partitions, formerLoads, result);
  }
}

/** How many places more a group would keep of those that it has, 0 or 1, if it got one more than `total`. */
function gainOfOneMore(
  group: Group,
  total: number,
  partitions: number,
  formerLoads: Int32Array,
): number {
  let wanted = 0;
  let spare = total;
  for (const leaf of group.leaves) {
    const { whole, fraction } = split(leaf.share * partitions);
    spare -= whole;
    if (fraction > 0 && formerLoads[leaf.member]! > whole) wanted++;
  }
  return wanted > spare ? 1 : 0;
}

/** A number of places as a whole number and a rest, taking what is all but whole as whole. */
function split(places: number): { whole: number; fraction: number } {
  const nearest = Math.round(places);
  if (Math.abs(places - nearest) < 1e-7) return { whole: nearest, fraction: 0 };
  const whole = Math.floor(places);
  return { whole, fraction: places - whole };
}
