// That there is nothing takes an owner (I7).
//
// A node that stands in for an owner knows what it was given meanwhile, and of what was stored before nothing at all. So a
// read that shows nothing, not even that something was deleted, must rest upon the word of an owner: it was
// asked at one, or an owner has answered one of the nodes that worked on it. What stand-ins hold they may show.

import { type Operation, showOperation } from "../history.ts";

/**
 * What is wrong with one read that has just ended.
 *
 * @param owners the names of those of its key
 * @param answered the nodes that have answered about the key meanwhile; see answer_book.ts
 */
export function absenceProblem(
  operation: Operation,
  owners: readonly string[],
  answered: ReadonlySet<string>,
): string | undefined {
  const { kind, node, outcome, seen, siblings } = operation;
  if (kind !== "get" || outcome !== "ok" || siblings.length > 0 || seen!.size > 0) return undefined;
  if (owners.some((owner) => owner === node || answered.has(owner))) return undefined;
  return `Nothing is shown, and no owner has said so: ${showOperation(operation)}`;
}
