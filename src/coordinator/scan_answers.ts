// What owners answer to one round of a scan, and all of them together.

import { binaryString, compareBytes } from "../base/bytes.ts";
import { type HybridTime, MAX_FLOOR } from "../causality/dot.ts";
import { DataObject } from "../crdt/data_object.ts";
import { decodeObject } from "../crdt/object_codec.ts";
import { type Copy, mergeCopies } from "../replica/copy.ts";
import { PART_ID_MAX, type PartId } from "../replica/parts.ts";
import { Arguments } from "../wire/arguments.ts";
import { LIMITS } from "../wire/limits.ts";

/** A place between two keys: everything up to `after` in `partition` lies before it. */
export interface Position {
  readonly partition: number;
  readonly after?: Uint8Array | undefined;
}

export interface Found {
  readonly partition: number;
  readonly key: Uint8Array;
  /** Undefined if it cannot be read there. */
  readonly object?: DataObject | undefined;
  /** Whether it is too large to be sent along. */
  readonly isLarge?: boolean;
}

/** What one node has answered. */
export interface ScanAnswer {
  readonly node: string;
  readonly found: readonly Found[];
  readonly floors: ReadonlyMap<PartId, HybridTime>;
}

export interface Merged extends Found {
  readonly object: DataObject;
}

/** The stretch of keys of one round. */
export interface Stretch {
  readonly from: Position;
  /** The last partition of it. */
  readonly until: number;
  /** How many keys each node answers with at most. */
  readonly limit: number;
}

/** Reads what a node has answered about a stretch. @throws {MalformedError} */
export function answerIn(node: string, { until }: Stretch, reply: readonly unknown[]): ScanAnswer {
  const args = new Arguments(reply, "scan answer");
  const found = args.list(LIMITS.scanPageCount).map((entry) => readFound(entry, until));
  return { node, found, floors: readFloors(args) };
}

function readFound(entry: unknown, until: number): Found {
  const args = new Arguments(Array.isArray(entry) ? entry : [], "scan entry");
  const partition = args.count(until);
  const key = args.ownBytes(LIMITS.key);
  const bytes = args.optional((part) => part.ownBytes(LIMITS.objectInParts));
  if (bytes === undefined || bytes.length === 0) {
    return { partition, key, isLarge: bytes !== undefined };
  }
  return { partition, key, object: decodeObject(bytes) };
}

function readFloors(args: Arguments): Map<PartId, HybridTime> {
  const list = args.optional((part) => part.list(LIMITS.partitionCount)) ?? [];
  const told = new Arguments(list, "scan answer");
  const floors = new Map<PartId, HybridTime>();
  while (!told.isAtEnd) floors.set(told.count(PART_ID_MAX), told.count(MAX_FLOOR));
  return floors;
}

/**
 * Joins what several owners hold of a stretch, up to where all of them have answered.
 *
 * @param floorIn up to where a node has seen everything of a key; 0 if it does not own it
 * @returns and where that is
 */
export function mergeAnswers(
  answers: readonly ScanAnswer[],
  floorIn: (answer: ScanAnswer, found: Found) => HybridTime,
  { limit, until }: Stretch,
): { found: Merged[]; next: Position } {
  let frontier: Found | undefined;
  for (const { found } of answers) {
    const end = found.length < limit ? undefined : found[found.length - 1];
    if (end !== undefined && (frontier === undefined || compareFound(end, frontier) < 0)) {
      frontier = end;
    }
  }
  const byPlace = new Map<string, Map<ScanAnswer, Found>>();
  for (const answer of answers) {
    for (const found of answer.found) {
      if (frontier !== undefined && compareFound(found, frontier) > 0) break;
      const place = `${found.partition} ${binaryString(found.key)}`;
      const held = byPlace.get(place);
      if (held === undefined) byPlace.set(place, new Map([[answer, found]]));
      else held.set(answer, found);
    }
  }
  const found = [...byPlace.values()].map((held): Merged => {
    const first = held.values().next().value!;
    const isLarge = [...held.values()].some((found) => found.isLarge === true);
    const copies = answers.map((answer): Copy => {
      const own = held.get(answer);
      const isRead = own === undefined || own.object !== undefined;
      const floor = isRead ? floorIn(answer, first) : 0;
      return { object: own?.object ?? DataObject.empty, floor };
    });
    return { ...first, object: mergeCopies(copies).object, isLarge };
  }).sort(compareFound);
  if (frontier === undefined) return { found, next: { partition: until + 1 } };
  return { found, next: { partition: frontier.partition, after: frontier.key } };
}

function compareFound(a: Found, b: Found): number {
  return a.partition - b.partition || compareBytes(a.key, b.key);
}
