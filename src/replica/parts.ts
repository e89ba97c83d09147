// What is compared as one: the keys of one partition that keep so many copies, and so have the same owners.

import { LIMITS } from "../wire/limits.ts";
import { ROOTS_COUNT } from "./tree_service.ts";

/** `copies` is 0 for as many as the layout says. */
export interface Part {
  readonly partition: number;
  readonly copies: number;
}

/** A part as one number, below {@linkcode PART_ID_MAX}: for keys without a number of copies of their own the partition. */
export type PartId = number;

const COPIES_FACTOR = 65_536;

export const PART_ID_MAX = COPIES_FACTOR * (LIMITS.layoutMemberCount + 1);

export function partId({ copies, partition }: Part): PartId {
  return COPIES_FACTOR * copies + partition;
}

export function partOf(id: PartId): Part {
  return { partition: id % COPIES_FACTOR, copies: Math.floor(id / COPIES_FACTOR) };
}

/** As many as one message may ask the roots of, and all of one number of copies. */
export function chunksOf(parts: readonly Part[]): Part[][] {
  const chunks: Part[][] = [];
  for (const part of parts) {
    const last = chunks.at(-1);
    const fits = last !== undefined && last.length < ROOTS_COUNT &&
      last[0]!.copies === part.copies;
    if (fits) last.push(part);
    else chunks.push([part]);
  }
  return chunks;
}

/** The partitions of some parts, each once, ascending. */
export function partitionsIn(parts: readonly Part[]): number[] {
  return [...new Set(parts.map(({ partition }) => partition))].sort((a, b) => a - b);
}
