// What a deliberate mistake is: an edit at the line where somebody would really make it.
//
// A net that has never held a fish proves nothing. So mistakes that stores of this kind have made are made
// here on purpose, each in a copy of the tree (see mutated_tree.ts), and the simulator must find each of
// them, by the oracle that is meant for it. Production code holds no switch for any of this.

import { joinOverrides, NO_NAMESPACES, onlyFaults, type Overrides } from "../sim/overrides.ts";
import type { FaultKind } from "../sim/options.ts";

/** The oracles by which mutants are found; tests/sim/oracles/ and run_seed.ts say what each of them means. */
export type OracleName =
  | "I1"
  | "I2"
  | "I3"
  | "I4"
  | "I5"
  | "I6"
  | "I7"
  | "I8"
  | "I9"
  | "I10"
  | "I13"
  | "I14"
  | "I15"
  | "I16"
  | "I17"
  | "I18"
  | "I19"
  | "I20";

/** What the simulator must say of a mutant. */
export interface Finding {
  readonly oracle: OracleName;
  /** What at least one violation looks like. */
  readonly violation: RegExp;
}

/** A change of one file. */
export interface Edit {
  /** From the root of the project. */
  readonly file: string;
  /** What is there, exactly once. */
  readonly replace: string;
  readonly by: string;
}

export interface Mutant {
  /** What is wrong, as a sentence about the store. */
  readonly name: string;
  readonly edits: readonly Edit[];
  readonly finding: Finding;
  /** What is not as it is drawn in the worlds that find it, where those of a plain run would not do. */
  readonly with?: Overrides;
  /** Why this mistake: who has made it, or what it would mean here. */
  readonly why: string;
  /** Whether every run of the tests tries it; for those that are found within few seeds. */
  readonly isQuick?: boolean;
  /** Why nothing finds it; undefined if it must be found. */
  readonly survivesBecause?: string;
}

/** A mistake that cannot be made, or cannot be noticed, until something else is there. */
export interface WaitingMutant {
  readonly name: string;
  readonly waitsFor: string;
  readonly why: string;
}

/** What the oracles say, by what it means for a client or an operator. */
export const FINDINGS = {
  lostWrite: found("I1", /lost write|no choice of the unknown/),
  resurrected: found("I1", /resurrected|is there twice|no choice of the unknown/),
  wrongOutcome: found("I1", /refused and yet written|acknowledged and never written/),
  forgetfulActor: found("I2", /^Actor .* wrote in run|was drawn after/),
  tooEarlyOk: found("I3", /^Acknowledged while on/),
  unforgotten: found("I4", /^Not forgotten within/),
  differentOwners: found("I4", /^(wide:|thin:)?k\d+: n\d+ has \{|owners answer/),
  leftBehind: found("I4", /does not own it and has/),
  falseSiblings: found("I5", /has replaced .*, and both are shown|is written by one client alone/),
  wentBack: found("I6", /^A session .* (goes back|does not show)/),
  staleRead: found("I7", /is not in a later read/),
  unseenAbsence: found("I7", /^Nothing is shown, and no owner has said so/),
  wrongCount: found("I8", /^Counter .* shows/),
  wrongRegister: found("I9", /^Register .* shows/),
  wrongExtreme: found("I9", /^(Maximum|Minimum) shows/),
  wrongDistinct: found("I9", /^Distinct count has register/),
  wrongDocument: found("I9", /^Document (lacks|shows)/),
  lostFlag: found("I10", /^Flag .* is lost/),
  wrongFlag: found("I10", /^Flag .* (has come back|was never added)/),
  lostEntry: found("I10", /^Entry .* is lost/),
  wrongEntry: found("I10", /^Entry .* (has come back|was never added)/),
  lostElement: found("I10", /^Element .* is lost/),
  wrongElement: found("I10", /^Element .* (has come back|was never added)/),
  refusedContext: found("I18", /^A context of ours is refused/),
  unseenDeath: found("I13", /does not call n\d+ down/),
  wronglyDown: found("I13", /calls n\d+ down/),
  sameIncarnation: found("I13", /^Run \d+ of .* begins with|are heard under one incarnation/),
  knowsNobody: found("I13", /which is nobody/),
  noEnd: found("I14", /^Does not end in time/),
  leftover: found("I14", /has nothing to do, and yet/),
  noProgress: found("I14", /^No progress|the cluster is whole/),
  notWhole: found("I14", /^The cluster is not whole|^Copies are not filled/),
  badRecovery: found(
    "I15",
    /is not recovered as it was durable|A node cannot start|is read nevertheless|On the disk .* cannot be read/,
  ),
  believedDamage: found("I15", /Cannot decode (object|an entry of the journal)/),
  noReplay: found("I16", /went another way/),
  badMessage: found("I17", /^A message |^Damaged bytes/),
  otherLayout: found("I19", /works by layout/),
  foreignOrders: found("I19", /follows orders that nobody gave/),
  endedByItself: found("I19", /has ended by itself/),
  foreignData: found("I19", /^Value .* was not written|no client has written|which belongs in/),
  forgedContext: found("I19", /context that nobody gave out is taken/),
  notServed: found("I19", /^Strangers keep clients from being served/),
  wrongLifetime: found("I20", /has ended .* too early|after its end/),
  thrownOff: found("I19", /nobody foresaw|nobody cared|^n\d+ has failed|^RangeError|^TypeError/),
} as const satisfies Record<string, Finding>;

/** How many seeds a mutant may survive at most. */
export const SEED_LIMIT = 200;

export function edit(file: string, replace: string, by: string): Edit {
  return { file, replace, by };
}

/** Worlds with no other faults than these, and so with more of them. */
export function only(...kinds: readonly FaultKind[]): Overrides {
  return joinOverrides(NO_NAMESPACES, onlyFaults(kinds));
}

/** Worlds with exactly these faults, each as frequent as any other. */
export function always(...kinds: readonly FaultKind[]): Overrides {
  const weights = Object.fromEntries(kinds.map((kind) => [kind, 1]));
  return { ...NO_NAMESPACES, faults: { ...onlyFaults(kinds).faults, ...weights } };
}

/** Disks that refuse commits again and again, and nodes that keep what is in their memory when all is healed. */
export const FAILING_COMMITS = {
  ...only("writeErrors"),
  keyCount: 40,
  meanFaultMs: 500,
  mergingClientCount: 0,
  restartsAllAtHealing: false,
} as const;

/** Clients that write without having looked, and read now and then. */
export const BLIND_PUTS = {
  get: 0.2,
  getLoosely: 0,
  putFresh: 0,
  putBlind: 1,
  putStale: 0,
  deleteFresh: 0,
  deleteBlind: 0,
} as const;

function found(oracle: OracleName, violation: RegExp): Finding {
  return { oracle, violation };
}
