// The bytes of a layout, and its id, which is their hash.
//
//   format 1 | version | log2(partitions) | replication kind | replication
//   member count | per member: node (text) | zone (text) | weight (8 bytes, IEEE 754, highest first)
//   per partition: the indices of its owners
//
// Replication kind 0 is one number for the whole cluster. A number per datacentre will be another
// kind. How many owners each partition has follows from the replication and the members, so it is not written.
// There is one encoding of each layout: what decodes encodes to the same bytes.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { hash64Hex } from "../base/hash.ts";
import type { Layout, LayoutContent, Member } from "./layout.ts";
import { assignmentProblem, MEMBER_COUNT_MAX, ownerCount, settingsProblem } from "./layout.ts";

const FORMAT = 1;
const REPLICATION_NUMBER = 0;

/**
 * Makes a layout of its content: checks it, copies it, freezes it and gives it its id.
 *
 * @throws {RangeError} if anything about it is wrong
 */
export function makeLayout(content: LayoutContent): Layout {
  const problem = settingsProblem(content) ?? assignmentProblem(content);
  if (problem !== undefined) throw new RangeError(`Cannot make a layout: ${problem}`);
  return frozen(content, encodeLayout(content));
}

/** The canonical bytes of a layout. */
export function encodeLayout(layout: LayoutContent): Uint8Array<ArrayBuffer> {
  const { version, members, partitions, replication, assignment } = layout;
  const writer = new ByteWriter(64 + members.length * 48 + partitions * replication);
  writer.byte(FORMAT);
  writer.integer(version);
  writer.byte(31 - Math.clz32(partitions));
  writer.byte(REPLICATION_NUMBER);
  writer.integer(replication);
  writer.integer(members.length);
  const weightBytes = new Uint8Array(8);
  const weightView = new DataView(weightBytes.buffer);
  for (const { node, zone, weight } of members) {
    writer.text(node);
    writer.text(zone);
    weightView.setFloat64(0, weight);
    writer.raw(weightBytes);
  }
  for (const owners of assignment) {
    for (const owner of owners) writer.integer(owner);
  }
  return writer.finish();
}

/**
 * Reads a layout, from anybody.
 *
 * @throws {MalformedError} if the bytes are not the canonical bytes of a layout
 */
export function decodeLayout(bytes: Uint8Array): Layout {
  const reader = new ByteReader(bytes, "layout");
  const format = reader.byte();
  if (format !== FORMAT) throw reader.malformed(`format ${format} is unknown`);
  const version = reader.integer();
  const bits = reader.byte();
  if (bits > 30) throw reader.malformed(`2^${bits} partitions are too many`);
  const partitions = 2 ** bits;
  const kind = reader.byte();
  if (kind !== REPLICATION_NUMBER) throw reader.malformed(`replication kind ${kind} is unknown`);
  const replication = reader.integer();
  const members = decodeMembers(reader);
  const settings = { version, members, partitions, replication };
  // Before the assignment is read, so that no claimed size is believed.
  const problem = settingsProblem(settings);
  if (problem !== undefined) throw reader.malformed(problem);
  const assignment: number[][] = [];
  for (let partition = 0, count = ownerCount(settings); partition < partitions; partition++) {
    const owners: number[] = [];
    for (let rank = 0; rank < count; rank++) owners.push(reader.integer());
    assignment.push(owners);
  }
  reader.end();
  const content = { ...settings, assignment };
  const wrong = assignmentProblem(content);
  if (wrong !== undefined) throw reader.malformed(wrong);
  return frozen(content, bytes);
}

function decodeMembers(reader: ByteReader): Member[] {
  const count = reader.integer();
  if (count > MEMBER_COUNT_MAX) throw reader.malformed(`${count} members are too many`);
  const members: Member[] = [];
  for (let i = 0; i < count; i++) {
    const node = reader.text();
    const zone = reader.text();
    const raw = reader.raw(8);
    const weight = new DataView(raw.buffer, raw.byteOffset, 8).getFloat64(0);
    members.push({ node, zone, weight });
  }
  return members;
}

function frozen(content: LayoutContent, bytes: Uint8Array): Layout {
  return Object.freeze({
    version: content.version,
    id: `${content.version}-${hash64Hex(bytes)}`,
    members: Object.freeze(
      content.members.map(({ node, zone, weight }) => Object.freeze({ node, zone, weight })),
    ),
    partitions: content.partitions,
    replication: content.replication,
    assignment: Object.freeze(
      content.assignment.map((owners) => Object.freeze([...owners])),
    ),
  });
}
