// The planner: from the layout that is to the layout that shall be.
//
// Hashing alone gives some nodes half as much again as others, and a cap on the load in a walk that knows
// no past moves up to twice the data it need when a node joins. So each layout is planned from the one before:
//
//   1. keep     every owner that is still a member and fits the spreading rule;
//   2. quotas   say how many partitions each member is to own (quotas.ts);
//   3. fill     empty places, and exchange owners above their quota for members below theirs, in
//               successor order: a partition goes to the first member after it that needs one;
//   4. chain    what is left over because of the spreading rule (chain.ts).
//
// The first layout is planned in the same way from the plain walk: the first successors that are spread.
//
// The result satisfies: every partition has min(N, members) distinct owners in as many datacentres, and
// within that in as many zones, as there can be; every member owns its fair share rounded down or up. The
// same arguments give the same layout everywhere, in whatever order the members are named.

import { assert } from "../base/assert.ts";
import { moveByChains } from "./chain.ts";
import type { Layout, Member } from "./layout.ts";
import { compareMembers, settingsProblem } from "./layout.ts";
import { makeLayout } from "./layout_codec.ts";
import { NOBODY, OwnerTable } from "./owner_table.ts";
import { quotas } from "./quotas.ts";
import { spreadRule } from "./spread.ts";
import { TokenRing } from "./tokens.ts";
import { parseZone, type Zone } from "./zone.ts";

export interface PlanRequest {
  /** The version of the layout to be made; above that of `previous`. */
  readonly version: number;
  /** In any order. */
  readonly members: readonly Member[];
  /** The number of partitions; that of `previous` if there is one. */
  readonly partitions: number;
  /** N: how many owners each partition shall have. */
  readonly replication: number;
  /** The layout whose owners hold the data; none for the first layout of a cluster. */
  readonly previous?: Layout | undefined;
}

/**
 * Plans a layout. Pure: every node that plans from the same arguments gets the same layout.
 *
 * @throws {RangeError} if a member, a number or a version is out of its limits, or the partitions differ
 */
export function planLayout(request: PlanRequest): Layout {
  const { version, partitions, replication, previous } = request;
  const members = [...request.members].sort(compareMembers);
  const settings = { version, members, partitions, replication };
  const problem = settingsProblem(settings) ?? successionProblem(request);
  if (problem !== undefined) throw new RangeError(`Cannot plan a layout: ${problem}`);

  const ring = new TokenRing(members, partitions);
  const rule = spreadRule(settings);
  const table = new OwnerTable(partitions, rule);
  if (previous === undefined) walk(table, ring);
  const formerOwners = previous === undefined
    ? Array.from({ length: partitions }, (_, partition) => table.owners(partition))
    : remainingOwners(previous, members);
  if (previous !== undefined) keep(table, formerOwners);

  const plan: Plan = {
    table,
    ring,
    formerOwners,
    quotas: quotas(
      rule,
      members.map(({ weight }) => weight),
      partitions,
      countOwners(formerOwners, members.length),
    ),
  };
  // Places that somebody can take who has the copy already cost nothing: they come first.
  moveByChains({ ...plan, candidates: (partition) => formerOwners[partition]! });
  fill(plan);
  exchange(plan);
  const everybody = members.map((_, index) => index);
  moveByChains({ ...plan, candidates: () => everybody });
  for (let member = 0; member < members.length; member++) {
    assert(table.loads[member] === plan.quotas[member], `member ${member} has its quota`);
  }

  const zones = members.map(({ zone }) => parseZone(zone));
  const assignment = Array.from(
    { length: partitions },
    (_, partition) => inPreferredOrder(partition, table.owners(partition), ring, zones),
  );
  return makeLayout({ ...settings, assignment });
}

interface Plan {
  readonly table: OwnerTable;
  readonly ring: TokenRing;
  /** Per partition, the members that own it so far. */
  readonly formerOwners: readonly (readonly number[])[];
  readonly quotas: Int32Array;
}

function successionProblem({ version, partitions, previous }: PlanRequest): string | undefined {
  if (previous === undefined) return undefined;
  if (version <= previous.version) return `version ${version} is not above ${previous.version}`;
  if (partitions === previous.partitions) return undefined;
  return `${partitions} partitions cannot follow ${previous.partitions}`;
}

/** Gives each partition its first successors that are spread, whatever their loads. */
function walk(table: OwnerTable, ring: TokenRing): void {
  for (let partition = 0; partition < table.partitions; partition++) {
    ring.find(partition, (member) => {
      if (table.canReplace(partition, NOBODY, member)) table.replace(partition, NOBODY, member);
      return table.isFull(partition);
    });
  }
}

/** Per partition the owners in `previous` that are still members, as indices into `members`. */
function remainingOwners(previous: Layout, members: readonly Member[]): number[][] {
  const indices = new Map(members.map(({ node }, index) => [node, index]));
  const indexOf = previous.members.map(({ node }) => indices.get(node) ?? NOBODY);
  return previous.assignment.map((owners) =>
    owners.map((owner) => indexOf[owner]!).filter((index) => index !== NOBODY)
  );
}

function keep(table: OwnerTable, formerOwners: readonly (readonly number[])[]): void {
  for (const [partition, owners] of formerOwners.entries()) {
    for (const owner of owners) {
      if (table.isFull(partition)) break;
      if (table.canReplace(partition, NOBODY, owner)) table.replace(partition, NOBODY, owner);
    }
  }
}

function countOwners(owners: readonly (readonly number[])[], memberCount: number): Int32Array {
  const counts = new Int32Array(memberCount);
  for (const list of owners) for (const owner of list) counts[owner]!++;
  return counts;
}

/** Fills empty places with the first successors below their quota. */
function fill({ table, ring, quotas }: Plan): void {
  for (let partition = 0; partition < table.partitions; partition++) {
    if (table.isFull(partition)) continue;
    ring.find(partition, (member) => {
      const isTaken = table.loads[member]! < quotas[member]! &&
        table.canReplace(partition, NOBODY, member);
      if (isTaken) table.replace(partition, NOBODY, member);
      return table.isFull(partition);
    });
  }
}

/**
 * Exchanges owners above their quota for members below theirs. Partitions whose first successors are in need
 * come first, and in one round each partition gives one copy away, so that few lose several at once.
 */
function exchange({ table, ring, quotas }: Plan): void {
  const isAbove = (member: number) => table.loads[member]! > quotas[member]!;
  const isBelow = (member: number) => table.loads[member]! < quotas[member]!;
  let waiting: { partition: number; rank: number }[] = [];
  for (let partition = 0; partition < table.partitions; partition++) {
    if (!table.owners(partition).some(isAbove)) continue;
    let rank = 0;
    ring.find(partition, (member) => {
      rank++;
      return isBelow(member);
    });
    waiting.push({ partition, rank });
  }
  waiting.sort((a, b) => a.rank - b.rank || a.partition - b.partition);
  while (waiting.length > 0) {
    waiting = waiting.filter(({ partition }) => {
      const leaving = table.owners(partition).filter(isAbove);
      if (leaving.length === 0) return false;
      leaving.sort((a, b) => table.loads[b]! - quotas[b]! - (table.loads[a]! - quotas[a]!));
      let from = NOBODY;
      const taker = ring.find(partition, (member) => {
        if (!isBelow(member)) return false;
        from = leaving.find((owner) => table.canReplace(partition, owner, member)) ?? NOBODY;
        return from !== NOBODY;
      });
      if (taker === NOBODY) return false;
      table.replace(partition, from, taker);
      return true;
    });
  }
}

/**
 * Orders owners as successors, but so that each prefix is in as many datacentres, and then zones, as can
 * be: a namespace with fewer copies takes a prefix.
 */
function inPreferredOrder(
  partition: number,
  owners: readonly number[],
  ring: TokenRing,
  zones: readonly Zone[],
): number[] {
  const waiting: number[] = [];
  ring.find(partition, (member) => {
    if (owners.includes(member)) waiting.push(member);
    return waiting.length === owners.length;
  });
  const ordered: number[] = [];
  const met = new Set<string>();
  while (waiting.length > 0) {
    let at = waiting.findIndex((member) => !met.has(`${zones[member]!.datacentre}/`));
    if (at < 0) at = waiting.findIndex((member) => !met.has(zones[member]!.name));
    const [member] = waiting.splice(Math.max(0, at), 1);
    const { name, datacentre } = zones[member!]!;
    met.add(`${datacentre}/`).add(name);
    ordered.push(member!);
  }
  return ordered;
}
