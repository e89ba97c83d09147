// When all is healed and every key has been read from all its owners, the owners are the same (I4).
//
// Byte for byte, on their disks and in what each of them answers by itself; and no node that does not own a
// key has anything of it.

import { equalBytes } from "../../../src/base/bytes.ts";
import type { DataObject } from "../../../src/crdt/data_object.ts";

/** What one machine holds of one key. */
export interface Copy {
  readonly node: string;
  readonly isOwner: boolean;
  readonly object: DataObject;
}

/** Where the copies of one key differ, or lie where they should not. */
export function convergenceProblems(key: string, copies: readonly Copy[]): string[] {
  const problems: string[] = [];
  const owners = copies.filter(({ isOwner }) => isOwner);
  const first = owners[0]!;
  for (const { node, object } of owners.slice(1)) {
    if (equalBytes(object.encoded(), first.object.encoded())) continue;
    problems.push(`${key}: ${first.node} has ${show(first.object)}, ${node} has ${show(object)}`);
  }
  for (const { node, isOwner, object } of copies) {
    if (isOwner || object.isEmpty) continue;
    problems.push(`${key}: ${node} does not own it and has ${show(object)}`);
  }
  return problems;
}

function show(object: DataObject): string {
  const parts = object.opaque.entries.map(({ actor, discardedUpTo, values }) =>
    `${actor}:${discardedUpTo}+[${values.map(({ time }) => time).join(" ")}]`
  );
  return `{${parts.join(", ")}}`;
}
