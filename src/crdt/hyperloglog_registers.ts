// The registers of a HyperLogLog: 2^14 small numbers that tell how many different things were added.
//
// Of each thing's 64-bit hash, 14 bits choose a register and the position of the first 1 among the other 50
// is its rank. A register keeps the largest rank that it was given. Many different things are needed to meet
// a large rank, and adding one twice changes nothing; so the ranks say how many there were, with a
// standard error of 1.04 / sqrt(2^14) = 0.81 %.
//
// Up to SPARSE_MAX registers are kept as a sorted list of index and rank, more as one byte each:
//
//   sparse := register × 64 + rank, ...       one number each, sorted
//   dense  := rank, ...                       2^14 bytes here, 2^14 × 6 bits when encoded
//
// Registers never change. Source: Flajolet et al., "HyperLogLog" (2007); Ertl, "New cardinality estimation
// algorithms for HyperLogLog sketches" (2017), section 3.3, algorithm 6, which needs no table and no
// threshold between small and large; Redis uses the same.

const INDEX_BITS = 14;
const RANK_BITS = 64 - INDEX_BITS;
export const REGISTERS = 2 ** INDEX_BITS;

/** The largest rank: all fifty bits are 0. */
export const RANK_MAX = RANK_BITS + 1;

/** Registers above 0 up to which a list is smaller than all of them. */
export const SPARSE_MAX = 4_096;

/** A sparse list, or all ranks; told apart by their class. */
export type Registers = Uint32Array | Uint8Array;

export const NO_REGISTERS: Registers = new Uint32Array(0);

/** Register and rank of a hash, as an entry of a sparse list. */
export function entryOf(hash: bigint): number {
  const high = Number(hash >> 32n);
  const low = Number(hash & 0xffffffffn);
  // The index is the lowest 14 bits; the rest is 18 bits of the low half and the whole high half.
  const rest = low >>> INDEX_BITS;
  const zeros = rest !== 0 ? 31 - Math.clz32(rest & -rest) : 18 + lowestOne(high);
  return (low & (REGISTERS - 1)) * 64 + zeros + 1;
}

function lowestOne(value: number): number {
  return value === 0 ? 32 : 31 - Math.clz32(value & -value);
}

/** With more entries, in any order; returns `registers` if none of them is larger. */
export function raise(registers: Registers, entries: Iterable<number>): Registers {
  const more = new Map<number, number>();
  for (const entry of entries) {
    const index = Math.floor(entry / 64);
    const rank = entry % 64;
    if (rank > (more.get(index) ?? rankOf(registers, index))) more.set(index, rank);
  }
  if (more.size === 0) return registers;
  if (registers instanceof Uint8Array) {
    const raised = registers.slice();
    for (const [index, rank] of more) raised[index] = rank;
    return raised;
  }
  for (const entry of registers) {
    const index = Math.floor(entry / 64);
    if (!more.has(index)) more.set(index, entry % 64);
  }
  return fromRanks(more);
}

/** What both have together; returns `a` if that is the result. */
export function joinRegisters(a: Registers, b: Registers): Registers {
  return raise(a, entries(b));
}

/** The entries of `after` that are not in `before`. */
export function raised(before: Registers, after: Registers): Registers {
  const ranks = new Map<number, number>();
  for (const entry of entries(after)) {
    const index = Math.floor(entry / 64);
    if (rankOf(before, index) !== entry % 64) ranks.set(index, entry % 64);
  }
  return fromRanks(ranks);
}

/** The registers above 0 as sorted entries. */
export function* entries(registers: Registers): Generator<number> {
  if (registers instanceof Uint32Array) yield* registers;
  else {
    for (let index = 0; index < REGISTERS; index++) {
      if (registers[index]! > 0) yield index * 64 + registers[index]!;
    }
  }
}

/** The registers with the given ranks, in the form that their number asks for. */
export function fromRanks(ranks: ReadonlyMap<number, number>): Registers {
  if (ranks.size <= SPARSE_MAX) {
    return Uint32Array.from(ranks, ([index, rank]) => index * 64 + rank).sort();
  }
  const dense = new Uint8Array(REGISTERS);
  for (const [index, rank] of ranks) dense[index] = rank;
  return dense;
}

/** Ertl's estimate of how many different things were added to one of these, or to any of several. */
export function estimate(registers: Registers): number {
  const counts = new Array<number>(RANK_MAX + 1).fill(0);
  let above = 0;
  for (const entry of entries(registers)) {
    counts[entry % 64]!++;
    above++;
  }
  counts[0] = REGISTERS - above;
  let z = REGISTERS * tau(1 - counts[RANK_MAX]! / REGISTERS);
  for (let rank = RANK_BITS; rank >= 1; rank--) z = 0.5 * (z + counts[rank]!);
  z += REGISTERS * sigma(counts[0]! / REGISTERS);
  return Math.round(REGISTERS * REGISTERS / (2 * Math.LN2 * z));
}

function rankOf(registers: Registers, index: number): number {
  if (registers instanceof Uint8Array) return registers[index]!;
  let low = 0;
  let high = registers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (registers[middle]! < index * 64) low = middle + 1;
    else high = middle;
  }
  const entry = registers[low];
  return entry !== undefined && Math.floor(entry / 64) === index ? entry % 64 : 0;
}

/** x + the sum over k of x^(2^k) · 2^(k−1): what registers at 0 stand for. */
function sigma(x: number): number {
  if (x === 1) return Infinity;
  let power = x;
  let weight = 1;
  let sum = x;
  for (let before = -1; before !== sum;) {
    before = sum;
    power *= power;
    sum += power * weight;
    weight += weight;
  }
  return sum;
}

/** What registers at the largest rank stand for. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let root = x;
  let weight = 1;
  let sum = 1 - x;
  for (let before = -1; before !== sum;) {
    before = sum;
    root = Math.sqrt(root);
    weight *= 0.5;
    sum -= (1 - root) ** 2 * weight;
  }
  return sum / 3;
}
