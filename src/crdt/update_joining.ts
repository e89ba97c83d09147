// Joining in an update what Yjs would join one by one.
//
// Whoever appends values to a list without being connected, and merges the updates afterwards, has a struct for each
// value. Yjs puts each in its place and then joins them from the end, copying all that it has so far each time: a
// hundred thousand values, half a megabyte, take more memory than a process may have. What follows each other in the
// update is the same list whether it is one struct or many, so it is made one here, by its bytes.

import { concatBytes } from "../base/bytes.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { CONTENT, type ScannedRun, type ScannedStruct, type ScannedUpdate } from "./update_scan.ts";

/** The bytes of an update in which lists of values that follow each other are one; the same if there are none. */
export function withJoinedLists({ bytes, deletionsStart, runs }: ScannedUpdate): Uint8Array {
  if (!runs.some(({ structs }) => structs.some((it, i) => i > 0 && follows(structs[i - 1]!, it)))) {
    return bytes;
  }
  const writer = new ByteWriter(bytes.length);
  writer.integer(runs.length);
  for (const run of runs) writeRun(writer, run, bytes);
  return concatBytes([writer.view(), bytes.subarray(deletionsStart)]);
}

function writeRun(writer: ByteWriter, { client, structs }: ScannedRun, bytes: Uint8Array): void {
  const rows: ScannedStruct[][] = [];
  for (const [i, struct] of structs.entries()) {
    if (i > 0 && follows(structs[i - 1]!, struct)) rows.at(-1)!.push(struct);
    else rows.push([struct]);
  }
  writer.integer(rows.length);
  writer.integer(client);
  writer.integer(structs[0]?.clock ?? 0);
  for (const row of rows) {
    const [first] = row as [ScannedStruct, ...ScannedStruct[]];
    if (row.length === 1) {
      writer.raw(bytes.subarray(first.start, first.end));
      continue;
    }
    writer.raw(bytes.subarray(first.start, first.contentStart));
    writer.integer(row.reduce((sum, { length }) => sum + length, 0));
    for (const { contentStart, end } of row) {
      writer.raw(bytes.subarray(afterInteger(bytes, contentStart), end));
    }
  }
}

/** Whether a struct is no more than the rest of the list that the one before it begins. */
function follows(before: ScannedStruct, struct: ScannedStruct): boolean {
  const { content, origin, rightOrigin } = struct;
  return (content === CONTENT.any || content === CONTENT.json) && content === before.content &&
    origin?.client === struct.client && origin.clock === struct.clock - 1 &&
    rightOrigin?.client === before.rightOrigin?.client &&
    rightOrigin?.clock === before.rightOrigin?.clock;
}

function afterInteger(bytes: Uint8Array, at: number): number {
  while (bytes[at]! >= 0x80) at++;
  return at + 1;
}
