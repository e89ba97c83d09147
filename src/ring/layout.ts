// The layout: who owns which partition, as a value.
//
// Nodes do not compute ownership from whom they happen to see; they agree on a layout. It is
// planned once, given a version, spread as it is, and never changed. Its id carries a hash of its content, so
// that two layouts which differ can never be taken for one another.

import { isPartitionCount, PARTITION_COUNT_MAX, PARTITION_COUNT_MIN } from "./partition.ts";
import { isZone } from "./zone.ts";

export const MEMBER_COUNT_MAX = 1024;
export const REPLICATION_MAX = 16;
export const WEIGHT_MIN = 0.01;
export const WEIGHT_MAX = 100;

/** A node of a layout. */
export interface Member {
  /** The name of the node: 1 to 64 letters, digits, dots, underscores and hyphens. */
  readonly node: string;
  /** "dc" or "dc/rack". */
  readonly zone: string;
  /** How much this node can take beside the others, from 0.01 to 100. */
  readonly weight: number;
}

/** What a layout says; {@linkcode Layout} is this with its id. */
export interface LayoutContent {
  /** 1 for the first layout of a cluster. */
  readonly version: number;
  /** In the order of their names. */
  readonly members: readonly Member[];
  /** The number of partitions. */
  readonly partitions: number;
  /** How many owners each partition has, if there are so many members. */
  readonly replication: number;
  /** Per partition its owners, as indices into `members`, the preferred first. */
  readonly assignment: readonly (readonly number[])[];
}

/** An immutable layout. Make one with `planLayout`, `makeLayout` or `decodeLayout`. */
export interface Layout extends LayoutContent {
  /** The version and 64 bits of hash over the whole content: "1-0123456789abcdef". */
  readonly id: string;
}

const NODE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Whether a node may have this name. */
export function isNodeName(text: string): boolean {
  return NODE_NAME.test(text);
}

/** How many owners each partition of such a layout has. */
export function ownerCount(layout: Pick<LayoutContent, "replication" | "members">): number {
  return Math.min(layout.replication, layout.members.length);
}

/** The order of members in a layout. */
export function compareMembers(a: Member, b: Member): number {
  return a.node < b.node ? -1 : a.node > b.node ? 1 : 0;
}

/** What is wrong with everything of a layout but its assignment; undefined if nothing is. */
export function settingsProblem(
  settings: Omit<LayoutContent, "assignment">,
): string | undefined {
  const { version, members, partitions, replication } = settings;
  if (!Number.isSafeInteger(version) || version < 1) return `version ${version} is below 1`;
  if (!isPartitionCount(partitions)) {
    return `${partitions} partitions are not a power of two from ${PARTITION_COUNT_MIN} to ${PARTITION_COUNT_MAX}`;
  }
  if (!Number.isInteger(replication) || replication < 1 || replication > REPLICATION_MAX) {
    return `replication ${replication} is not from 1 to ${REPLICATION_MAX}`;
  }
  if (members.length < 1 || members.length > MEMBER_COUNT_MAX) {
    return `${members.length} members are not from 1 to ${MEMBER_COUNT_MAX}`;
  }
  for (const [index, member] of members.entries()) {
    const problem = memberProblem(member);
    if (problem !== undefined) return problem;
    if (index === 0) continue;
    const order = compareMembers(members[index - 1]!, member);
    if (order === 0) return `node "${member.node}" is named twice`;
    if (order > 0) return `node "${member.node}" is out of order`;
  }
  return undefined;
}

/** What is wrong with the assignment of a layout whose settings are right; undefined if nothing is. */
export function assignmentProblem(layout: LayoutContent): string | undefined {
  const { members, partitions, assignment } = layout;
  if (assignment.length !== partitions) {
    return `${assignment.length} partitions are assigned of ${partitions}`;
  }
  const count = ownerCount(layout);
  for (let partition = 0; partition < partitions; partition++) {
    const owners = assignment[partition]!;
    if (owners.length !== count) {
      return `partition ${partition} has ${owners.length} owners of ${count}`;
    }
    for (let rank = 0; rank < count; rank++) {
      const owner = owners[rank]!;
      if (!Number.isInteger(owner) || owner < 0 || owner >= members.length) {
        return `partition ${partition} has owner ${owner} of ${members.length} members`;
      }
      if (owners.indexOf(owner) !== rank) {
        return `partition ${partition} has owner ${owner} twice`;
      }
    }
  }
  return undefined;
}

function memberProblem({ node, zone, weight }: Member): string | undefined {
  if (!isNodeName(node)) return `node name "${node}" is not 1 to 64 of A-Z a-z 0-9 . _ -`;
  if (!isZone(zone)) return `zone "${zone}" of node "${node}" is not "dc" or "dc/rack"`;
  if (!(weight >= WEIGHT_MIN && weight <= WEIGHT_MAX)) {
    return `weight ${weight} of node "${node}" is not from ${WEIGHT_MIN} to ${WEIGHT_MAX}`;
  }
  return undefined;
}
