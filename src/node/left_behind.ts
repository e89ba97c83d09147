// A node that comes back after so long that the others have forgotten without it.
//
// Its copies may hold what all others have deleted and forgotten, and nothing could tell that from news. So whoever
// meets it refuses it and says up to where it has missed floors; it notes that on its disk and starts anew:
// its copies are emptied before it talks to anybody, and filled from the others like those of an empty disk.

import type { HybridTime } from "../causality/dot.ts";
import type { DataObject } from "../crdt/data_object.ts";
import { PARTITION_COUNT_MAX } from "../ring/partition.ts";
import type { Storage } from "../storage/storage.ts";

/** Why a node ends that can go on at once if it is started again. */
export class StartAnewError extends Error {
  override readonly name = "StartAnewError";
}

const REASON = "This node was left behind at ";

/** How many keys are removed at once. */
const PAGE_COUNT = 1_024;

/** What a node is told that is not let in, as it has missed floors up to `upTo`. */
export function leftBehindReason(upTo: HybridTime): string {
  return `${REASON}${upTo}: it was away for so long that the others have forgotten without it`;
}

/** Up to where this node has missed floors, if that is the reason for which a peer has refused it. */
export function leftBehindIn(reason: string): HybridTime | undefined {
  if (!reason.startsWith(REASON)) return undefined;
  const upTo = Number.parseInt(reason.slice(REASON.length), 10);
  return Number.isSafeInteger(upTo) && upTo > 0 ? upTo : undefined;
}

/** Removes every object of a storage. */
export async function emptyCopies(storage: Storage<DataObject>): Promise<void> {
  for (;;) {
    const start = { partition: 0 };
    const page = await storage.range(start, PARTITION_COUNT_MAX - 1, undefined, PAGE_COUNT);
    if (page.length === 0) return;
    await storage.commit(page.map(({ partition, key }) => ({ partition, key })));
  }
}
