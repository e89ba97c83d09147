// The storage engine: pending writes, cache, disk, in the order in which a read asks them.
//
// A change is visible from the moment it is called: it waits in `#pending` until its batch is durable and
// moves to the cache then. So the replica can merge the next change at once, without waiting for the disk.
//
// A read of the disk may be overtaken by a commit of its key. What it brings is then older than what memory
// held in between, so it is neither cached nor returned: the read begins again. `#reads` tells: a change
// of a key takes the key's read out of it.
//
// When a batch fails, its objects are forgotten, except where a later change of the same key waits: that
// one was merged on top of what failed and holds it. Nothing is then known of what the disk has, so the
// cache forgets these keys too.

import { assert } from "../base/assert.ts";
import { utf8 } from "../base/bytes.ts";
import { MalformedError } from "../base/malformed.ts";
import type { Disk } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import { CorruptError, DenamoError, messageOf, OverloadedError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { GroupCommit, type Write } from "./group_commit.ts";
import { MISS, ObjectCache } from "./object_cache.ts";
import {
  corrupt,
  decodeHead,
  headBytesOf,
  MAX_PIECE_COUNT,
  nameOf,
  objectName,
  PIECE_BYTES,
  pieceCountOf,
  type Place,
} from "./record.ts";
import { readRecord, type StoredBytes } from "./record_reader.ts";
import { scan, type ScanSource } from "./scan.ts";
import type {
  ObjectCodec,
  ScanStart,
  Storage,
  StorageChange,
  StorageOptions,
  StorageStats,
  StoredEntry,
} from "./storage.ts";

const DEFAULT_CACHE_BYTES = 64 * 1024 * 1024;
const DEFAULT_MAX_PENDING_BYTES = 64 * 1024 * 1024;

interface PendingWrite<T> extends Write {
  readonly object: T | undefined;
  /** Set as soon as its batch is known. */
  done: Promise<void> | undefined;
}

/** A read of the disk that all who ask for the same key share. */
interface Read<T> {
  result: Promise<T | undefined> | undefined;
}

export class Engine<T> implements Storage<T> {
  readonly #disk: Disk;
  readonly #codec: ObjectCodec<T>;
  readonly #log: Log | undefined;
  readonly #onCommitFailed: (partitions: Iterable<number>) => void;
  readonly #pieceBytes: number;
  readonly #maxPendingBytes: number;
  readonly #commits: GroupCommit<PendingWrite<T>>;
  readonly #pending = new Map<string, PendingWrite<T>>();
  readonly #cache: ObjectCache<T>;
  readonly #reads = new Map<string, Read<T>>();
  readonly #scanSource: ScanSource<T>;
  #hitCount = 0;
  #missCount = 0;
  #corruptCount = 0;
  #isClosed = false;

  constructor(disk: Disk, codec: ObjectCodec<T>, options: StorageOptions) {
    this.#disk = disk;
    this.#codec = codec;
    this.#log = options.log;
    this.#onCommitFailed = options.onCommitFailed ?? (() => {});
    this.#pieceBytes = options.pieceBytes ?? PIECE_BYTES;
    this.#maxPendingBytes = options.maxPendingBytes ?? DEFAULT_MAX_PENDING_BYTES;
    assert(
      headBytesOf(this.#pieceBytes, this.#pieceBytes) <= disk.limits.valueBytes &&
        MAX_PIECE_COUNT < disk.limits.batchChanges &&
        MAX_PIECE_COUNT * (this.#pieceBytes + 4 * LIMITS.escapedKey) <= disk.limits.batchBytes,
      "the largest record fits one batch of the disk",
    );
    this.#cache = new ObjectCache(options.cacheBytes ?? DEFAULT_CACHE_BYTES);
    this.#commits = new GroupCommit(disk, this.#pieceBytes, {
      durable: (writes) => this.#becameDurable(writes),
      failed: (writes, error) => this.#failed(writes, error),
    });
    this.#scanSource = {
      disk,
      pending: (start, end) => this.#pendingBetween(start, end),
      find: (name) => this.#look(name),
      read: (place, head) => this.#readHead(place, head),
    };
  }

  peek(partition: number, key: Uint8Array): T | undefined | typeof MISS {
    const found = this.#find(objectName(partition, key));
    if (found !== MISS) this.#hitCount++;
    return found;
  }

  get(partition: number, key: Uint8Array): Promise<T | undefined> {
    const name = objectName(partition, key);
    const found = this.#find(name);
    if (found !== MISS) {
      this.#hitCount++;
      return Promise.resolve(found);
    }
    const place: Place = { table: "object", partition, key };
    return this.#reads.get(name)?.result ?? this.#startRead(name, place);
  }

  commit(changes: readonly StorageChange<T>[]): Promise<void> {
    if (changes.length === 1) return this.#commitOne(changes[0]!);
    const batches = new Set<Promise<void>>();
    for (const change of changes) batches.add(this.#commitOne(change));
    return Promise.all(batches).then(() => {});
  }

  whenDurable(partition: number, key: Uint8Array): Promise<void> | undefined {
    return this.#pending.get(objectName(partition, key))?.done;
  }

  async range(
    from: ScanStart,
    until: number,
    prefix: Uint8Array | undefined,
    limit: number,
  ): Promise<StoredEntry<T>[]> {
    try {
      const entries = await scan(this.#scanSource, from, until, prefix, limit);
      for (const { corrupt } of entries) if (corrupt !== undefined) this.#readError(corrupt);
      return entries;
    } catch (error) {
      throw this.#readError(error);
    }
  }

  async getMeta(name: string): Promise<Uint8Array | undefined> {
    const place = metaPlace(name);
    const pending = this.#pending.get(nameOf(place));
    if (pending !== undefined) return pending.body?.slice();
    try {
      return (await readRecord(this.#disk, place))?.body;
    } catch (error) {
      throw this.#readError(error);
    }
  }

  setMeta(name: string, bytes: Uint8Array | undefined): Promise<void> {
    return this.#add(metaPlace(name), bytes?.slice(), undefined);
  }

  stats(): StorageStats {
    return {
      writtenCount: this.#commits.writtenCount,
      batchCount: this.#commits.batchCount,
      failedBatchCount: this.#commits.failedBatchCount,
      writtenBytes: this.#commits.writtenBytes,
      hitCount: this.#hitCount,
      missCount: this.#missCount,
      corruptCount: this.#corruptCount,
      pendingCount: this.#pending.size,
      pendingBytes: this.#commits.pendingBytes,
      cachedCount: this.#cache.count,
      cachedBytes: this.#cache.bytes,
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#commits.idle();
    await this.#disk.close();
  }

  #find(name: string): T | undefined | typeof MISS {
    const pending = this.#pending.get(name);
    if (pending !== undefined) return pending.object;
    const cached = this.#cache.get(name);
    return cached === undefined ? MISS : cached.object;
  }

  /** Like {@linkcode Engine.#find}; a scan must not make the cache keep what it passes. */
  #look(name: string): T | undefined | typeof MISS {
    const known = this.#pending.get(name) ?? this.#cache.look(name);
    return known === undefined ? MISS : known.object;
  }

  #commitOne({ partition, key, object }: StorageChange<T>): Promise<void> {
    assert(partition >= 0 && partition < 65_536, `partition ${partition} is below 65536`);
    const body = object === undefined ? undefined : this.#codec.encode(object);
    return this.#add({ table: "object", partition, key }, body, object);
  }

  #add(place: Place, body: Uint8Array | undefined, object: T | undefined): Promise<void> {
    assert(place.key.length <= LIMITS.key, `a key has at most ${LIMITS.key} bytes`);
    const bytes = body?.length ?? 0;
    const limit = MAX_PIECE_COUNT * this.#pieceBytes;
    assert(bytes <= limit, `a record has at most ${limit} bytes, not ${bytes}`);
    if (this.#isClosed) {
      return Promise.reject(new DenamoError("stopped", "no", "The storage is closed"));
    }
    if (this.#commits.pendingBytes + bytes > this.#maxPendingBytes) {
      // The caller may have told others of this change already, so its copy lacks what it wrote.
      if (place.table === "object") this.#onCommitFailed([place.partition]);
      return Promise.reject(new OverloadedError("The queue of the disk", this.#maxPendingBytes));
    }
    const name = nameOf(place);
    const write: PendingWrite<T> = {
      name,
      place,
      body,
      object,
      pieceCount: pieceCountOf(bytes, this.#pieceBytes),
      piecesBefore: this.#piecesBefore(name),
      done: undefined,
    };
    write.done = this.#commits.add(write);
    this.#pending.set(name, write);
    this.#reads.delete(name);
    return write.done;
  }

  /**
   * How many pieces of a record can lie on the disk when a change made now is written. An earlier change
   * that is under way may fail and leave what was before it.
   */
  #piecesBefore(name: string): number {
    const earlier = this.#pending.get(name);
    if (earlier !== undefined) return Math.max(earlier.pieceCount, earlier.piecesBefore);
    return this.#cache.look(name)?.pieceCount ?? MAX_PIECE_COUNT;
  }

  #becameDurable(writes: Iterable<PendingWrite<T>>): void {
    for (const write of writes) {
      if (this.#pending.get(write.name) !== write) continue;
      this.#pending.delete(write.name);
      if (write.place.table === "object") {
        this.#cache.set(write.name, write.object, write.body?.length ?? 0, write.pieceCount);
      }
    }
  }

  #failed(writes: Iterable<PendingWrite<T>>, error: DenamoError): void {
    const partitions = new Set<number>();
    for (const write of writes) {
      if (this.#pending.get(write.name) === write) this.#pending.delete(write.name);
      this.#cache.delete(write.name);
      if (write.place.table === "object") partitions.add(write.place.partition);
    }
    this.#log?.error(error.message, { partitions: partitions.size });
    this.#onCommitFailed(partitions);
  }

  #startRead(name: string, place: Place): Promise<T | undefined> {
    this.#missCount++;
    const read: Read<T> = { result: undefined };
    this.#reads.set(name, read);
    return read.result = this.#fetch(name, place, read);
  }

  async #fetch(name: string, place: Place, read: Read<T>): Promise<T | undefined> {
    for (;;) {
      let object: T | undefined;
      let stored: StoredBytes | undefined;
      let failure: unknown;
      try {
        stored = await readRecord(this.#disk, place);
        object = stored === undefined ? undefined : this.#decode(place, stored.body);
      } catch (error) {
        failure = error;
      }
      if (this.#reads.get(name) === read) {
        this.#reads.delete(name);
        if (failure !== undefined) throw this.#readError(failure);
        this.#cache.set(name, object, stored?.body.length ?? 0, stored?.pieceCount ?? 0);
        return object;
      }
      const found = this.#find(name);
      if (found !== MISS) return found;
      const later = this.#reads.get(name)?.result;
      if (later !== undefined) return later;
      this.#reads.set(name, read);
    }
  }

  #readHead(place: Place, head: Uint8Array): T | Promise<T | undefined> {
    const decoded = decodeHead(place, head);
    if ("body" in decoded) return this.#decode(place, decoded.body);
    return readRecord(this.#disk, place, head).then((stored) =>
      stored === undefined ? undefined : this.#decode(place, stored.body)
    );
  }

  #decode(place: Place, body: Uint8Array<ArrayBuffer>): T {
    try {
      return this.#codec.decode(body);
    } catch (error) {
      if (error instanceof MalformedError) throw corrupt(place, error.message);
      throw error;
    }
  }

  #pendingBetween(start: string, end: string): PendingWrite<T>[] {
    const found: PendingWrite<T>[] = [];
    for (const write of this.#pending.values()) {
      if (write.name >= start && write.name < end) found.push(write);
    }
    return found;
  }

  /** What a caller learns of a read that failed; corrupt records are told to the operator too. */
  #readError(cause: unknown): unknown {
    if (cause instanceof CorruptError) {
      this.#corruptCount++;
      this.#log?.error(cause.message);
      return cause;
    }
    if (cause instanceof DenamoError) return cause;
    const error = new DenamoError("disk_failed", "no", `A read failed: ${messageOf(cause)}`);
    error.cause = cause;
    return error;
  }
}

function metaPlace(name: string): Place {
  return { table: "meta", partition: 0, key: utf8(name) };
}
