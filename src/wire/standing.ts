// Standing: from whom a message may come, and what of the disk it may change.
//
// The network vouches for the peer id of everybody who speaks, and nothing more. What a peer is to this node the
// member table and the layout say: a peer that was admitted is a process with our cluster's name and settings, no more;
// a member bears a name that the layout has; an owner is a member to which the layout gives the part in
// question. Each kind of message asks for one of these.
//
// Rpc looks at a peer's standing before it looks at the arguments. Whether a member owns a part is known only when the
// part has been read: the services ask that before they decode anything that the message carries
// (replica/owners_only.ts). Answers need no row: one counts only from the peer that was asked, once.
//
//   anybody who dials ─ greeting ─> peer ─ named by the layout ─> member ─ has copies of the part ─> owner

import { DenamoError } from "./errors.ts";
import { type Method, METHODS } from "./message_codec.ts";

/** What a node is to us at present: `unplaced` if we have no layout to tell by. */
export type Standing = "unplaced" | "peer" | "member";

/** What of a disk a message may change. */
export type DiskPart =
  | "copies"
  | "floors"
  | "hints"
  | "incarnation"
  | "layout"
  | "namespaces"
  | "promised layout";

export interface StandingRule {
  /** The least that the sender must be. */
  readonly from: "peer" | "member" | "owner";
  /** Whether it is answered by a node that has no layout. */
  readonly isForUnplaced: boolean;
  /** What serving it may change. */
  readonly changes: readonly DiskPart[];
}

export type MethodName = keyof typeof METHODS;

/** Any node may take a request of a client and needs owners for it; what changes nothing may be asked by all. */
export const STANDING: Readonly<Record<MethodName, StandingRule>> = {
  // Requests of clients, from whatever node took them.
  coordinate: rule("peer", ["copies", "hints"]),
  scan: rule("peer", []),
  // Whoever coordinates owns the key or stands in for an owner.
  store: rule("member", ["copies", "hints"]),
  storeDelta: rule("member", ["copies", "hints"]),
  read: rule("member", []),
  // Owners among themselves. The first owner of a part asks all members for promises, and which of them keep something.
  level: rule("owner", ["copies"]),
  leaves: rule("owner", []),
  entries: rule("owner", []),
  promiseFloor: rule("owner", ["floors"]),
  keptBelow: rule("owner", ["floors", "copies"]),
  fence: rule("owner", ["floors"]),
  raiseFloor: rule("owner", ["floors", "copies"]),
  // Any node may look for its operator at what all have; only a member may set the others to work.
  roots: rule("peer", []),
  hints: rule("peer", []),
  repair: rule("member", ["copies"]),
  // A cluster that is being formed, and nodes that join it. What these change has rules of its own: see
  // node/first_layout.ts, node/layout_agreement.ts and replica/namespace_table.ts.
  fetchLayout: rule("peer", [], true),
  promiseLayout: rule("peer", ["promised layout"], true),
  installLayout: rule("peer", ["layout"], true),
  fetchNamespaces: rule("peer", [], true),
  fetchSealKeys: rule("peer", []),
  // Who is alive, and as what.
  probe: rule("peer", [], true),
  probeFor: rule("peer", [], true),
  // Two members each of which takes a stranger for the other would never hear each other if that took a member. What
  // else follows from it does, see node/refutation.ts.
  refute: rule("peer", ["incarnation"], true),
};

/** The same for what is published to all. A heartbeat that names other namespaces makes its hearer fetch them. */
export const GOSSIP_STANDING = {
  heartbeat: rule("peer", ["incarnation", "namespaces", "layout"], true),
} as const;

const NAMES = new Map<number, MethodName>(
  Object.entries(METHODS).map(([name, method]) => [method, name as MethodName]),
);

const RULES = new Map<number, StandingRule>(
  Object.entries(METHODS).map(([name, method]) => [method, STANDING[name as MethodName]]),
);

/** The name of a method; undefined for a number that is none. */
export function methodName(method: number): MethodName | undefined {
  return NAMES.get(method);
}

/** Why a peer of this standing may not ask this; undefined if it may, as far as can be told before its arguments are read. */
export function standingProblem(method: Method, standing: Standing): DenamoError | undefined {
  const { from, isForUnplaced } = RULES.get(method)!;
  if (standing === "unplaced") {
    return isForUnplaced
      ? undefined
      : new DenamoError("not_ready", "no", "This node has no layout yet");
  }
  if (from === "peer" || standing === "member") return undefined;
  return new DenamoError(
    "not_allowed",
    "no",
    `Only ${PLURALS[from]} may ask for ${NAMES.get(method)}`,
  );
}

const PLURALS = { peer: "peers", member: "members of the layout", owner: "owners" } as const;

function rule(
  from: StandingRule["from"],
  changes: readonly DiskPart[],
  isForUnplaced = false,
): StandingRule {
  return { from, isForUnplaced, changes };
}
