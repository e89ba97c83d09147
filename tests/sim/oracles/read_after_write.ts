// A read sees what was acknowledged before it, where R + W > N (I7).
//
// If the owners that acknowledged a write and those that answered a read must have one in common, then the
// value is in the answer, unless a write that saw it and that was drawn before the read ended has
// replaced it. Where R + W is not above N nothing is promised.

import { type Operation, showOperation, type Write } from "../history.ts";
import { WriteSet } from "../write_set.ts";

/**
 * What the reads of one key have missed.
 *
 * @param writes of this key, in the order in which their dots were drawn
 */
export function readAfterWriteProblems(
  key: string,
  operations: readonly Operation[],
  writes: readonly Write[],
  owners: number,
): string[] {
  const reads = operations.filter((it) => {
    return it.key === key && it.kind === "get" && it.outcome === "ok";
  }).sort((a, b) => a.endedAtMs! - b.endedAtMs!);
  const problems: string[] = [];
  const replaced = new WriteSet();
  let drawn = 0;
  for (const read of reads) {
    while (drawn < writes.length && writes[drawn]!.drawnAtMs <= read.endedAtMs!) {
      replaced.addAll(writes[drawn++]!.replaced);
    }
    for (const write of writes) {
      if (!mustBeSeen(write.operation, read, owners) || write.value === undefined) continue;
      if (replaced.has(write) || read.siblings.includes(write.value)) continue;
      const what = `${write.value} was acknowledged and is not in a later read`;
      problems.push(`${what}: ${showOperation(read)}`);
    }
  }
  return problems;
}

function mustBeSeen(write: Operation, read: Operation, owners: number): boolean {
  return write.outcome === "ok" && write.endedAtMs! < read.invokedAtMs &&
    write.needed + read.needed > owners;
}
