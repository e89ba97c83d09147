// All deliberate mistakes. docs/mutants.md shows what finds each of them, and how soon.

import { COORDINATOR_MUTANTS } from "./coordinator_mutants.ts";
import { CRDT_MUTANTS } from "./crdt_mutants.ts";
import { FLOOR_MUTANTS } from "./floor_mutants.ts";
import { HOSTILE_MUTANTS } from "./hostile_mutants.ts";
import { edit, type Mutant, type WaitingMutant } from "./mutant.ts";
import { NODE_MUTANTS } from "./node_mutants.ts";
import { REPAIR_MUTANTS } from "./repair_mutants.ts";
import { REPLICA_MUTANTS } from "./replica_mutants.ts";
import { STORAGE_MUTANTS } from "./storage_mutants.ts";

export const MUTANTS: readonly Mutant[] = [
  ...STORAGE_MUTANTS,
  ...REPLICA_MUTANTS,
  ...REPAIR_MUTANTS,
  ...FLOOR_MUTANTS,
  ...CRDT_MUTANTS,
  ...COORDINATOR_MUTANTS,
  ...NODE_MUTANTS,
  ...HOSTILE_MUTANTS,
];

/** After this every seed fails, whatever happens in it: reads show nothing. */
export const CANARY = edit(
  "src/coordinator/results.ts",
  "return this.#live.map(({ value }) => value);",
  "return [];",
);

export const WAITING: readonly WaitingMutant[] = [
  {
    name: "A write is acknowledged by the former owners alone",
    waitsFor: "layouts after the first",
    why: "Yugabyte, Scylla and Garage have lost writes while owners changed",
  },
  {
    name: "A node that owns a key no longer answers reads of it",
    waitsFor: "layouts after the first",
    why: "What it holds is old, and counts towards R; today nobody asks who never owned the key",
  },
  {
    name: "A context of another key is taken",
    waitsFor: "simulated clients that send one",
    why: "An actor writes many keys, so the context would discard what its client never saw",
  },
  {
    name: "An expiry ends a value that was written after it",
    waitsFor: "simulated clients that set expiries",
    why: "A plain write beside an expiry would vanish",
  },
  {
    name: "A listing leaves out keys that are only in the memory table",
    waitsFor: "simulated clients that list keys",
    why: "What is newest is what is missed",
  },
  {
    name: "A node whose clock is far ahead goes on coordinating",
    waitsFor: "simulated namespaces with the rule lww",
    why: "It would win every conflict that is settled by time",
  },
  {
    name: "Pieces of a larger object are left beside those of a smaller one",
    waitsFor: "large values in simulated worlds",
    why: "A record would be put together of two",
  },
];
