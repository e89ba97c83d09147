// The storage engine: pending writes, memory table, cache, disk, in the order in which a read asks them.
//
// A change is visible from the moment it is called: it waits in `#pending` until its batch is durable. Then
// it is in the journal and in the memory table, and moves to the cache when its record is written. So the
// replica can merge the next change at once, without waiting for the disk.
//
// A read of the disk may be overtaken by a commit of its key. What it brings is then older than what memory
// held in between, so it is neither cached nor returned: the read begins again. `#reads` tells: a change
// of a key takes the key's read out of it.
//
// When a batch fails, its objects are forgotten, except where a later change of the same key waits: that
// one was merged on top of what failed and holds it. What was durable before is seen again.

import { assert } from "../base/assert.ts";
import { utf8 } from "../base/bytes.ts";
import type { Disk } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import { DenamoError, OverloadedError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { Flusher } from "./flusher.ts";
import { GroupCommit } from "./group_commit.ts";
import { Journal } from "./journal.ts";
import { changeBytesOf, type JournalChange } from "./journal_format.ts";
import { type Bound, MemoryTable } from "./memory_table.ts";
import { ExistenceFilter } from "./existence_filter.ts";
import { MISS, ObjectCache, PLAIN_FORM, type StoredForm } from "./object_cache.ts";
import { ObjectReader, type ReadObject } from "./object_reader.ts";
import {
  headBytesOf,
  MAX_PIECE_COUNT,
  nameOf,
  objectName,
  PIECE_BYTES,
  pieceCountOf,
  type Place,
} from "./record.ts";
import { readRecord } from "./record_reader.ts";
import { scan, type ScanSource } from "./scan.ts";
import type {
  KeyPlace,
  ObjectCodec,
  ScanStart,
  Storage,
  StorageChange,
  StorageOptions,
  StorageStats,
  StoredEntry,
} from "./storage.ts";
import { encodeChange, type EncodedChange, wholeChange } from "./encoded_change.ts";
import { replayedWrite, type Write } from "./write.ts";

const DEFAULT_CACHE_BYTES = 64 * 1024 * 1024;
const DEFAULT_MAX_PENDING_BYTES = 64 * 1024 * 1024;

/** Where all objects lie; partitions are below 65536. */
const OBJECT_RECORDS = { start: ["o"], end: ["o", 65_536] };

/** A read of the disk that all who ask for the same key share. */
interface Read<T> {
  result: Promise<T | undefined> | undefined;
}

export class Engine<T> implements Storage<T> {
  readonly #disk: Disk;
  readonly #codec: ObjectCodec<T>;
  readonly #reader: ObjectReader<T>;
  readonly #log: Log | undefined;
  readonly #onCommitFailed: (partitions: Iterable<number>, keys: readonly KeyPlace[]) => void;
  readonly #pieceBytes: number;
  readonly #maxPendingBytes: number;
  readonly #knowsAbsence: boolean;
  readonly #journal: Journal;
  readonly #flusher: Flusher<T>;
  readonly #commits: GroupCommit<T>;
  readonly #pending = new Map<string, Write<T>>();
  readonly #table = new MemoryTable<T>();
  readonly #cache: ObjectCache<T>;
  readonly #reads = new Map<string, Read<T>>();
  /** Of all keys on the disk; only a storage that had no records when it was opened can know them. */
  #filter: ExistenceFilter | undefined;
  readonly #scanSource: ScanSource<T>;
  #hitCount = 0;
  #missCount = 0;
  #isClosed = false;

  /** See {@linkcode openStorage}. */
  static async open<T>(
    disk: Disk,
    codec: ObjectCodec<T>,
    options: StorageOptions,
  ): Promise<Engine<T>> {
    try {
      const journal = new Journal(disk, options.journalPartBytes);
      const engine = new Engine(disk, journal, codec, options);
      await engine.#replay();
      return engine;
    } catch (error) {
      await disk.close();
      throw error;
    }
  }

  /** Of a journal that was not replayed: use {@linkcode Engine.open}. */
  constructor(disk: Disk, journal: Journal, codec: ObjectCodec<T>, options: StorageOptions) {
    this.#disk = disk;
    this.#codec = codec;
    this.#reader = new ObjectReader(disk, codec, options);
    this.#log = options.log;
    this.#onCommitFailed = options.onCommitFailed ?? (() => {});
    this.#pieceBytes = options.pieceBytes ?? PIECE_BYTES;
    this.#knowsAbsence = options.knowsAbsence ?? true;
    this.#maxPendingBytes = options.maxPendingBytes ?? DEFAULT_MAX_PENDING_BYTES;
    assert(
      headBytesOf(this.#pieceBytes, this.#pieceBytes) <= disk.limits.valueBytes &&
        MAX_PIECE_COUNT < disk.limits.batchChanges &&
        MAX_PIECE_COUNT * (this.#pieceBytes + 4 * LIMITS.escapedKey) <= disk.limits.batchBytes,
      "the largest record fits one batch of the disk",
    );
    assert(
      changeBytesOf(LIMITS.key, MAX_PIECE_COUNT * this.#pieceBytes) <= journal.entryBytesMax,
      "the largest record fits one batch of the journal",
    );
    this.#cache = new ObjectCache(options.cacheBytes ?? DEFAULT_CACHE_BYTES);
    this.#journal = journal;
    this.#flusher = new Flusher(disk, this.#pieceBytes, journal, this.#table, options);
    this.#flusher.onFlushed = (write) => this.#flushed(write);
    this.#commits = new GroupCommit(journal, this.#flusher, {
      durable: (writes, sequence) => this.#becameDurable(writes, sequence),
      failed: (writes, error) => this.#failed(writes, error),
    });
    this.#scanSource = {
      disk,
      stretch: (start, end) => this.#stretch(start, end),
      find: (name) => this.#look(name),
      objectOf: (write) => write.object === MISS ? this.#decodeReplayed(write) : write.object,
      read: (place, head) => this.#reader.ofHead(place, head),
    };
  }

  peek(partition: number, key: Uint8Array): T | undefined | typeof MISS {
    const name = objectName(partition, key);
    const found = this.#find(name);
    if (found === MISS && !this.#isSurelyAbsent(name, key)) return MISS;
    this.#hitCount++;
    return found === MISS ? undefined : found;
  }

  get(partition: number, key: Uint8Array): Promise<T | undefined> {
    const name = objectName(partition, key);
    const found = this.#find(name);
    if (found !== MISS) {
      this.#hitCount++;
      return Promise.resolve(found);
    }
    const replayed = this.#table.get(name);
    if (replayed !== undefined) {
      return this.#decodeReplayed(replayed).catch((error) => {
        throw this.#reader.failure(error);
      });
    }
    if (this.#isSurelyAbsent(name, key)) return Promise.resolve(undefined);
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
      for (const { corrupt } of entries) if (corrupt !== undefined) this.#reader.failure(corrupt);
      return entries;
    } catch (error) {
      throw this.#reader.failure(error);
    }
  }

  async getMeta(name: string): Promise<Uint8Array | undefined> {
    const place = metaPlace(name);
    const known = nameOf(place);
    const write = this.#pending.get(known) ?? this.#table.get(known);
    if (write !== undefined) return write.body?.slice();
    try {
      return (await readRecord(this.#disk, place))?.body;
    } catch (error) {
      throw this.#reader.failure(error);
    }
  }

  setMeta(name: string, bytes: Uint8Array | undefined): Promise<void> {
    return this.#add(metaPlace(name), undefined, wholeChange(bytes?.slice()));
  }

  stats(): StorageStats {
    return {
      writtenCount: this.#commits.writtenCount,
      batchCount: this.#commits.batchCount,
      failedBatchCount: this.#commits.failedBatchCount,
      writtenBytes: this.#journal.writtenBytes + this.#flusher.writtenBytes,
      hitCount: this.#hitCount,
      missCount: this.#missCount,
      corruptCount: this.#reader.corruptCount,
      pendingCount: this.#pending.size,
      pendingBytes: this.#commits.pendingBytes,
      journalBytes: this.#journal.bytes,
      journalBatches: this.#journal.entries.length,
      memoryTableCount: this.#table.count,
      memoryTableBytes: this.#table.bytes,
      flushedCount: this.#flusher.flushedCount,
      failedFlushCount: this.#flusher.failedCount,
      cachedCount: this.#cache.count,
      cachedBytes: this.#cache.bytes,
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#commits.end();
    await this.#disk.close();
  }

  #find(name: string): T | undefined | typeof MISS {
    const known = this.#pending.get(name) ?? this.#table.get(name) ?? this.#cache.get(name);
    return known === undefined ? MISS : known.object;
  }

  /** Like {@linkcode Engine.#find}; a scan must not make the cache keep what it passes. */
  #look(name: string): T | undefined | typeof MISS {
    const known = this.#pending.get(name) ?? this.#table.get(name) ?? this.#cache.look(name);
    return known === undefined ? MISS : known.object;
  }

  /** Whether memory alone can tell that the disk has nothing of a key, which is then kept in the cache. */
  #isSurelyAbsent(name: string, key: Uint8Array): boolean {
    if (this.#filter === undefined || this.#filter.mayHave(key)) return false;
    this.#cache.set(name, undefined, 0, PLAIN_FORM);
    return true;
  }

  #commitOne({ before, key, object, partition }: StorageChange<T>): Promise<void> {
    assert(partition >= 0 && partition < 65_536, `partition ${partition} is below 65536`);
    // The key stays in memory, so it must not hold the message around it.
    const owned = key.length === key.buffer.byteLength ? key : key.slice();
    const place: Place = { table: "object", partition, key: owned };
    const wasApart = this.#formOf(nameOf(place))?.isApart;
    const change = encodeChange(this.#codec, this.#pieceBytes, before, wasApart, object);
    return this.#add(place, object, change);
  }

  /** How the latest of a key lies, or will lie, on the disk, as far as memory knows. */
  #formOf(name: string): StoredForm | undefined {
    return this.#pending.get(name) ?? this.#table.get(name) ?? this.#cache.look(name)?.form;
  }

  #add(place: Place, object: T | undefined, change: EncodedChange): Promise<void> {
    assert(place.key.length <= LIMITS.key, `a key has at most ${LIMITS.key} bytes`);
    const { body, changeBytes } = change;
    const bytes = body?.length ?? 0;
    const limit = MAX_PIECE_COUNT * this.#pieceBytes;
    assert(bytes <= limit, `a record has at most ${limit} bytes, not ${bytes}`);
    if (this.#isClosed) {
      return Promise.reject(new DenamoError("stopped", "no", "The storage is closed"));
    }
    if (this.#commits.pendingBytes + changeBytes > this.#maxPendingBytes) {
      // The caller may have told others of this change already, so its copy lacks what it wrote.
      if (place.table === "object") this.#onCommitFailed([place.partition], []);
      return Promise.reject(new OverloadedError("The queue of the disk", this.#maxPendingBytes));
    }
    const name = nameOf(place);
    if (place.table === "object") this.#filter?.add(place.key);
    const write: Write<T> = {
      name,
      place,
      ...change,
      object,
      pieceCount: pieceCountOf(bytes, this.#pieceBytes),
      piecesBefore: this.#piecesBefore(name),
      done: undefined,
      sequence: 0,
      since: 0,
    };
    write.done = this.#commits.add(write);
    this.#pending.set(name, write);
    this.#reads.delete(name);
    return write.done;
  }

  /**
   * How many pieces of a record can lie on the disk until the record of a change made now is written. An
   * earlier change that is under way may fail and leave what was before it, or have its record written.
   */
  #piecesBefore(name: string): number {
    const earlier = this.#pending.get(name) ?? this.#table.get(name);
    if (earlier !== undefined) return Math.max(earlier.pieceCount, earlier.piecesBefore);
    return this.#formOf(name)?.pieceCount ?? MAX_PIECE_COUNT;
  }

  #becameDurable(writes: Iterable<Write<T>>, sequence: number): void {
    for (const write of writes) {
      write.sequence = write.since = sequence;
      write.done = undefined;
      this.#table.set(write);
      this.#cache.delete(write.name);
      if (this.#pending.get(write.name) === write) this.#pending.delete(write.name);
    }
  }

  #failed(writes: Iterable<Write<T>>, error: DenamoError): void {
    const partitions = new Set<number>();
    const keys: KeyPlace[] = [];
    for (const write of writes) {
      const latest = this.#pending.get(write.name);
      if (latest === write) this.#pending.delete(write.name);
      else if (latest !== undefined) this.#commits.takeOver(write);
      if (write.place.table !== "object") continue;
      partitions.add(write.place.partition);
      keys.push(write.place);
    }
    this.#log?.error(error.message, { partitions: partitions.size });
    this.#onCommitFailed(partitions, keys);
  }

  /** The record of a change has been written. */
  #flushed({ isApart, name, object, pieceCount, place, weightBytes }: Write<T>): void {
    if (place.table !== "object" || object === MISS) return;
    this.#cache.set(name, object, weightBytes, { pieceCount, isApart });
  }

  async #replay(): Promise<void> {
    try {
      if (this.#knowsAbsence && (await this.#disk.range(OBJECT_RECORDS, 1)).length === 0) {
        this.#filter = new ExistenceFilter();
      }
      await this.#journal.replay((change, sequence) => this.#replayChange(change, sequence));
    } catch (error) {
      throw this.#reader.failure(error);
    }
    const { journalBytes, memoryTableCount } = this.stats();
    if (memoryTableCount > 0) {
      this.#log?.debug("The journal was replayed", { journalBytes, memoryTableCount });
    }
  }

  #replayChange(change: JournalChange, sequence: number): void {
    const { table, key } = change.place;
    this.#table.set(replayedWrite(change, sequence, this.#pieceBytes));
    if (table === "object") this.#filter?.add(key);
  }

  /** The object of a change that came from the journal, or of a later change of its key. */
  async #decodeReplayed(write: Write<T>): Promise<T | undefined> {
    const { key, partition } = write.place;
    let object: T | undefined;
    let failure: unknown;
    try {
      const read = this.#reader.objectOf(write);
      object = read instanceof Promise ? await read : read;
    } catch (error) {
      failure = error;
    }
    // If it has gone to its record meanwhile, parts of two states may have been read.
    if (this.#table.get(write.name) !== write) return this.get(partition, key);
    if (failure !== undefined) throw failure;
    return write.object = object;
  }

  #startRead(name: string, place: Place): Promise<T | undefined> {
    this.#missCount++;
    const read: Read<T> = { result: undefined };
    this.#reads.set(name, read);
    return read.result = this.#fetch(name, place, read);
  }

  async #fetch(name: string, place: Place, read: Read<T>): Promise<T | undefined> {
    for (;;) {
      let stored: ReadObject<T> | undefined;
      let failure: unknown;
      try {
        stored = await this.#reader.read(place);
      } catch (error) {
        failure = error;
      }
      if (this.#reads.get(name) === read) {
        this.#reads.delete(name);
        if (failure !== undefined) throw this.#reader.failure(failure);
        const object = stored?.object;
        this.#cache.set(name, object, stored?.sizeBytes ?? 0, stored?.form ?? PLAIN_FORM);
        return object;
      }
      const found = this.#find(name);
      if (found !== MISS) return found;
      const later = this.#reads.get(name)?.result;
      if (later !== undefined) return later;
      this.#reads.set(name, read);
    }
  }

  #stretch(start: Bound, end: Bound): { writes: Write<T>[]; end: Bound } {
    const stretch = this.#table.stretch(start, end);
    const first = objectName(start.partition, start.key);
    const last = objectName(stretch.end.partition, stretch.end.key);
    for (const write of this.#pending.values()) {
      if (write.name >= first && write.name < last) stretch.writes.push(write);
    }
    return stretch;
  }
}

function metaPlace(name: string): Place {
  return { table: "meta", partition: 0, key: utf8(name) };
}
