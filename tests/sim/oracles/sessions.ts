// How often a client is shown less than it has seen or written before (the measure of I6).
//
// No guarantee of a session is given yet without R + W > N, so this is counted and not judged. A read goes back if
// a value that the same client wrote with success, or was shown, before the read began is neither in the
// answer nor replaced by any write that was drawn before the read ended.
//
// Source: Terry et al., "Session Guarantees for Weakly Consistent Replicated Data" (1994), section 3:
// read your writes and monotonic reads.

import type { Operation, Write } from "../history.ts";
import { WriteSet } from "../write_set.ts";

export interface SessionRate {
  /** Reads by clients that knew a value of the key. */
  readonly reads: number;
  /** Those that showed less than that. */
  readonly wentBack: number;
}

/** @param writes of one key, in the order in which their dots were drawn */
export function sessionRate(
  key: string,
  operations: readonly Operation[],
  writes: readonly Write[],
): SessionRate {
  const known = new Map<string, Set<Write>>();
  const byValue = new Map(writes.map((write) => [write.value, write]));
  let reads = 0;
  let wentBack = 0;
  const ended = operations.filter((it) => it.key === key && it.outcome === "ok")
    .sort((a, b) => a.endedAtMs! - b.endedAtMs!);
  const replaced = new WriteSet();
  let drawn = 0;
  for (const operation of ended) {
    while (drawn < writes.length && writes[drawn]!.drawnAtMs <= operation.endedAtMs!) {
      replaced.addAll(writes[drawn++]!.replaced);
    }
    const session = known.get(operation.client) ?? new Set();
    known.set(operation.client, session);
    for (const write of session) if (replaced.has(write)) session.delete(write);
    if (operation.kind === "get") {
      if (session.size > 0) {
        reads++;
        const isMissing = ({ value }: Write) => !operation.siblings.includes(value!);
        if ([...session].some(isMissing)) wentBack++;
      }
      for (const value of operation.siblings) {
        const write = byValue.get(value);
        if (write !== undefined) session.add(write);
      }
    }
    for (const write of operation.writes) if (write.value !== undefined) session.add(write);
  }
  return { reads, wentBack };
}
