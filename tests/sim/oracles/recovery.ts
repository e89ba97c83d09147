// After a crash a node finds what was durable (I15).
//
// What a disk holds is read twice: by the storage of a node that starts on it, and by a reader of the formats
// alone (see platter.ts), which takes everything that was committed and nothing that was not. Both must
// find the same objects. On a disk that has lost a bit the storage may say of a key, or of everything, that it
// is corrupt; it never says that a key is absent or holds something else.

import { storedObjects } from "../../../src/replica/stored_objects.ts";
import { equalBytes, utf8 } from "../../../src/base/bytes.ts";
import { DataObject } from "../../../src/crdt/data_object.ts";
import { openStorage } from "../../../src/storage/storage.ts";
import { CorruptError, messageOf } from "../../../src/wire/errors.ts";
import type { Platter } from "../platter.ts";

/** A key and the partition that it lies in. */
export interface KeyPlace {
  readonly key: string;
  readonly partition: number;
}

/** What is wrong with what a node would find on a platter of these keys. The platter stays as it is. */
export async function recoveryProblems(
  platter: Platter,
  places: readonly KeyPlace[],
): Promise<string[]> {
  const expected = places.map(({ key, partition }) => {
    return platter.isUnreadable(partition, utf8(key))
      ? undefined
      : platter.heldOf(partition, utf8(key));
  });
  const copy = platter.copy();
  const problems: string[] = [];
  try {
    const storage = await openStorage(copy.open(), storedObjects());
    for (const [i, { key, partition }] of places.entries()) {
      try {
        const found = await storage.get(partition, utf8(key)) ?? DataObject.empty;
        const what = expected[i];
        if (what === undefined) problems.push(`${key} is damaged, and is read nevertheless`);
        else if (!equalBytes(found.encoded(), what.encoded())) {
          problems.push(`${key} is not recovered as it was durable`);
        }
      } catch (error) {
        if (!mayBeCorrupt(platter, error)) problems.push(`${key} cannot be read: ${text(error)}`);
      }
    }
    await storage.close();
  } catch (error) {
    if (!mayBeCorrupt(platter, error)) problems.push(`A node cannot start: ${text(error)}`);
  }
  return problems;
}

function mayBeCorrupt(platter: Platter, error: unknown): boolean {
  return platter.isDamaged && error instanceof CorruptError;
}

function text(error: unknown): string {
  return messageOf(error);
}
