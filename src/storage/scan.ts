// Ranges of objects: the disk's heads, overlaid with the changes whose records are not written yet.
//
// A page of the disk and the changes of the same stretch are merged up to where the page ends, because beyond
// it only the disk knows what comes next. The changes are taken before the page is read: one whose record is
// written in between is then in at least one of the two. When both are there, memory is asked once more, as
// it knows the latest.

import { EMPTY, prefixEnd } from "../base/bytes.ts";
import type { Disk, DiskEntry, DiskKey } from "../ports/disk.ts";
import { CorruptError } from "../wire/errors.ts";
import type { Bound } from "./memory_table.ts";
import { MISS } from "./object_cache.ts";
import { objectName, type Place } from "./record.ts";
import type { ScanStart, StoredEntry } from "./storage.ts";
import type { Write } from "./write.ts";

/** How many heads one read of the disk asks for. */
const PAGE_COUNT = 256;

/** How many partitions are read at once when each is a range of its own. */
const SPANS_AT_ONCE = 8;

/** What a scan needs of the storage around it. */
export interface ScanSource<T> {
  readonly disk: Disk;
  /**
   * The changes of objects whose records are not written, from `start` (included) to where the stretch ends
   * (excluded): at `end` or before. In any order; of two changes of a key the later comes later.
   */
  stretch(start: Bound, end: Bound): { writes: Write<T>[]; end: Bound };
  /** What memory knows. */
  find(name: string): T | undefined | typeof MISS;
  /** The object of a change. @throws {CorruptError} */
  objectOf(write: Write<T>): T | undefined | Promise<T | undefined>;
  /** Decodes a head, and fetches its pieces if it has any. @throws {CorruptError} */
  read(place: Place, head: Uint8Array): Promise<T | undefined> | T | undefined;
}

/** See {@linkcode Storage.range}. */
export async function scan<T>(
  source: ScanSource<T>,
  from: ScanStart,
  until: number,
  prefix: Uint8Array | undefined,
  limit: number,
): Promise<StoredEntry<T>[]> {
  const spans = spansOf(from, until, prefix);
  const entries: StoredEntry<T>[] = [];
  for (let at = 0; at < spans.length && entries.length < limit; at += SPANS_AT_ONCE) {
    const left = limit - entries.length;
    const together = spans.slice(at, at + SPANS_AT_ONCE).map((span) =>
      scanSpan(source, span, left)
    );
    for (const part of await Promise.all(together)) entries.push(...part);
  }
  return entries.slice(0, limit);
}

/** The keys from one place (included) to another (excluded). */
interface Span {
  readonly start: Bound;
  readonly end: Bound;
}

interface Candidate<T> {
  readonly name: string;
  readonly place: Place;
  readonly change: Write<T> | undefined;
  readonly head: Uint8Array | undefined;
}

function spansOf(from: ScanStart, until: number, prefix: Uint8Array | undefined): Span[] {
  const first = from.after === undefined ? EMPTY : keyAfter(from.after);
  if (prefix === undefined || prefix.length === 0) {
    if (from.partition > until) return [];
    const start = { partition: from.partition, key: first };
    return [{ start, end: { partition: until + 1, key: EMPTY } }];
  }
  const spans: Span[] = [];
  const beyond = prefixEnd(prefix);
  for (let partition = from.partition; partition <= until; partition++) {
    const after = partition === from.partition ? first : EMPTY;
    const start = { partition, key: isBefore(prefix, after) ? after : prefix };
    const end = beyond === undefined
      ? { partition: partition + 1, key: EMPTY }
      : { partition, key: beyond };
    if (boundName(start) < boundName(end)) spans.push({ start, end });
  }
  return spans;
}

async function scanSpan<T>(
  source: ScanSource<T>,
  { start, end }: Span,
  limit: number,
): Promise<StoredEntry<T>[]> {
  const entries: StoredEntry<T>[] = [];
  const endName = boundName(end);
  for (let from = start; entries.length < limit && boundName(from) < endName;) {
    const stretch = source.stretch(from, end);
    const wanted = Math.min(PAGE_COUNT, limit - entries.length);
    const range = { start: diskKey(from), end: diskKey(stretch.end) };
    const heads = await source.disk.range(range, wanted);
    const last = heads.length < wanted ? undefined : boundOf(heads.at(-1)!);
    const next = last === undefined
      ? stretch.end
      : { partition: last.partition, key: keyAfter(last.key) };
    for (const candidate of mergePage(stretch.writes, heads, boundName(next))) {
      if (entries.length >= limit) break;
      const entry = await resolve(source, candidate);
      if (entry !== undefined) entries.push(entry);
    }
    from = next;
  }
  return entries;
}

/** What is before `endName`, in order. */
function mergePage<T>(
  changes: readonly Write<T>[],
  heads: readonly DiskEntry[],
  endName: string,
): Candidate<T>[] {
  const byName = new Map<string, Candidate<T>>();
  for (const { key, value } of heads) {
    const { partition, key: objectKey } = boundOf({ key, value });
    const name = objectName(partition, objectKey);
    const place: Place = { table: "object", partition, key: objectKey };
    byName.set(name, { name, place, change: undefined, head: value });
  }
  let isSorted = true;
  for (const change of changes) {
    const { name, place } = change;
    if (name >= endName) continue;
    const head = byName.get(name)?.head;
    isSorted &&= head !== undefined;
    byName.set(name, { name, place, change, head });
  }
  const candidates = [...byName.values()];
  return isSorted ? candidates : candidates.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function resolve<T>(
  source: ScanSource<T>,
  { name, place, change, head }: Candidate<T>,
): Promise<StoredEntry<T> | undefined> {
  const { partition, key } = place;
  let object = source.find(name);
  if (object === MISS) {
    let failure: CorruptError | undefined;
    object = undefined;
    try {
      if (change !== undefined) object = await source.objectOf(change);
      else object = head === undefined ? undefined : await source.read(place, head);
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error;
      failure = error;
    }
    // What was read of an object in parts while it was being written is of no use; memory has it then.
    const latest = source.find(name);
    if (latest !== MISS) object = latest;
    else if (failure !== undefined) return { partition, key, corrupt: failure };
  }
  return object === undefined ? undefined : { partition, key, object };
}

function diskKey({ partition, key }: Bound): DiskKey {
  return ["o", partition, key];
}

function boundOf({ key }: DiskEntry): Bound {
  return { partition: key[1] as number, key: key[2] as Uint8Array };
}

function boundName({ partition, key }: Bound): string {
  return objectName(partition, key);
}

/** The first key after `key`. */
function keyAfter(key: Uint8Array): Uint8Array {
  const after = new Uint8Array(key.length + 1);
  after.set(key);
  return after;
}

function isBefore(a: Uint8Array, b: Uint8Array): boolean {
  return objectName(0, a) < objectName(0, b);
}
