// Whether an object may be stored: it must be read again, by every node.
//
// What two copies hold is more together than each of them may hold alone, so a merge may have to be refused as a
// write may. Then both copies stay what they are: nobody takes what he could not give to others, and what is
// acknowledged is on as many disks as before.

import type { DataObject } from "../crdt/data_object.ts";
import { encodeHead, isApart, largestPartOver } from "../crdt/parts.ts";
import { DenamoError, TooLargeError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";

/** @throws {DenamoError} `too_large` without effect */
export function checkStorable(object: DataObject): void {
  try {
    checkSizes(object);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // A sum of numbers has become larger than any that is read.
    throw new DenamoError("too_large", "no", `The object cannot be written: ${error.message}`);
  }
}

function checkSizes(object: DataObject): void {
  if (!isApart(object)) return checkBytes(object.encoded().length, LIMITS.object);
  checkBytes(encodeHead(object).length, LIMITS.object);
  checkBytes(object.sizeBytes, LIMITS.objectInParts);
  checkBytes(largestPartOver(object, LIMITS.object), LIMITS.object, "A key of the map");
}

function checkBytes(
  size: number,
  limit: number,
  what = "The object with all its siblings",
): void {
  if (size > limit) throw new TooLargeError(what, limit, size);
}
