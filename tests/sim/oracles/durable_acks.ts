// An acknowledged write is on the disks that its acknowledgement promises (I3).
//
// At the instant at which a write is answered with ok, at least W disks hold its dot, each in the place of another
// owner: as a value, or as one that a later write has replaced. What counts is the bytes on the disks, not
// what nodes say of them. An owner's disk counts for itself. A node that was asked to stand in for an owner counts
// for that owner, and a node that owns nothing of the key and drew the dot for one owner at its choice.
//
// An operation with an id may go to a second coordinator when the first does not answer. Either of their dots stands
// for it, so it is enough if one of the two has its disks.

import { type Operation, showOperation, type Write } from "../history.ts";

/**
 * What is wrong with one write that has just ended.
 *
 * @param disksWith how many disks hold one of its dots, as {@linkcode placesTaken} counts them
 */
export function durabilityProblem(
  operation: Operation,
  disksWith: (write: Write) => number,
): string | undefined {
  if (operation.outcome !== "ok" || operation.writes.length === 0) return undefined;
  const byNode = Map.groupBy(operation.writes, ({ node }) => node);
  const disks = Math.max(
    ...byNode.values().map((writes) => Math.min(...writes.map(disksWith))),
  );
  if (disks >= operation.needed) return undefined;
  return `Acknowledged while on ${disks} of ${operation.needed} disks: ${showOperation(operation)}`;
}

/**
 * How many owners' places the disks of `holders` can take, one disk one place.
 *
 * @param placesOf the owners that a node may count for
 */
export function placesTaken(
  holders: readonly string[],
  placesOf: (node: string) => Iterable<string>,
): number {
  const takenBy = new Map<string, string>();
  // A node that finds its places taken sends their holders to look for others.
  const settle = (node: string, tried: Set<string>): boolean => {
    for (const place of placesOf(node)) {
      if (tried.has(place)) continue;
      tried.add(place);
      const holder = takenBy.get(place);
      if (holder !== undefined && !settle(holder, tried)) continue;
      takenBy.set(place, node);
      return true;
    }
    return false;
  };
  for (const node of holders) settle(node, new Set());
  return takenBy.size;
}
