// What one copy holds of a key, as a read answers it, and several of them as one.
//
//   answer := object or nil | floor, if there is one
//
// Copies are not merged as they are: what one of them has seen replaced, and no longer knows of, is left out of
// the others first. So a disk that was put back does not show what has been deleted since.

import { MalformedError } from "../base/malformed.ts";
import type { HybridTime } from "../causality/dot.ts";
import { MAX_FLOOR } from "../causality/dot.ts";
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
  const floor = args.optional((part) => part.count(MAX_FLOOR)) ?? 0;
  return { object: bytes === undefined ? undefined : decodeObject(bytes), floor };
}

/** What a node has answered that was not asked about anything to compare with. @throws {MalformedError} */
export function wholeCopyIn(reply: readonly unknown[]): Copy {
  const { floor, object = DataObject.empty } = copyIn(reply);
  return { object, floor };
}

/** The hash of an object as it travels in read requests. */
export function digestBytes(object: DataObject): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, object.digest());
  return bytes;
}

/**
 * The same copies with no higher floors than there is reason to believe, for what goes to a disk: what only one owner
 * says could take away what all others hold.
 *
 * @param otherCount how many owners there are beside this node
 * @param fence up to where this node, as an owner itself, has agreed; 0 if it owns nothing of it
 */
export function withBelievedFloors(
  copies: readonly Copy[],
  otherCount: number,
  fence: HybridTime,
): readonly Copy[] {
  const floors = copies.map(({ floor }) => floor).sort((a, b) => b - a);
  const limit = Math.max(fence, floors[Math.floor(otherCount / 2)] ?? 0);
  if (copies.every(({ floor }) => floor <= limit)) return copies;
  return copies.map(({ floor, object }) => ({ object, floor: Math.min(floor, limit) }));
}

/** What a majority of the owners have seen together, up to the highest floor that so many of them have. */
export function seenByMost(copies: readonly Copy[], ownerCount: number): Copy {
  const sorted = copies.toSorted((a, b) => b.floor - a.floor);
  const floor = sorted[Math.floor(ownerCount / 2)]?.floor ?? 0;
  const agreed = copies.filter((copy) => copy.floor >= floor);
  return { object: mergeCopies(agreed.map(({ object }) => ({ object, floor }))).object, floor };
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
