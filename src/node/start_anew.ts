// What a node does before it meets anybody, if the others have forgotten without it: see left_behind.ts.

import type { DataObject } from "../crdt/data_object.ts";
import type { Disk } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import type { Filling } from "../replica/filling.ts";
import type { Floors } from "../replica/floors.ts";
import type { Storage } from "../storage/storage.ts";
import { emptyCopies } from "./left_behind.ts";
import { setAsideCopies } from "./set_aside_copies.ts";

export interface StartAnewParts {
  readonly disk: Disk;
  readonly storage: Storage<DataObject>;
  readonly floors: Floors;
  readonly filling: Filling;
  readonly log: Log;
  /** How many copies a key has. */
  readonly copiesOf: (key: Uint8Array) => number;
}

/** Sets aside and empties the copies of a node that was away for too long. */
export async function startAnew(parts: StartAnewParts): Promise<void> {
  const { copiesOf, disk, filling, floors, log, storage } = parts;
  await setAsideCopies(disk, storage, floors.missedUpTo, log);
  filling.begin("This node was away for so long that the others have forgotten without it");
  await emptyCopies(storage, copiesOf);
  await floors.haveEmptied();
}
