// The HyperLogLog: about how many different things were added, in at most 12 KiB.
//
// Registers merge by taking the larger, but they cannot tell who raised them, so nothing can be taken out of
// them. A removal therefore takes them as a whole. They belong to the dot of the add that began them, and
// later adds raise them under that same dot; a removal that has seen it takes the registers with everything
// that is added to them, even by adds that it has not seen. Here and in the document a concurrent
// addition does not outlive a removal, unless it found nothing there and began anew.
//
// Store: beginning -> registers (hyperloglog_registers.ts). There is one beginning, and more only where
// replicas began at the same time. An add is O(registers) at worst, 16 KiB to be copied.
//
//   store := count | (dot | registers) ...     see hyperloglog_codec.ts
//
// What another HyperLogLog has counted is merged into this one as an add of its registers, so that a removal takes
// it as it takes everything else.
//
// Source: Flajolet et al., "HyperLogLog" (2007). Redis Enterprise's replicated HyperLogLog also lets
// a delete win.

import { hash64 } from "../base/hash.ts";
import type { Dot } from "../causality/dot.ts";
import { causalType } from "./causal_type.ts";
import { DOT_BYTES, type StoreType } from "./dot_store.ts";
import { joinDotted, readDotted, withoutSeen, writeDotted } from "./dotted.ts";
import { readRegisters, writeRegisters } from "./hyperloglog_codec.ts";
import {
  entryOf,
  estimate,
  joinRegisters,
  NO_REGISTERS,
  raise,
  raised,
  REGISTERS,
  type Registers,
} from "./hyperloglog_registers.ts";

/** Registers, under the dot of the add that began them. */
export interface Begun extends Dot {
  readonly registers: Registers;
}

export type HyperLogLogStore = readonly Begun[];

/** What is done to a HyperLogLog. */
export type HyperLogLogOperation =
  | { readonly kind: "add"; readonly elements: readonly Uint8Array[] }
  /** Adds what others have counted: see {@linkcode registersIn}. */
  | { readonly kind: "merge"; readonly registers: Registers };

export const hyperLogLogStore: StoreType<HyperLogLogStore, HyperLogLogOperation, number> = {
  name: "hyperloglog",
  code: 8,
  empty: [],
  isEmpty: (store) => store.length === 0,
  isLive: (store) => store.length > 0,

  apply(store, operation, dot) {
    const [first, ...others] = store;
    if (first === undefined) return [{ ...dot, registers: withAdded(NO_REGISTERS, operation) }];
    // Which of several is the same everywhere where these are known, so that their sum stays small.
    const registers = withAdded(first.registers, operation);
    return registers === first.registers ? store : [{ ...first, registers }, ...others];
  },

  remove: (store, seen) => withoutSeen(store, seen),
  join: (a, b, sides) =>
    joinDotted(a, b, sides, (mine, theirs) => {
      const registers = joinRegisters(mine.registers, theirs.registers);
      return registers === mine.registers ? mine : { ...mine, registers };
    }),

  diff: (before, after) =>
    after.map((begun) => {
      const held = before.find(({ actor, time }) => actor === begun.actor && time === begun.time);
      if (held === undefined) return begun;
      return { ...begun, registers: raised(held.registers, begun.registers) };
    }),

  forget: (store) => store,
  value: (store) => store.length === 0 ? 0 : estimate(registersIn(store)),
  latestDots: (store) => store,
  count: (store) => ({ elements: 0, dots: store.length }),
  sizeBytes: (store) =>
    store.reduce((sum, { registers }) => sum + DOT_BYTES + registersBytes(registers), 0),
  write: (writer, store) =>
    writeDotted(writer, store, ({ registers }) => writeRegisters(writer, registers)),
  read: (reader) => readDotted(reader, (dot) => ({ ...dot, registers: readRegisters(reader) })),
};

export const hyperLogLog = causalType(hyperLogLogStore);

/** What a store, or several that were put together, have counted. */
export function registersIn(store: HyperLogLogStore): Registers {
  return store.map(({ registers }) => registers).reduce(joinRegisters, NO_REGISTERS);
}

function withAdded(registers: Registers, operation: HyperLogLogOperation): Registers {
  if (operation.kind === "merge") return joinRegisters(registers, operation.registers);
  return raise(registers, operation.elements.map((element) => entryOf(hash64(element))));
}

function registersBytes(registers: Registers): number {
  return registers instanceof Uint32Array ? 3 * registers.length : REGISTERS / 4 * 3;
}
