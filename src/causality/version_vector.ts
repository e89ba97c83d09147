// The version vector: per actor, the time up to which everything has been seen.
//
// Source: Parker et al., "Detection of Mutual Inconsistency in Distributed Systems" (1983).

import { type ActorId, type HybridTime, MAX_TIME } from "./dot.ts";

/** An actor that is not in it has not been seen at all. */
export type VersionVector = ReadonlyMap<ActorId, HybridTime>;

export const EMPTY_VECTOR: VersionVector = new Map();

/** Whether `a` has seen everything that `b` has. */
export function covers(a: VersionVector, b: VersionVector): boolean {
  for (const [actor, time] of b) if ((a.get(actor) ?? 0) < time) return false;
  return true;
}

/** What either has seen. */
export function mergeVectors(a: VersionVector, b: VersionVector): VersionVector {
  const merged = new Map(a);
  for (const [actor, time] of b) if ((merged.get(actor) ?? 0) < time) merged.set(actor, time);
  return merged;
}

/** The latest of all its times, 0 if it is empty. */
export function latestTime(vector: VersionVector): HybridTime {
  let latest = 0;
  for (const time of vector.values()) if (time > latest) latest = time;
  return latest;
}

/** What the time of a write has to be above whose client has seen this: all of it, unless nothing can be. */
export function timeAfter(vector: VersionVector): HybridTime {
  const latest = latestTime(vector);
  return latest < MAX_TIME ? latest : 0;
}
