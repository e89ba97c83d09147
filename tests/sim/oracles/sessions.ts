// What a client is shown, held against what it has seen or written before (I6).
//
// A client that carries with its reads what it has seen is promised that they never show less: all writes that
// it was shown, or made with success, are covered by the context of every later answer, and a value among them
// is in the answer unless a write that was drawn before the read ended has replaced it. One request may fail;
// none may go back. Of what lies below the floor of all owners the answer's context need not speak: all owners
// have seen it. Then nothing is shown that such a write has replaced. A value below it whose write was never
// acknowledged need not be shown either: it was on fewer than W disks, those are lost, and the floor says that nobody
// is left who has it. Above the floor a session waits for it.
//
// Nothing of the kind is promised to the others without R + W > N: of them it is counted how often a read goes
// back.
//
// Source: Terry et al., "Session Guarantees for Weakly Consistent Replicated Data" (1994), section 3:
// read your writes and monotonic reads.

import { type Operation, showOperation, type Write } from "../history.ts";
import { WriteSet } from "../write_set.ts";

export interface SessionRate {
  /** Reads by clients that knew a value of the key and carried nothing. */
  readonly reads: number;
  /** Those that showed less than that. */
  readonly wentBack: number;
}

/** A read that succeeded, and what its client knew of the key when it began. */
interface InformedRead {
  readonly read: Operation;
  readonly known: readonly Write[];
  /** What had been replaced, by whomever, when it ended. */
  readonly replaced: WriteSet;
}

/** @param writes of one key, in the order in which their dots were drawn */
export function sessionRate(
  key: string,
  operations: readonly Operation[],
  writes: readonly Write[],
): SessionRate {
  let reads = 0;
  let wentBack = 0;
  for (const informed of informedReads(key, operations, writes)) {
    if (informed.read.isSession || !informed.known.some(isOpen(informed))) continue;
    reads++;
    if (missingValues(informed).length > 0) wentBack++;
  }
  return { reads, wentBack };
}

/**
 * The reads of one key that went back though their clients carried what they had seen.
 *
 * @param writes of this key, in the order in which their dots were drawn
 */
export function sessionProblems(
  key: string,
  operations: readonly Operation[],
  writes: readonly Write[],
): string[] {
  const problems: string[] = [];
  for (const informed of informedReads(key, operations, writes)) {
    const { known, read } = informed;
    if (!read.isSession) continue;
    const unseen = known.filter(({ dot }) => (read.seen?.get(dot.actor) ?? 0) < dot.time);
    const behind = unseen.filter(({ dot, replaced }) => {
      if (dot.time > read.floor) return true;
      return writes.some((it) => replaced.has(it) && read.siblings.includes(it.value!));
    });
    if (behind.length > 0) {
      problems.push(
        `A session of ${read.client} goes back behind ${shown(behind)} in ${key}: ` +
          showOperation(read),
      );
    }
    const missing = missingValues(informed).filter(({ dot, operation }) => {
      return operation.outcome === "ok" || dot.time > read.floor;
    });
    if (missing.length > 0) {
      problems.push(
        `A session of ${read.client} does not show ${shown(missing)} in ${key}: ` +
          showOperation(read),
      );
    }
  }
  return problems;
}

/** A client sends one request for a key after another. */
function* informedReads(
  key: string,
  operations: readonly Operation[],
  writes: readonly Write[],
): Generator<InformedRead> {
  const byClient = new Map<string, Set<Write>>();
  const byValue = new Map(writes.map((write) => [write.value, write]));
  const ended = operations.filter((it) => it.key === key && it.outcome === "ok")
    .sort((a, b) => a.endedAtMs! - b.endedAtMs!);
  const replaced = new WriteSet();
  let drawn = 0;
  for (const operation of ended) {
    while (drawn < writes.length && writes[drawn]!.drawnAtMs <= operation.endedAtMs!) {
      replaced.addAll(writes[drawn++]!.replaced);
    }
    const known = byClient.get(operation.client) ?? new Set();
    byClient.set(operation.client, known);
    if (operation.kind === "get") yield { read: operation, known: [...known], replaced };
    for (const value of operation.siblings) {
      const write = byValue.get(value);
      if (write !== undefined) known.add(write);
    }
    for (const write of operation.writes) known.add(write);
  }
}

/** Whether a write has left a value that nobody has replaced. */
function isOpen({ replaced }: InformedRead): (write: Write) => boolean {
  return (write) => write.value !== undefined && !replaced.has(write);
}

function missingValues(informed: InformedRead): Write[] {
  const { siblings } = informed.read;
  return informed.known.filter(isOpen(informed)).filter(({ value }) => !siblings.includes(value!));
}

function shown(writes: readonly Write[]): string {
  return writes.map(({ name, value }) => value ?? `the tombstone ${name}`).join(", ");
}
