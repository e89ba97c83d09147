// Lists of dotted things: at most one of each actor, sorted by actor.
//
// One is enough: whoever writes replaces at least what it has seen of itself. A thing stays if both
// sides hold it, or if the side that does not hold it has not seen it.
//
// Source: Almeida, Shoker and Baquero, "Delta State Replicated Data Types" (2018), figure 12 (dot sets
// and dot functions).

import type { Dot } from "../causality/dot.ts";
import type { VersionVector } from "../causality/version_vector.ts";
import type { Sides, StoreReader, StoreWriter } from "./dot_store.ts";

/**
 * What both lists hold together. Returns one of them if that is the result.
 *
 * @param both joins two things of the same dot, into the same for either order of them, though somebody may have
 *     erred and they contradict each other; without it there is nothing to a thing but its dot
 */
export function joinDotted<T extends Dot>(
  a: readonly T[],
  b: readonly T[],
  sides: Sides,
  both: (a: T, b: T) => T = (a) => a,
): readonly T[] {
  if (a === b) return a;
  const joined: T[] = [];
  let isA = true;
  let isB = true;
  const push = (item: T, inA: T | undefined, inB: T | undefined) => {
    isA &&= item === inA;
    isB &&= item === inB;
    joined.push(item);
  };
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const mine = a[i];
    const theirs = b[j];
    if (theirs === undefined || (mine !== undefined && mine.actor < theirs.actor)) {
      if (!sides.b.has(mine!)) push(mine!, mine, undefined);
      i++;
    } else if (mine === undefined || theirs.actor < mine.actor) {
      if (!sides.a.has(theirs)) push(theirs, undefined, theirs);
      j++;
    } else {
      if (mine.time === theirs.time) push(both(mine, theirs), mine, theirs);
      else if (mine.time > theirs.time) {
        if (!sides.b.has(mine)) push(mine, mine, undefined);
      } else if (!sides.a.has(theirs)) push(theirs, undefined, theirs);
      i++;
      j++;
    }
  }
  if (isA && joined.length === a.length) return a;
  return isB && joined.length === b.length ? b : joined;
}

/** Without what `seen` covers; undefined covers everything. */
export function withoutSeen<T extends Dot>(
  list: readonly T[],
  seen: VersionVector | undefined,
): readonly T[] {
  if (list.length === 0) return list;
  if (seen === undefined) return [];
  const left = list.filter(({ actor, time }) => time > (seen.get(actor) ?? 0));
  return left.length === list.length ? list : left;
}

/** Whether two lists hold the same dots. */
export function haveSameDots(a: readonly Dot[], b: readonly Dot[]): boolean {
  return a === b || (a.length === b.length &&
    a.every(({ actor, time }, i) => actor === b[i]!.actor && time === b[i]!.time));
}

/** Writes the count, and each dot with what `writeRest` adds to it. */
export function writeDotted<T extends Dot>(
  writer: StoreWriter,
  list: readonly T[],
  writeRest?: (item: T) => void,
): void {
  writer.integer(list.length);
  for (const item of list) {
    writer.dot(item);
    writeRest?.(item);
  }
}

/** Reads what {@linkcode writeDotted} wrote. */
export function readDotted<T extends Dot>(
  reader: StoreReader,
  readRest: (dot: Dot) => T,
): readonly T[] {
  const list: T[] = [];
  for (let count = reader.count(); count > 0; count--) {
    const dot = reader.dot();
    const previous = list[list.length - 1];
    if (previous !== undefined && previous.actor >= dot.actor) {
      throw reader.malformed("dots are out of order");
    }
    list.push(readRest(dot));
  }
  return list;
}
