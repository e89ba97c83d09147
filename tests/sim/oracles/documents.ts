// A document has every edit that was acknowledged, and none that nobody made (I9).
//
// An edit inserts words, each of its own, and deletes others. A word is there if it was inserted with success and
// no request may have deleted it; it is not there if a request deleted it with success, or none has inserted it.

import { isOk, mayHaveHappened, type Tried } from "./attempts.ts";

export interface EditAttempt extends Tried {
  readonly inserted: readonly string[];
  readonly deleted: readonly string[];
}

/** What is wrong with the words that a document shows. */
export function documentProblems(
  attempts: readonly EditAttempt[],
  words: readonly string[],
): string[] {
  const happened = attempts.filter(mayHaveHappened);
  const surely = attempts.filter(isOk);
  const of = (some: readonly EditAttempt[], what: "inserted" | "deleted") =>
    new Set(some.flatMap((attempt) => attempt[what]));
  const [inserted, mayBeInserted] = [of(surely, "inserted"), of(happened, "inserted")];
  const [deleted, mayBeDeleted] = [of(surely, "deleted"), of(happened, "deleted")];
  const problems: string[] = [];
  for (const word of inserted) {
    if (words.includes(word) || mayBeDeleted.has(word)) continue;
    problems.push(`Document lacks ${word}, which was inserted with success`);
  }
  for (const word of words) {
    if (!mayBeInserted.has(word)) problems.push(`Document shows ${word}, which nobody inserted`);
    if (deleted.has(word)) problems.push(`Document shows ${word}, which was deleted with success`);
  }
  if (new Set(words).size < words.length) problems.push(`Document shows a word twice`);
  return problems;
}
