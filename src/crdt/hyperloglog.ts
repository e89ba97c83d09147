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
//   store     := count | (dot | registers) ...
//   registers := count | (register less the one before × 64 + rank) ...   up to SPARSE_MAX of them
//              | count | 2^14 × 6 bits                                   above
//
// Source: Flajolet et al., "HyperLogLog" (2007). Redis Enterprise's replicated HyperLogLog also lets
// a delete win.

import { hash64 } from "../base/hash.ts";
import type { Dot } from "../causality/dot.ts";
import { causalType } from "./causal_type.ts";
import { DOT_BYTES, type StoreReader, type StoreType, type StoreWriter } from "./dot_store.ts";
import { joinDotted, readDotted, withoutSeen, writeDotted } from "./dotted.ts";
import {
  entryOf,
  estimate,
  fromRanks,
  joinRegisters,
  NO_REGISTERS,
  raise,
  raised,
  RANK_MAX,
  REGISTERS,
  type Registers,
  SPARSE_MAX,
} from "./hyperloglog_registers.ts";

/** Registers, under the dot of the add that began them. */
export interface Begun extends Dot {
  readonly registers: Registers;
}

export type HyperLogLogStore = readonly Begun[];

export interface HyperLogLogOperation {
  readonly kind: "add";
  readonly elements: readonly Uint8Array[];
}

export const hyperLogLogStore: StoreType<HyperLogLogStore, HyperLogLogOperation, number> = {
  name: "hyperloglog",
  code: 8,
  empty: [],
  isEmpty: (store) => store.length === 0,
  isLive: (store) => store.length > 0,

  apply(store, { elements }, dot) {
    const added = elements.map((element) => entryOf(hash64(element)));
    const [first, ...others] = store;
    if (first === undefined) return [{ ...dot, registers: raise(NO_REGISTERS, added) }];
    // Which of several is the same everywhere where these are known, so that their sum stays small.
    const registers = raise(first.registers, added);
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
  value: (store) =>
    store.length === 0
      ? 0
      : estimate(store.map(({ registers }) => registers).reduce(joinRegisters)),
  latestDots: (store) => store,
  count: (store) => ({ elements: 0, dots: store.length }),
  sizeBytes: (store) =>
    store.reduce((sum, { registers }) => sum + DOT_BYTES + registersBytes(registers), 0),
  write: (writer, store) =>
    writeDotted(writer, store, ({ registers }) => writeRegisters(writer, registers)),
  read: (reader) => readDotted(reader, (dot) => ({ ...dot, registers: readRegisters(reader) })),
};

export const hyperLogLog = causalType(hyperLogLogStore);

/** About how many different elements several stores have counted together. */
export function mergedCount(stores: readonly HyperLogLogStore[]): number {
  return hyperLogLogStore.value(stores.flat());
}

function registersBytes(registers: Registers): number {
  return registers instanceof Uint32Array ? 3 * registers.length : REGISTERS / 4 * 3;
}

function writeRegisters(writer: StoreWriter, registers: Registers): void {
  if (registers instanceof Uint32Array) {
    writer.integer(registers.length);
    let previous = 0;
    for (const entry of registers) {
      const index = Math.floor(entry / 64);
      writer.integer(entry - previous * 64);
      previous = index;
    }
    return;
  }
  writer.integer(registers.reduce((count, rank) => count + Number(rank > 0), 0));
  for (let at = 0; at < REGISTERS; at += 4) {
    const bits = registers.subarray(at, at + 4).reduce((bits, rank) => bits * 64 + rank, 0);
    writer.byte(bits >>> 16);
    writer.byte((bits >>> 8) & 0xff);
    writer.byte(bits & 0xff);
  }
}

function readRegisters(reader: StoreReader): Registers {
  const count = reader.integer();
  if (count > REGISTERS) throw reader.malformed("there are too many registers");
  const ranks = new Map<number, number>();
  let index = 0;
  if (count <= SPARSE_MAX) {
    for (let i = 0; i < count; i++) {
      const gap = reader.integer();
      if (gap < 64 && i > 0) throw reader.malformed("registers are out of order");
      index += Math.floor(gap / 64);
      if (index >= REGISTERS) throw reader.malformed("a register has no place");
      ranks.set(index, rankIn(reader, gap % 64));
    }
    return fromRanks(ranks);
  }
  for (; index < REGISTERS; index += 4) {
    const bits = reader.byte() * 2 ** 16 + reader.byte() * 2 ** 8 + reader.byte();
    [bits >>> 18, (bits >>> 12) & 63, (bits >>> 6) & 63, bits & 63].forEach((rank, i) => {
      if (rank > 0) ranks.set(index + i, rankIn(reader, rank));
    });
  }
  if (ranks.size !== count) throw reader.malformed("registers are miscounted");
  return fromRanks(ranks);
}

function rankIn(reader: StoreReader, rank: number): number {
  if (rank === 0 || rank > RANK_MAX) throw reader.malformed(`rank ${rank} is none`);
  return rank;
}
