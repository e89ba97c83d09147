// An acknowledged write is on the disks that its acknowledgement promises (I3).
//
// At the instant at which a write is answered with ok, at least W of its owners' disks hold its dot: as a value,
// or as one that a later write has replaced. What counts is the bytes on the disks, not what nodes
// say of them.

import { type Operation, showOperation } from "../history.ts";

/**
 * What is wrong with one write that has just ended.
 *
 * @param disks how many owners' disks hold it
 */
export function durabilityProblem(operation: Operation, disks: number): string | undefined {
  if (operation.outcome !== "ok" || disks >= operation.needed) return undefined;
  return `Acknowledged while on ${disks} of ${operation.needed} disks: ${showOperation(operation)}`;
}
