// The flag: on or off, and "on" wins.
//
// One replica switches it on while another switches it off. Off takes back only the "on" that it had seen,
// so the concurrent one stays. A flag that nobody has switched on is off, and so is absent from a map.
//
// Store: the dots of every "on" that no "off" and no later "on" has seen. O(concurrent writers) for everything.
//
// Source: riak_dt, riak_dt_enable_flag.erl; Almeida, Shoker and Baquero (2018), figure 14.

import type { Dot } from "../causality/dot.ts";
import type { VersionVector } from "../causality/version_vector.ts";
import { causalType } from "./causal_type.ts";
import { DOT_BYTES, type StoreType } from "./dot_store.ts";
import { joinDotted, readDotted, withoutSeen, writeDotted } from "./dotted.ts";

export type FlagStore = readonly Dot[];

/**
 * What is done to a flag. A disabling takes back the enablings that `seen` covers; undefined means all that are there.
 */
export type FlagOperation =
  | { readonly kind: "enable" }
  | { readonly kind: "disable"; readonly seen: VersionVector | undefined };

export const flagStore: StoreType<FlagStore, FlagOperation, boolean> = {
  name: "flag",
  code: 4,
  empty: [],
  isEmpty: (store) => store.length === 0,
  isLive: (store) => store.length > 0,
  apply: (store, operation, dot) =>
    operation.kind === "enable" ? [dot] : withoutSeen(store, operation.seen),
  remove: (store, seen) => withoutSeen(store, seen),
  join: (a, b, sides) => joinDotted(a, b, sides),
  diff: (_before, after) => after,
  forget: (store) => store,
  value: (store) => store.length > 0,
  latestDots: (store) => store,
  count: (store) => ({ elements: 0, dots: store.length }),
  sizeBytes: (store) => DOT_BYTES * store.length,
  write: (writer, store) => writeDotted(writer, store),
  read: (reader) => readDotted(reader, (dot) => dot),
};

export const flag = causalType(flagStore);
