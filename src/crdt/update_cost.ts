// What it costs to put updates together, found out before it is done.
//
// Yjs keeps the structs of a client in one array, cuts them where something refers to their middle, and joins them
// again where they follow each other. Honest updates need little of that. But whoever knows the arrays can write
// half a megabyte that moves gigabytes, or takes minutes: so what will be moved and searched is reckoned here from
// the scanned updates, in little more time than reading them takes, and too much is refused.
//
// One unit of work is a reference that is moved, a nanosecond or two. What depends on the order in which structs are
// put in their place is measured while it is done (document_walk.ts).

import { MalformedError } from "../base/malformed.ts";
import { CONTENT, type ElementId, type ScannedStruct, type ScannedUpdate } from "./update_scan.ts";

/** Half a second or so. */
const WORK_MAX = 400_000_000;

/** The units of looking at a client once more that waits for something. */
const WAITING_UNITS = 5;

/** The units of looking at one name of a type at the top. */
const ROOT_UNITS = 4;

/** @throws {MalformedError} if it would take too long to put them together */
export function checkCost(updates: readonly ScannedUpdate[]): void {
  const clients = structsByClient(updates);
  const references = referencesIn(updates);
  let work = rootWork(updates) + waitingWork(clients, references);
  for (const [client, structs] of clients) {
    work += joiningWork(structs, references.get(client));
    work += cuttingWork(structs, references.get(client)?.cuts ?? [], deletionsOf(updates, client));
    if (work > WORK_MAX) throw new MalformedError("document", "it takes too long to put together");
  }
  if (work > WORK_MAX) throw new MalformedError("document", "it takes too long to put together");
}

/** All structs of each client but gaps, each once, by their clocks. */
function structsByClient(updates: readonly ScannedUpdate[]): Map<number, ScannedStruct[]> {
  const clients = new Map<number, ScannedStruct[]>();
  for (const { runs } of updates) {
    for (const { client, structs } of runs) {
      const held = clients.get(client);
      if (held === undefined) clients.set(client, [...structs]);
      else held.push(...structs);
    }
  }
  for (const [client, structs] of clients) {
    const sorted = updates.length === 1 ? structs : structs.sort((a, b) => a.clock - b.clock);
    let end = 0;
    const distinct = sorted.filter((struct) => {
      if (struct.content === CONTENT.gap || endOf(struct) <= end) return false;
      end = endOf(struct);
      return true;
    });
    clients.set(client, distinct);
  }
  return clients;
}

/** What refers to the elements of one client. */
interface References {
  /** Between which elements structs end because of an origin: the clock of the one behind. */
  readonly cuts: number[];
  /** By clock, how many structs have this element for their origin. */
  readonly origins: Map<number, number>;
  /** The highest clock that anything refers to. */
  highest: number;
}

function referencesIn(updates: readonly ScannedUpdate[]): Map<number, References> {
  const references = new Map<number, References>();
  const of = ({ client, clock }: ElementId): References => {
    let held = references.get(client);
    if (held === undefined) {
      held = { cuts: [], origins: new Map(), highest: -1 };
      references.set(client, held);
    }
    if (clock > held.highest) held.highest = clock;
    return held;
  };
  for (const { runs } of updates) {
    for (const { structs } of runs) {
      for (const { origin, parent, rightOrigin } of structs) {
        if (origin !== undefined) {
          const { cuts, origins } = of(origin);
          cuts.push(origin.clock + 1);
          origins.set(origin.clock, (origins.get(origin.clock) ?? 0) + 1);
        }
        if (rightOrigin !== undefined) of(rightOrigin).cuts.push(rightOrigin.clock);
        if (parent !== undefined) of(parent);
      }
    }
  }
  return references;
}

/** For each struct that names a type at the top, the name of that type is searched for when it is written. */
function rootWork(updates: readonly ScannedUpdate[]): number {
  const roots = new Set<string>();
  let named = 0;
  for (const { runs } of updates) {
    for (const { structs } of runs) {
      for (const { root } of structs) {
        if (root === undefined) continue;
        roots.add(root);
        named++;
      }
    }
  }
  return ROOT_UNITS * roots.size * named;
}

/** If anything waits for what is missing, each client that does is looked for among all. */
function waitingWork(
  clients: ReadonlyMap<number, readonly ScannedStruct[]>,
  references: ReadonlyMap<number, References>,
): number {
  const isWhole = (structs: readonly ScannedStruct[]) => {
    let clock = 0;
    for (const struct of structs) {
      if (struct.clock > clock) return false;
      clock = endOf(struct);
    }
    return true;
  };
  const isAnyMissing = [...clients.values()].some((structs) => !isWhole(structs)) ||
    [...references].some(([client, { highest }]) => highest >= endOf(clients.get(client)?.at(-1)));
  return isAnyMissing ? WAITING_UNITS * clients.size ** 2 : 0;
}

/** Structs that follow each other become one, and all behind them move up: once for each such row of structs. */
function joiningWork(structs: readonly ScannedStruct[], held: References | undefined): number {
  let rows = 0;
  let work = 0;
  let elements = 0;
  let wasJoined = false;
  for (let i = 1; i < structs.length; i++) {
    const [before, struct] = [structs[i - 1]!, structs[i]!];
    const isJoined = mayBeJoined(before, struct, held);
    if (isJoined && !wasJoined) {
      rows++;
      elements = before.length;
    }
    if (isJoined && isList(struct)) {
      // Lists of values are copied each time.
      elements += struct.length;
      work += elements;
    }
    wasJoined = isJoined;
  }
  return work + rows * structs.length;
}

function mayBeJoined(
  before: ScannedStruct,
  struct: ScannedStruct,
  held: References | undefined,
): boolean {
  if (before.content !== struct.content || endOf(before) !== struct.clock) return false;
  if (struct.content === CONTENT.forgotten) return true;
  const isOfKind = struct.content === CONTENT.deleted || struct.content === CONTENT.text ||
    isList(struct);
  const { origin } = struct;
  return isOfKind && origin?.client === struct.client && origin.clock === struct.clock - 1 &&
    isSame(before.rightOrigin, struct.rightOrigin) &&
    // Something else that begins there lies between the two.
    held?.origins.get(origin.clock) === 1;
}

/**
 * A struct to whose middle something refers is cut there, and all behind it move down; a list of values is copied.
 *
 * @param cuts because of origins, before any of the deletions
 * @param ranges that are deleted, ascending
 */
function cuttingWork(
  structs: readonly ScannedStruct[],
  cuts: readonly number[],
  ranges: readonly number[],
): number {
  if (structs.length === 0) return 0;
  const inside = (clock: number): number | undefined => {
    const at = structIndexOf(structs, clock);
    if (at === undefined) return undefined;
    return structs[at]!.clock === clock ? undefined : at;
  };
  let work = 0;
  const places = new Set<number>();
  for (const clock of cuts) {
    const at = places.has(clock) ? undefined : inside(clock);
    if (at === undefined) continue;
    places.add(clock);
    work += structs.length - at + (isList(structs[at]!) ? structs[at]!.length : 0);
  }
  work += places.size * places.size;
  const placesBefore = places.size;
  for (const clock of ranges) {
    const at = places.has(clock) ? undefined : inside(clock);
    if (at === undefined) continue;
    places.add(clock);
    const struct = structs[at]!;
    work += structs.length - at + placesBefore + (isList(struct) ? endOf(struct) - clock : 0);
  }
  return work;
}

/** Where the deleted ranges of a client begin and end. */
function deletionsOf(updates: readonly ScannedUpdate[], client: number): number[] {
  return updates.flatMap(({ deletions }) => {
    return (deletions.get(client) ?? []).flatMap(({ clock, end }) => [clock, end]);
  });
}

/** The index of the struct that has an element; undefined if none has. */
function structIndexOf(structs: readonly ScannedStruct[], clock: number): number | undefined {
  let low = 0;
  let high = structs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (endOf(structs[middle]) <= clock) low = middle + 1;
    else high = middle;
  }
  const struct = structs[low];
  return struct !== undefined && struct.clock <= clock ? low : undefined;
}

function endOf(struct: ScannedStruct | undefined): number {
  return struct === undefined ? 0 : struct.clock + struct.length;
}

function isList({ content }: ScannedStruct): boolean {
  return content === CONTENT.any || content === CONTENT.json;
}

function isSame(a: ElementId | undefined, b: ElementId | undefined): boolean {
  return a?.client === b?.client && a?.clock === b?.clock;
}
