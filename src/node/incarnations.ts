// Incarnations: the runs of a node, counted so that a later one is known by its number.
//
// The number is the time at the start, or one more than the last if a clock was wrong.
// So it is above that of every earlier run on this disk, and otherwise above that of a lost disk too; see
// refutation.ts.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import type { DataObject } from "../crdt/data_object.ts";
import type { Clock } from "../ports/clock.ts";
import type { Storage } from "../storage/storage.ts";

/** The incarnation of the last run that the disk knows of, 0 for none, and that of this run. */
export interface Incarnations {
  readonly former: number;
  readonly incarnation: number;
}

/** An incarnation above that of every earlier run on this disk, and above that of a lost disk too. */
export async function nextIncarnation(
  storage: Storage<DataObject>,
  clock: Clock,
): Promise<Incarnations> {
  const stored = await storage.getMeta("incarnation");
  const former = stored === undefined ? 0 : new ByteReader(stored, "incarnation").integer();
  const incarnation = Math.max(Math.floor(clock.now()), former + 1);
  await keepIncarnation(storage, incarnation);
  return { former, incarnation };
}

/** Notes an incarnation as the last one of this disk. */
export async function keepIncarnation(
  storage: Storage<DataObject>,
  incarnation: number,
): Promise<void> {
  const writer = new ByteWriter(8);
  writer.integer(incarnation);
  await storage.setMeta("incarnation", writer.finish());
}
