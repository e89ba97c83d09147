// The first layout of a cluster, planned from the members that its operator named.

import type { Layout, Member } from "../ring/layout.ts";
import { planLayout } from "../ring/planner.ts";
import { DenamoError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import type { NodeSettings } from "./settings.ts";

/** The members that an operator named, each once. @throws {DenamoError} if there are none or too many */
export function checkedNames(members: readonly string[]): string[] {
  const names = [...new Set(members)];
  if (names.length === 0) throw new DenamoError("bad_request", "no", "A layout needs members");
  if (names.length > LIMITS.layoutMemberCount) {
    const message =
      `A layout of ${names.length} members is too large: limit ${LIMITS.layoutMemberCount}`;
    throw new DenamoError("bad_request", "no", message);
  }
  return names;
}

/**
 * Why an operator may not mean a layout of these members, which could not be changed: it leaves out nodes that are seen,
 * or has not as many nodes as there are to be copies. Undefined if all is well.
 */
export function planProblem(
  { node, replication }: Pick<NodeSettings, "node" | "replication">,
  members: readonly string[],
  seen: readonly string[],
): string | undefined {
  const leftOut = [node, ...seen].filter((name) => !members.includes(name)).sort();
  const problems: string[] = [];
  if (leftOut.length > 0) problems.push(`${leftOut.join(", ")} would never keep any data`);
  if (members.length < replication) {
    const copies = members.length === 1 ? "one copy" : `${members.length} copies`;
    problems.push(`every key would have ${copies} for ever, not ${replication}`);
  }
  if (problems.length === 0) return undefined;
  return `A layout cannot be changed, and with this one ${problems.join(", and ")}: ` +
    "name all nodes, start them with the replication that is meant, or force it";
}

/** Plans it. @throws {DenamoError} `bad_request` if these members cannot have one */
export function planFirst(settings: NodeSettings, chosen: readonly Member[]): Layout {
  const { partitions, replication } = settings;
  const members = chosen.map(({ node, zone, weight }) => ({ node, zone, weight }));
  try {
    return planLayout({ version: 1, members, partitions, replication });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new DenamoError("bad_request", "no", error.message);
  }
}
