// Nothing that arrives can destroy (I19).
//
// Judged in worlds with hostile peers, whatever they say and whoever they claim to be, besides all other promises,
// which hold there as they do elsewhere.
//
// Layout: the one that the cluster made when it came up is the only one that a node ever works by, also after it was
// started again, which it then does by what is on its disk. Of namespaces nothing is in force that no operator ordered.
// Life: no node ends by itself, whatever it is told; but for one whose name a stranger has taken while it was away, and
// that comes again when its supervisor starts it. When all is over every node can be started again, finds the others,
// and shows what it showed before.
// Course: nothing that is said ends in an error that nobody foresaw, or in a promise that nobody waits for.
// Data: no copy is emptied and nothing is set aside on a disk that nothing has happened to. No disk holds anything of a
// key that no client has written, nor of a key in a partition that is not its own.
// Contexts: one that no node has given out for a key replaces nothing there.
// Service: where nobody but strangers does harm, of the requests of clients that begin meanwhile 99 in a hundred succeed,
// or all but SPARED_COUNT.
// Bounds: a stranger is one member more at the most, and none when it has gone for as long as it takes to see that.
// Of what waits at a node there is never more than the limits allow.

import { LIMITS } from "../../../src/wire/limits.ts";
import { type Operation, showOperation } from "../history.ts";

/** What a running node of a world shows of itself. */
export interface HostileSight {
  readonly name: string;
  /** Undefined if it has no layout, as after the loss of its disk. */
  readonly layoutId: string | undefined;
  readonly membersKnown: number;
  /** The digest of what it takes for ordered of namespaces; undefined for nothing. */
  readonly namespaces: string | undefined;
  readonly measurements: readonly { readonly name: string; readonly value: number }[];
}

/** What a disk of a world holds when all is over. */
export interface HostileDisk {
  readonly name: string;
  readonly setAsideReasons: readonly string[];
  /** Where there is something of a key. */
  readonly places: readonly { readonly key: string; readonly partition: number }[];
}

/** What was true of the world before anybody was hostile, and who was. */
export interface HostileFacts {
  readonly layoutId: string;
  readonly machineCount: number;
  /** How many strangers have been there. */
  readonly strangerCount: number;
}

/** So many requests may fail for other reasons, such as a deadline that is near what all of them take. */
const SPARED_COUNT = 5;

/** More than these of what may wait, nothing waits. */
const BOUNDS: Readonly<Record<string, number>> = {
  requests_in_flight_count: LIMITS.inFlightPerNodeCount,
  rpcs_open_count: LIMITS.inFlightPerPeerCount,
};

/** What is wrong with a running node. */
export function sightProblems(sight: HostileSight, facts: HostileFacts): string[] {
  const { layoutId, measurements, membersKnown, name, namespaces } = sight;
  const problems: string[] = [];
  if (layoutId !== undefined && layoutId !== facts.layoutId) {
    problems.push(`${name} works by layout ${layoutId}, and ${facts.layoutId} was made`);
  }
  if (namespaces !== undefined) problems.push(`${name} follows orders that nobody gave`);
  const most = facts.machineCount + facts.strangerCount;
  if (membersKnown > most) {
    problems.push(`${name} knows ${membersKnown} members, and there were ${most}`);
  }
  for (const { name: gauge, value } of measurements) {
    const bound = BOUNDS[gauge];
    if (bound !== undefined && value > bound) problems.push(`${name} has ${gauge} ${value}`);
  }
  return problems;
}

/**
 * What is wrong with a disk when all is over.
 *
 * @param partitionOf where each key belongs that clients have written
 */
export function diskProblems(
  { name, places, setAsideReasons }: HostileDisk,
  partitionOf: ReadonlyMap<string, number>,
): string[] {
  const problems = setAsideReasons.map((reason) => `${name} has set data aside: ${reason}`);
  for (const { key, partition } of places) {
    const own = partitionOf.get(key);
    if (own === partition) continue;
    const why = own === undefined ? "which no client has written" : `which belongs in ${own}`;
    problems.push(`${name} holds ${JSON.stringify(key)} in partition ${partition}, ${why}`);
  }
  return problems;
}

/**
 * What to say of the requests that clients have begun while strangers alone did harm.
 *
 * @param operations those requests
 */
export function serviceProblem(
  operations: readonly Pick<Operation, "error" | "outcome">[],
): string | undefined {
  const failed = operations.filter(({ outcome }) => outcome !== "ok");
  if (failed.length <= Math.max(SPARED_COUNT, operations.length / 100)) return undefined;
  const count = `${failed.length} of ${operations.length}`;
  return `Strangers keep clients from being served: ${count} requests failed: ${failed[0]!.error}`;
}

/**
 * What to say of a node that has ended by itself.
 *
 * @param isClaimed whether a stranger is there that the others may have let in under its name
 */
export function lifeProblem(
  name: string,
  reason: string,
  isClaimed: boolean,
): string | undefined {
  if (isClaimed && reason.startsWith(`The name "${name}" is in use by live peer`)) return undefined;
  return `${name} has ended by itself: ${reason}`;
}

/** What to say of a request that carried a context which nobody had given out. */
export function forgedContextProblem(operation: Operation, token: string): string | undefined {
  if (operation.outcome !== "ok") return undefined;
  return `A context that nobody gave out is taken: ${token} ${showOperation(operation)}`;
}
