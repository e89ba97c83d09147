// What one copy holds of a key, as a read answers it, and several of them as one.
//
//   answer := object or nil | floor, if there is one
//
// Copies are not merged as they are: what one of them has seen replaced, and no longer knows of, is left out of
// the others first. So a disk that was put back does not show what has been deleted since.

import { MalformedError } from "../base/malformed.ts";
import type { HybridTime } from "../causality/dot.ts";
import { MAX_TIME } from "../causality/dot.ts";
import { DataObject } from "../crdt/data_object.ts";
import { withFloor, withoutOutdated } from "../crdt/forgetting.ts";
import { decodeObject } from "../crdt/object_codec.ts";
import { Arguments } from "../wire/arguments.ts";
import { DenamoError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";

export interface Copy {
  readonly object: DataObject;
  /** Up to where its node has seen everything that was written to the partition; 0 if that is not known. */
  readonly floor: HybridTime;
}

/** What a node has answered; no object if it is the same as was asked about. @throws {MalformedError} */
export function copyIn(
  reply: readonly unknown[],
): { readonly object: DataObject | undefined; readonly floor: HybridTime } {
  const args = new Arguments(reply, "read answer");
  const bytes = args.optional((part) => part.ownBytes(LIMITS.objectInParts));
  const floor = args.optional((part) => part.count(MAX_TIME)) ?? 0;
  return { object: bytes === undefined ? undefined : decodeObject(bytes), floor };
}

/** The hash of an object as it travels in read requests. */
export function digestBytes(object: DataObject): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, object.digest());
  return bytes;
}

/**
 * Does what merges objects that were each well-formed. Together they may be what nobody could have written: two
 * documents that take too long to be made one.
 *
 * @throws {DenamoError} `too_large` without effect if so
 */
export function together<T>(merge: () => T): T {
  try {
    return merge();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    const message = `What copies of the key hold cannot be put together: ${error.message}`;
    throw new DenamoError("too_large", "no", message);
  }
}

/**
 * What several copies of a key hold together, and have seen together.
 *
 * @throws {DenamoError} as {@linkcode together} does
 */
export function mergeCopies(copies: readonly Copy[]): Copy {
  return together(() => merged(copies));
}

function merged(copies: readonly Copy[]): Copy {
  const objects = copies.map(({ object: own }) => {
    return copies.reduce((object, it) => withoutOutdated(object, it.object, it.floor), own);
  });
  const hasValues = copies.some(({ object }) => !object.values.seen.isEmpty);
  const isAnyOutdated = hasValues && objects.some((object, i) => object !== copies[i]!.object);
  let whole = DataObject.empty;
  let floor = 0;
  for (const [i, copy] of copies.entries()) {
    const object = isAnyOutdated ? withFloor(objects[i]!, copy.floor) : objects[i]!;
    whole = whole.merge(object);
    floor = Math.max(floor, copy.floor);
  }
  return { object: whole, floor };
}
