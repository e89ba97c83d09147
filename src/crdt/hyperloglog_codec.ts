// The registers of a HyperLogLog as bytes: in a store, and in an operation that adds one HyperLogLog to another.
//
//   registers := count | (register less the one before × 64 + rank) ...   up to SPARSE_MAX of them
//              | count | 2^14 × 6 bits                                   above
//
// Whoever sent them, what is read has at most 2^14 registers, in order, each with a rank that a hash can have.

import type { ByteReader } from "../base/byte_reader.ts";
import type { ByteWriter } from "../base/byte_writer.ts";
import {
  fromRanks,
  RANK_MAX,
  REGISTERS,
  type Registers,
  SPARSE_MAX,
} from "./hyperloglog_registers.ts";

export function writeRegisters(writer: ByteWriter, registers: Registers): void {
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

/** The registers that were written. @throws {MalformedError} for what no writer wrote */
export function readRegisters(reader: ByteReader): Registers {
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

function rankIn(reader: ByteReader, rank: number): number {
  if (rank === 0 || rank > RANK_MAX) throw reader.malformed(`rank ${rank} is none`);
  return rank;
}
