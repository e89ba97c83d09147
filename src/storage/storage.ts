// What a node asks of its storage: the objects of its partitions, and a few named values of its own.
//
// The way of a change: group commit, journal (durable), memory table, record. A read asks what is pending,
// the memory table, the cache, the disk. An object whose codec keeps it in parts is whole in memory; a change of it
// writes the head and the parts that differ.
//
// A commit is visible to every read as soon as it is called and durable when its promise resolves. The
// caller merges against what is visible and keeps its own order per key; storage keeps that order on the
// disk, so that no crash leaves a later write of a key without an earlier one.

import type { Compressor } from "../ports/compressor.ts";
import type { Disk } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import type { CorruptError } from "../wire/errors.ts";
import { Engine } from "./engine.ts";
import type { MISS } from "./object_cache.ts";

export { MISS } from "./object_cache.ts";

/** Turns objects into bytes and back. `encode` is called more than once: let the object keep its bytes. */
export interface ObjectCodec<T> {
  encode(object: T): Uint8Array;
  /** May keep views of `bytes`, which nobody else uses. @throws {MalformedError} */
  decode(bytes: Uint8Array<ArrayBuffer>): T;
  /** How large objects lie in parts; without it none do. */
  readonly parts?: PartsCodec<T>;
}

/** Cuts objects into a head and parts, so that a change writes the head and the parts that it changes. */
export interface PartsCodec<T> {
  /** Whether an object is to lie in parts when it is written. */
  isApart(object: T): boolean;
  /** Whether it has anything that could lie in a part. */
  hasEntries(object: T): boolean;
  encodeHead(object: T): Uint8Array;
  /** The parts of `after` that are not those of `before`, each once; all of them if that is undefined. */
  changedParts(before: T | undefined, after: T): Iterable<PartChange>;
  /** @throws {MalformedError} if a part is missing, or anything else does not fit */
  joinParts(
    head: Uint8Array<ArrayBuffer>,
    parts: Iterable<{ readonly name: Uint8Array; readonly body: Uint8Array }>,
  ): T;
  /** About how much memory an object takes. */
  sizeBytes(object: T): number;
}

/** What becomes of one part. Its name has at most 100 bytes, counting each NUL twice. */
export interface PartChange {
  readonly name: Uint8Array;
  /** Undefined if it goes. */
  readonly body: Uint8Array | undefined;
  /** How many bytes it had before, 0 if it was not there. */
  readonly bytesBefore: number;
}

/** A change of one key: no object means removal. */
export interface StorageChange<T> {
  readonly partition: number;
  readonly key: Uint8Array;
  readonly object?: T | undefined;
  /** What is visible of the key and was changed, if that is known: of an object in parts only what differs is written. */
  readonly before?: T | undefined;
}

/** A key and the partition that it lies in. */
export interface KeyPlace {
  readonly partition: number;
  readonly key: Uint8Array;
}

/** Where a range begins: in a partition, at its first key or after a given one. */
export interface ScanStart {
  readonly partition: number;
  readonly after?: Uint8Array | undefined;
}

/** One key of a range. A record that cannot be read stands in its place and does not end the range. */
export type StoredEntry<T> =
  | {
    readonly partition: number;
    readonly key: Uint8Array;
    readonly object: T;
    readonly corrupt?: undefined;
  }
  | {
    readonly partition: number;
    readonly key: Uint8Array;
    readonly object?: undefined;
    readonly corrupt: CorruptError;
  };

/** Counts since the start and levels of this moment; those of several storages can be added up. */
export interface StorageStats {
  /** Changes that became durable, after changes of one key in one batch were joined. */
  readonly writtenCount: number;
  readonly batchCount: number;
  readonly failedBatchCount: number;
  /** Bytes that were written to the journal and to records, without keys. */
  readonly writtenBytes: number;
  /** Lookups that memory answered. */
  readonly hitCount: number;
  /** Lookups that went to the disk. */
  readonly missCount: number;
  readonly corruptCount: number;
  /** Keys whose latest change is not durable yet. */
  readonly pendingCount: number;
  readonly pendingBytes: number;
  /** What a start would have to replay. */
  readonly journalBytes: number;
  readonly journalBatches: number;
  /** Durable changes whose records are not written yet. */
  readonly memoryTableCount: number;
  readonly memoryTableBytes: number;
  /** Changes whose records were written. */
  readonly flushedCount: number;
  readonly failedFlushCount: number;
  readonly cachedCount: number;
  readonly cachedBytes: number;
}

export interface Storage<T> {
  /** What memory knows of a key: the object, undefined if there is none, or {@linkcode MISS}. */
  peek(partition: number, key: Uint8Array): T | undefined | typeof MISS;

  /** The object of a key, undefined if there is none. @throws {CorruptError} */
  get(partition: number, key: Uint8Array): Promise<T | undefined>;

  /**
   * Resolves when all changes are durable. Each is whole by itself; together they are not one transaction.
   *
   * @throws {OverloadedError} if too much waits for the disk; nothing was done
   * @throws {DenamoError} `disk_failed`, outcome unknown: a later start may find some of the changes
   */
  commit(changes: readonly StorageChange<T>[]): Promise<void>;

  /** Resolves when what is visible of a key is durable; undefined if it is. Rejects as its commit does. */
  whenDurable(partition: number, key: Uint8Array): Promise<void> | undefined;

  /**
   * At most `limit` entries from `from` to the end of the partition `until`, ordered by partition and key.
   * Fewer mean that there are no more. What is written meanwhile may be seen or missed.
   *
   * @param prefix leaves out the keys that do not begin with it
   */
  range(
    from: ScanStart,
    until: number,
    prefix: Uint8Array | undefined,
    limit: number,
  ): Promise<StoredEntry<T>[]>;

  /** A value that the node keeps for itself. @throws {CorruptError} */
  getMeta(name: string): Promise<Uint8Array | undefined>;

  /** Keeps or removes a value of the node itself; resolves when it is durable. */
  setMeta(name: string, bytes: Uint8Array | undefined): Promise<void>;

  stats(): StorageStats;

  /**
   * Waits for the commits under way, refuses further ones, and closes the disk. The journal stays for the
   * next start: to replay it costs far less than to write the records.
   */
  close(): Promise<void>;
}

export interface StorageOptions {
  /** How much the cache of objects may hold, in bytes. */
  readonly cacheBytes?: number | undefined;
  /** How much may wait for the disk, in bytes. */
  readonly maxPendingBytes?: number | undefined;
  /** From which size on objects are cut in pieces, in bytes; another size reads what this one wrote. */
  readonly pieceBytes?: number | undefined;
  /**
   * From which size on the journal or the memory table is flushed, in bytes; at twice the size commits wait
   * for that.
   */
  readonly journalBytes?: number | undefined;
  /** The same bound as a number of group commits, which a start has to replay. */
  readonly journalCount?: number | undefined;
  /** How large a value of the journal can be, in bytes; another size reads what this one wrote. */
  readonly journalPartBytes?: number | undefined;
  /** How many changes of the disk one step of flushing makes: it holds up the commit behind it. */
  readonly flushChanges?: number | undefined;
  /**
   * Whether a storage that has no records when it is opened keeps in mind which keys it was given since, so
   * that the first write of a key needs no read; default true. Takes up to some MiB; see existence_filter.ts.
   */
  readonly knowsAbsence?: boolean | undefined;
  readonly log?: Log | undefined;
  /** For records; without it none are compressed, and none that are can be read. */
  readonly compressor?: Compressor | undefined;
  /** Whether the records of a key are to be compressed from now on. Those that lie there stay as they are. */
  readonly compresses?: ((key: Uint8Array) => boolean) | undefined;
  /**
   * Called when changes of these partitions may have been lost, before anybody sees the objects that were
   * there before, and before the callers of `commit` learn of it. Of these keys the disk may have what nobody sees.
   */
  readonly onCommitFailed?:
    | ((partitions: Iterable<number>, keys: readonly KeyPlace[]) => void)
    | undefined;
}

/**
 * Storage on a disk, which belongs to it from now on. What an earlier run left in the journal is read first.
 *
 * @throws {CorruptError} if an entry of the journal is not what was written; the disk is closed then
 * @throws {DenamoError} `disk_failed` if the journal cannot be read; the disk is closed then
 */
export function openStorage<T>(
  disk: Disk,
  codec: ObjectCodec<T>,
  options: StorageOptions = {},
): Promise<Storage<T>> {
  return Engine.open(disk, codec, options);
}
