// What a node holds is set aside on its disk before the node empties it.
//
// That others have forgotten without this node is a conclusion, and a bug or a false message may be behind it. A node
// that cannot keep what it is to empty does not start. It notes what it has set aside: the next start, after one that was
// killed half-way, would only keep what is left, and might drive out the whole for it.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import type { HybridTime } from "../causality/dot.ts";
import type { DataObject } from "../crdt/data_object.ts";
import type { Disk } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import type { Storage } from "../storage/storage.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";

export const SET_ASIDE_META = "set-aside";

const FORMAT = 1;

/**
 * Keeps a copy of all that a node holds, once for each time up to which it has missed floors.
 *
 * @throws {DenamoError} `disk_failed` without effect if it cannot be kept; then nothing may be emptied
 */
export async function setAsideCopies(
  disk: Disk,
  storage: Storage<DataObject>,
  missedUpTo: HybridTime,
  log: Log,
): Promise<void> {
  if (await readSetAside(storage) === missedUpTo) return;
  let place: string;
  try {
    place = await disk.setAside(
      "The node was away for so long that the others have forgotten without it: it empties its copies",
    );
  } catch (error) {
    const message =
      "This node must empty its copies, since the others have forgotten without it, and cannot set " +
      `them aside before: ${messageOf(error)}. Make room on its device, then start it again`;
    throw new DenamoError("disk_failed", "no", message);
  }
  log.warn("What this node held was set aside before it empties its copies", { place });
  const writer = new ByteWriter(16);
  writer.byte(FORMAT);
  writer.integer(missedUpTo);
  await storage.setMeta(SET_ASIDE_META, writer.finish());
}

/** For which time the copies were set aside last; 0 if never, or if that was noted in a format of later. */
async function readSetAside(storage: Storage<DataObject>): Promise<HybridTime> {
  const bytes = await storage.getMeta(SET_ASIDE_META);
  return bytes === undefined ? 0 : setAsideIn(bytes);
}

/** What {@linkcode readSetAside} makes of what is noted. @throws {MalformedError} */
export function setAsideIn(bytes: Uint8Array): HybridTime {
  const reader = new ByteReader(bytes, "set-aside");
  if (reader.byte() !== FORMAT) return 0;
  const missedUpTo = reader.integer();
  reader.end();
  return missedUpTo;
}
