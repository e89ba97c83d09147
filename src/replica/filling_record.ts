// How far a node has come with filling its copies, as its disk has it.
//
//   meta := kind of 1 byte, 3 | whether all is to be filled, of 1 byte
//         | numbers of copies: how many, by each a prefix and its number
//         | names of nodes, as a list
//         | gaps: how many, by each its part, its sources as a list, how many nodes, which of the names
//
// Kind 2 is of nodes that kept these books by partition, and filled all that they owned:
//
//   meta := 2 | names, as a list | by partition: its number, how many, which of the names

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { LIMITS } from "../wire/limits.ts";
import { type CopiesByPrefix, movesBetween, NO_NAMESPACES } from "./key_moves.ts";
import { PART_ID_MAX, type PartId } from "./parts.ts";

/** A part that is to be filled. */
export interface Gap {
  /** The numbers of copies that its keys had: of the first so many owners enough must be compared, for each. */
  readonly sources: ReadonlySet<number>;
  /** The nodes that it has been compared with. */
  readonly compared: Set<string>;
}

export type Gaps = Map<PartId, Gap>;

/** All that a disk knows of filling. */
export interface StoredFilling {
  /** The numbers of copies of which it has taken account. */
  readonly copies: CopiesByPrefix;
  /** Whether all that the node owns is to be filled; the gaps then tell how far it has come. */
  readonly isAll: boolean;
  readonly gaps: Gaps;
}

const KIND = 3;
const KIND_BY_PARTITION = 2;

/** Whether this is what counts where a disk has nothing. */
export function isPlain({ copies, gaps, isAll }: StoredFilling): boolean {
  return !isAll && gaps.size === 0 && movesBetween(NO_NAMESPACES, copies).length === 0;
}

export function writeFilling({ copies, gaps, isAll }: StoredFilling): Uint8Array {
  const names = [...new Set([...gaps.values()].flatMap(({ compared }) => [...compared]))];
  const writer = new ByteWriter(64 + 12 * gaps.size);
  writer.byte(KIND);
  writer.byte(isAll ? 1 : 0);
  writer.integer(copies.size);
  for (const [prefix, count] of copies) {
    writer.text(prefix);
    writer.integer(count);
  }
  writer.integer(names.length);
  for (const name of names) writer.text(name);
  writer.integer(gaps.size);
  for (const [part, { compared, sources }] of gaps) {
    writer.integer(part);
    writer.integer(sources.size);
    for (const count of sources) writer.integer(count);
    writer.integer(compared.size);
    for (const node of compared) writer.integer(names.indexOf(node));
  }
  return writer.finish();
}

/** @throws {MalformedError} */
export function readFilling(bytes: Uint8Array): StoredFilling {
  const reader = new ByteReader(bytes, "filling");
  const kind = reader.byte();
  if (kind === KIND_BY_PARTITION) return readByPartition(reader);
  // Of another kind is what does not tell how far it has come.
  if (kind !== KIND) return { copies: NO_NAMESPACES, isAll: true, gaps: new Map() };
  const isAll = reader.byte() !== 0;
  const copies = new Map<string, number>();
  for (let left = reader.count(2); left > 0; left--) {
    const prefix = reader.text();
    if (copies.has(prefix)) throw reader.malformed("a prefix is named twice");
    copies.set(prefix, copiesIn(reader));
  }
  const names = Array.from({ length: reader.count() }, () => reader.text());
  const gaps: Gaps = new Map();
  for (let left = reader.count(3); left > 0; left--) {
    const part = reader.integer();
    if (part >= PART_ID_MAX) throw reader.malformed("there is no such part");
    if (gaps.has(part)) throw reader.malformed("a part is named twice");
    const sources = new Set<number>();
    for (let count = reader.count(); count > 0; count--) sources.add(copiesIn(reader));
    gaps.set(part, { sources, compared: nodesIn(reader, names) });
  }
  reader.end();
  return { copies, isAll, gaps };
}

function readByPartition(reader: ByteReader): StoredFilling {
  const names = Array.from({ length: reader.count() }, () => reader.text());
  const gaps: Gaps = new Map();
  for (let left = reader.count(2); left > 0; left--) {
    // The number of a partition is that of its part for keys with as many copies as the layout says.
    const partition = reader.integer();
    if (gaps.has(partition)) throw reader.malformed("a partition is named twice");
    gaps.set(partition, { sources: new Set(), compared: nodesIn(reader, names) });
  }
  reader.end();
  return { copies: NO_NAMESPACES, isAll: true, gaps };
}

function nodesIn(reader: ByteReader, names: readonly string[]): Set<string> {
  const nodes = new Set<string>();
  for (let count = reader.count(); count > 0; count--) {
    const name = names[reader.integer()];
    if (name === undefined) throw reader.malformed("a node has no name");
    nodes.add(name);
  }
  return nodes;
}

function copiesIn(reader: ByteReader): number {
  const count = reader.integer();
  if (count > LIMITS.layoutMemberCount) throw reader.malformed("there are too many copies");
  return count;
}
