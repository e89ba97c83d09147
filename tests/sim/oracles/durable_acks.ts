// An acknowledged write is on the disks that its acknowledgement promises (I3).
//
// At the instant at which a write is answered with ok, at least W disks hold its dot, each in the place of another
// owner: as a value, or as one that a later write has replaced. What counts is the bytes on the disks, not
// what nodes say of them. An owner's disk counts for itself. A node that was asked to stand in for an owner counts
// for that owner, and a node that owns nothing of the key and drew the dot for one owner at its choice.
//
// A disk that cannot be read counts: it was damaged after it had been written. What a node has in memory, or does not
// change, it does not read again, so that rot in it shows later.
//
// An operation with an id may go to a second coordinator when the first does not answer. Either of their dots stands
// for it, so it is enough if one of the two has its disks. A coordinator that finds it done already draws no dot: then
// as many disks have everything that this coordinator held, an earlier try included.

import { type Operation, showOperation, type Write } from "../history.ts";

/**
 * What is wrong with one write that has just ended.
 *
 * @param disks how many disks hold it, as {@linkcode disksFor} counts them
 */
export function durabilityProblem(operation: Operation, disks: number): string | undefined {
  if (operation.outcome !== "ok" || disks >= operation.needed) return undefined;
  return `Acknowledged while on ${disks} of ${operation.needed} disks: ${showOperation(operation)}`;
}

/**
 * How many disks hold all dots of one of the nodes that have coordinated an operation.
 *
 * @param disksWith how many disks hold one dot, as {@linkcode placesTaken} counts them
 */
export function disksFor(writes: readonly Write[], disksWith: (write: Write) => number): number {
  const byNode = Map.groupBy(writes, ({ node }) => node);
  return Math.max(0, ...byNode.values().map((own) => Math.min(...own.map(disksWith))));
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
