// The keys of sixteen databases as keys of one node.
//
// Clients of Redis choose a database by its number and expect keys of their own there. A node knows one space of keys.
// So a key of the databases 1 to 15 is stored behind a marker that names the database, and a key of database 0 is
// stored as it is: what a data directory, HTTP or TypeScript calls a key is a key of database 0.
//
//   database 0     cart            is stored as  cart
//   database 3     cart            is stored as  ␞db3␞cart          (␞ is the byte 1e, the record separator)
//   database 0     ␞db3␞cart       is stored as  ␞db0␞␞db3␞cart
//
// The last line is why no two keys meet: a key of database 0 that looks like one of another database has the marker of
// database 0 before it, and so has one that already looks like that. Every stored key is that of exactly one key of
// one database. The marker is text, so that keys which are text stay text in lists.

import { concatBytes, EMPTY, startsWithBytes, utf8 } from "./bytes.ts";

/** Databases are numbered from 0 to one below this. */
export const DATABASE_COUNT = 16;

/** The first byte of every marker. */
const SEPARATOR = 0x1e;

const MARKERS: readonly Uint8Array[] = Array.from(
  { length: DATABASE_COUNT },
  (_, database) => utf8(`\u001edb${database}\u001e`),
);

const [ESCAPE, ...OTHER_MARKERS] = MARKERS;

/** A key and the database in which it is. */
export interface DatabaseKey {
  readonly database: number;
  readonly key: Uint8Array;
}

/** The key under which a node stores a key of a database: the same bytes object where it is stored as it is. */
export function storedKey(database: number, key: Uint8Array): Uint8Array {
  if (database === 0 && !looksStored(key)) return key;
  const marker = MARKERS[database]!;
  const stored = new Uint8Array(marker.length + key.length);
  stored.set(marker);
  stored.set(key, marker.length);
  return stored;
}

/** Which key of which database a node stores so: the inverse of {@linkcode storedKey}. */
export function databaseKeyOf(stored: Uint8Array): DatabaseKey {
  if (stored[0] !== SEPARATOR) return { database: 0, key: stored };
  for (const [index, marker] of OTHER_MARKERS.entries()) {
    if (!startsWithBytes(stored, marker)) continue;
    return { database: index + 1, key: stored.subarray(marker.length) };
  }
  return { database: 0, key: looksStored(stored) ? stored.subarray(ESCAPE!.length) : stored };
}

/**
 * What all stored keys begin with whose keys of the database begin with `prefix`. Others may begin so too:
 * {@linkcode databaseKeyOf} tells.
 */
export function storedPrefix(database: number, prefix: Uint8Array): Uint8Array {
  if (database > 0) return concatBytes([MARKERS[database]!, prefix]);
  // A key that begins so may be stored as it is or behind a marker: both begin with the separator.
  return prefix[0] === SEPARATOR ? prefix.subarray(0, 1) : prefix;
}

/** The key within its database. */
export function plainKey(stored: Uint8Array): Uint8Array {
  return stored[0] === SEPARATOR ? databaseKeyOf(stored).key : stored;
}

/** What keys, within their databases, begin with that are stored with this beginning; nothing if it may be anything. */
export function plainPrefix(stored: Uint8Array): Uint8Array {
  if (stored[0] !== SEPARATOR) return stored;
  if (startsWithBytes(stored, ESCAPE!)) return EMPTY;
  if (MARKERS.some((marker) => startsWithBytes(marker, stored))) return EMPTY;
  return databaseKeyOf(stored).key;
}

/** Whether a key of database 0 would be taken for another if it were stored as it is: then it has a marker. */
export function looksStored(key: Uint8Array): boolean {
  if (key[0] !== SEPARATOR) return false;
  let rest = key;
  while (startsWithBytes(rest, ESCAPE!)) rest = rest.subarray(ESCAPE!.length);
  return OTHER_MARKERS.some((marker) => startsWithBytes(rest, marker));
}
