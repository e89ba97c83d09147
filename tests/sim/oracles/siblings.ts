// Siblings are concurrent (I5).
//
// A read never shows a value together with one that has replaced it. So there are never more siblings than
// writers who did not know of each other, and a client that reads, changes and writes alone
// never sees two. A limit holds on top of that.

import { LIMITS } from "../../../src/wire/limits.ts";
import { type Operation, showOperation, type Write } from "../history.ts";

/** What is wrong with the siblings that one read has returned. */
export function siblingProblems(
  read: Operation,
  writeOf: (value: string) => Write | undefined,
): string[] {
  const problems: string[] = [];
  const writes = read.siblings.flatMap((value) => writeOf(value) ?? []);
  for (const later of writes) {
    for (const earlier of writes) {
      if (!later.replaced.has(earlier)) continue;
      problems.push(
        `${later.value} has replaced ${earlier.value}, and both are shown: ${showOperation(read)}`,
      );
    }
  }
  // Owners may each hold as many as the limit allows.
  if (writes.length > 3 * LIMITS.siblingCount) {
    problems.push(`${writes.length} siblings: ${showOperation(read)}`);
  }
  return problems;
}
