// The small worlds that are run in every order.
//
// Two nodes, one key, two requests, one crash: in every order of events. The requests meet in pairs that have
// gone wrong somewhere in some store: two writes that know the same, two that know nothing, a write and a
// delete, a write and a read. Three nodes and three requests: in every order within two delays of the
// natural one, with and without a crash.
//
// Whatever the level, no acknowledged write may be lost while disks are kept. A disk may be lost where a write
// must be on all of them. Reads see what was acknowledged where R + W is above N.

import type { QuorumLevel } from "../../src/replica/namespaces.ts";
import type { Crash, Request, Scenario } from "./scenario.ts";

/** What is asked for, without where. */
type Wish = Pick<Request, "kind" | "knows">;

const putFirst: Wish = { kind: "put", knows: "first" };
const putBlind: Wish = { kind: "put", knows: "nothing" };
const putLast: Wish = { kind: "put", knows: "last" };
const deleteFirst: Wish = { kind: "delete", knows: "first" };
const deleteBlind: Wish = { kind: "delete", knows: "nothing" };
const get: Wish = { kind: "get", knows: "nothing" };

interface Meeting {
  readonly wishes: readonly Wish[];
  readonly isWritten?: boolean;
  readonly isInTurn?: boolean;
  /** Whether one of them reads, so that it matters from how many. */
  readonly reads?: boolean;
}

const PAIRS: Readonly<Record<string, Meeting>> = {
  "put and put with one context": { wishes: [putFirst, putFirst] },
  "put and put of a fresh key": { wishes: [putBlind, putBlind], isWritten: false },
  "put and delete with one context": { wishes: [putFirst, deleteFirst] },
  "put and blind delete": { wishes: [putFirst, deleteBlind], reads: true },
  "delete and blind put": { wishes: [deleteFirst, putBlind] },
  "put and get": { wishes: [putFirst, get], reads: true },
};

const TRIPLES: Readonly<Record<string, Meeting>> = {
  "three puts with one context": { wishes: [putFirst, putFirst, putFirst] },
  "put, delete and get": { wishes: [putFirst, deleteFirst, get], reads: true },
  "two puts of a fresh key and a blind delete": {
    wishes: [putBlind, putBlind, deleteBlind],
    isWritten: false,
    reads: true,
  },
  "get, put, put in turn": { wishes: [get, putLast, putLast], isInTurn: true, reads: true },
};

/** R and W by name. */
const LEVELS: Readonly<Record<string, readonly [r: QuorumLevel, w: QuorumLevel]>> = {
  "r one, w all": ["one", "all"],
  "r quorum, w quorum": ["quorum", "quorum"],
  "r one, w one": ["one", "one"],
};

/** Every order of each. */
export const TWO_NODES: readonly Scenario[] = [
  ...Object.entries(PAIRS).flatMap(([name, pair]) => variants(name, pair)),
  // With a store that resumes an actor the last of these discards the first unseen.
  ...variants("put, put, put in turn", {
    wishes: [putBlind, putBlind, putLast],
    isWritten: false,
    isInTurn: true,
  }).filter(({ requests }) => requests.every(({ at }) => at === "n1")),
];

/** Every order of each within {@linkcode DELAYS}. */
export const THREE_NODES: readonly Scenario[] = Object.entries(TRIPLES).flatMap(([name, triple]) =>
  ["r quorum, w quorum", "r one, w one"].flatMap((level) =>
    [undefined, { at: "n1", disk: "kept" } as const].map((crash) =>
      scenarioOf(name, triple, level, ["n1", "n2", "n3"], crash)
    )
  )
);

/** How many delays an order of three nodes may have. */
export const DELAYS = 2;

/** @throws {Error} if no scenario has this name */
export function scenarioCalled(name: string): Scenario {
  const found = [...TWO_NODES, ...THREE_NODES].find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`No scenario is called "${name}"`);
  return found;
}

/** At one node or at both, at each level that matters, with each crash that the level allows. */
function variants(name: string, meeting: Meeting): Scenario[] {
  const levels = Object.keys(LEVELS).filter((level) => {
    return meeting.reads === true || level !== "r quorum, w quorum";
  });
  const places = [["n1", "n2"], ["n1", "n1"]].map((pair) =>
    meeting.wishes.map((_, i) => pair[i] ?? pair[1]!)
  );
  return levels.flatMap((level) =>
    places.flatMap((at) =>
      crashesAt(level).map((crash) => scenarioOf(name, meeting, level, at, crash))
    )
  );
}

function crashesAt(level: string): Crash[] {
  const kept = ["n1", "n2"].map((at) => ({ at, disk: "kept" } as const));
  return level === "r one, w one" ? kept : [...kept, { at: "n1", disk: "emptied" }];
}

function scenarioOf(
  name: string,
  { isInTurn = false, isWritten = true, wishes }: Meeting,
  level: string,
  at: readonly string[],
  crash: Crash | undefined,
): Scenario {
  const [r, w] = LEVELS[level]!;
  const death = crash === undefined ? "no crash" : `${crash.at} dies, disk ${crash.disk}`;
  return {
    name: `${name} at ${[...new Set(at)].join(" ")}, ${level}, ${death}`,
    nodeCount: new Set(at).size > 2 ? 3 : 2,
    r,
    w,
    isWritten,
    isInTurn,
    requests: wishes.map((wish, i) => ({ ...wish, at: at[i]! })),
    crash,
  };
}
