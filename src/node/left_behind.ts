// A node that comes back after so long that the others have forgotten without it.
//
// Its copies may hold what all others have deleted and forgotten, and nothing could tell that from news. So whoever
// meets it refuses it and says up to where it has missed floors; it notes that on its disk and starts anew:
// its copies are emptied before it talks to anybody, and filled from the others like those of an empty disk.

import type { HybridTime } from "../causality/dot.ts";
import type { DataObject } from "../crdt/data_object.ts";
import type { Refusal } from "../ports/network.ts";
import { PARTITION_COUNT_MAX } from "../ring/partition.ts";
import type { ScanStart, Storage } from "../storage/storage.ts";

/** Why a node ends that can go on if it is started again. */
export class StartAnewError extends Error {
  /** The name of its class. */
  override readonly name = "StartAnewError";

  /** How long the node should stay away before it starts, in milliseconds. */
  readonly afterMs: number;

  /** @ignore The node makes it. */
  constructor(message: string, afterMs = 0) {
    super(message);
    this.afterMs = afterMs;
  }
}

/** How many keys are removed at once. */
const PAGE_COUNT = 1_024;

/** What a node is told that is not let in, as it has missed floors up to `upTo`. */
export function leftBehind(upTo: HybridTime): Refusal {
  return {
    code: LEFT_BEHIND,
    message: "This node was away for so long that the others have forgotten without it",
    details: { upTo },
  };
}

/** Up to where this node has missed floors, if that is the reason for which a peer has refused it. */
export function leftBehindIn({ code, details: { upTo } }: Refusal): HybridTime | undefined {
  if (code !== LEFT_BEHIND || typeof upTo !== "number") return undefined;
  return Number.isSafeInteger(upTo) && upTo > 0 ? upTo : undefined;
}

const LEFT_BEHIND = "left_behind";

/** With fewer owners nothing is forgotten without one of them, as that would leave no majority. */
export const LEAST_OWNERS_TO_FORGET = 3;

/**
 * Removes the objects of a storage, but for those with so few copies that they are never forgotten without one of their
 * owners.
 */
export async function emptyCopies(
  storage: Storage<DataObject>,
  copiesOf: (key: Uint8Array) => number,
): Promise<void> {
  let from: ScanStart = { partition: 0 };
  for (;;) {
    const page = await storage.range(from, PARTITION_COUNT_MAX - 1, undefined, PAGE_COUNT);
    const removed = page.filter(({ key }) => copiesOf(key) >= LEAST_OWNERS_TO_FORGET);
    await storage.commit(removed.map(({ partition, key }) => ({ partition, key })));
    if (page.length < PAGE_COUNT) return;
    const { partition, key } = page[page.length - 1]!;
    from = { partition, after: key };
  }
}
