// Flushing: from the memory table to the records, so that the journal stays short.
//
// Each step is one small batch of the disk: the changes that stand longest in the memory table become
// records, and with them go the entries of the journal of which nothing else is needed. Both happen or
// neither, and to do it again does no harm. A change that was overwritten since is never written.
//
// An object in parts may need many steps. Until the last of them the change stays in the table, where readers find
// it, and in the journal; so what lies on the disk in between is seen by nobody, and a crash begins again.
//
// There is no clock here. A step is due when the journal or the table is over its bound, and is taken after
// a commit or when nothing waits; over twice the bound commits wait for it. After a step that failed the next
// comes a growing number of commits later.

import { binaryString } from "../base/bytes.ts";
import { messageOf } from "../wire/errors.ts";
import type { Compressor } from "../ports/compressor.ts";
import type { Disk, DiskChange } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import type { Journal } from "./journal.ts";
import type { MemoryTable } from "./memory_table.ts";
import { encodeRecord, headKey, partPlace, pieceKey, type Place } from "./record.ts";
import { partsOnDisk } from "./record_reader.ts";
import type { StorageOptions } from "./storage.ts";
import type { Write } from "./write.ts";

const DEFAULT_JOURNAL_BYTES = 32 * 1024 * 1024;
const DEFAULT_JOURNAL_COUNT = 8192;
const DEFAULT_STEP_CHANGES = 100;

/** A larger step would hold up the commits behind it for too long, in bytes; one object may be larger. */
const STEP_BYTES = 256 * 1024;

/** The most commits that pass between a step that failed and the next. */
const MAX_PATIENCE_COUNT = 64;

/** One batch of the disk and what it does. */
interface Step<T> {
  readonly changes: DiskChange[];
  readonly written: Write<T>[];
  /** How many entries of the journal it removes. */
  entryCount: number;
  bytes: number;
  /** How far the write in {@linkcode Flusher} that needs several steps has come with it. */
  reached: number | undefined;
  /** A write that cannot be flushed before it is known which parts lie on the disk. */
  unlisted: Write<T> | undefined;
}

/** A write that needs several steps. */
interface Unfinished<T> {
  readonly write: Write<T>;
  /** Those of each record, which are written together: whoever lists records must find all that there is of them. */
  readonly records: readonly (readonly DiskChange[])[];
  /** How many of the records have been written. */
  reached: number;
}

export class Flusher<T> {
  readonly #disk: Disk;
  readonly #pieceBytes: number;
  readonly #journal: Journal;
  readonly #table: MemoryTable<T>;
  readonly #journalBytes: number;
  readonly #journalCount: number;
  readonly #stepChanges: number;
  readonly #compressorFor: (place: Place) => Compressor | undefined;
  readonly #log: Log | undefined;
  #failuresInRow = 0;
  #commitsToWait = 0;
  #unfinished: Unfinished<T> | undefined;
  /** Writes that clear parts, and name all that must go. */
  readonly #listed = new WeakSet<Write<T>>();
  flushedCount = 0;
  failedCount = 0;
  writtenBytes = 0;
  /** Called for each change whose record was written, after it has left the table. */
  onFlushed: (write: Write<T>) => void = () => {};

  constructor(
    disk: Disk,
    pieceBytes: number,
    journal: Journal,
    table: MemoryTable<T>,
    options: StorageOptions,
  ) {
    this.#disk = disk;
    this.#pieceBytes = pieceBytes;
    this.#journal = journal;
    this.#table = table;
    this.#journalBytes = options.journalBytes ?? DEFAULT_JOURNAL_BYTES;
    this.#journalCount = options.journalCount ?? DEFAULT_JOURNAL_COUNT;
    this.#stepChanges = options.flushChanges ?? DEFAULT_STEP_CHANGES;
    const { compresses, compressor } = options;
    this.#compressorFor = ({ key, table }) => {
      return table !== "meta" && compresses?.(key) === true ? compressor : undefined;
    };
    this.#log = options.log;
  }

  /** Whether a step should be taken. */
  get isDue(): boolean {
    return this.#commitsToWait === 0 && this.#isOver(1);
  }

  /** Notes that a commit has ended. */
  committed(): void {
    if (this.#commitsToWait > 0) this.#commitsToWait--;
  }

  /** Takes a step; a failure waits for the next one. */
  async flushSome(): Promise<void> {
    try {
      await this.#takeStep();
    } catch (cause) {
      // What could not be written is in the journal and in memory, as before.
      this.#log?.warn(`The journal could not be flushed: ${messageOf(cause)}`, {
        failures: this.#failuresInRow,
        journalBytes: this.#journal.bytes,
      });
    }
  }

  /** Flushes until another commit may come. Rejects as the disk does. */
  async makeRoom(): Promise<void> {
    while (this.#isOver(2)) await this.#takeStep();
  }

  #isOver(times: number): boolean {
    const boundBytes = times * this.#journalBytes;
    return this.#journal.bytes > boundBytes || this.#table.bytes > boundBytes ||
      this.#journal.entries.length > times * this.#journalCount;
  }

  async #takeStep(): Promise<void> {
    let step: Step<T>;
    try {
      step = this.#nextStep();
      while (step.unlisted !== undefined) {
        await this.#listParts(step.unlisted);
        step = this.#nextStep();
      }
      await this.#disk.commit(step.changes);
    } catch (error) {
      this.failedCount++;
      this.#failuresInRow++;
      this.#commitsToWait = Math.min(2 ** this.#failuresInRow, MAX_PATIENCE_COUNT);
      throw error;
    }
    this.#failuresInRow = 0;
    this.#commitsToWait = 0;
    if (step.reached !== undefined) this.#unfinished!.reached = step.reached;
    this.#journal.forget(step.entryCount);
    this.flushedCount += step.written.length;
    this.writtenBytes += step.bytes;
    for (const write of step.written) {
      if (this.#unfinished?.write === write) this.#unfinished = undefined;
      this.#table.delete(write);
      this.onFlushed(write);
    }
  }

  /** As much as fits, and one change or one entry at least. */
  #nextStep(): Step<T> {
    const step: Step<T> = {
      changes: [],
      written: [],
      entryCount: 0,
      bytes: 0,
      reached: undefined,
      unlisted: undefined,
    };
    const room = this.#newRoom();
    const writes = this.#table.inOrder()[Symbol.iterator]();
    let next = writes.next();
    const taken = new Set<Write<T>>();
    const take = (write: Write<T>) => {
      if (taken.has(write)) return true;
      if (!this.#addWrite(step, write, room)) return false;
      step.written.push(write);
      taken.add(write);
      return true;
    };
    for (const entry of this.#journal.entries) {
      for (const write of this.#table.needing(entry.sequence)) if (!take(write)) return step;
      while (!next.done && next.value.sequence <= entry.sequence) {
        if (!take(next.value)) return step;
        next = writes.next();
      }
      const removal = this.#journal.removalOf(entry);
      if (!room.takes(removal)) return step;
      step.changes.push(...removal);
      step.entryCount++;
    }
    return step;
  }

  /** Whether the step takes all that is left of a write. */
  #addWrite(step: Step<T>, write: Write<T>, room: Room): boolean {
    const add = (changes: readonly DiskChange[]) => {
      for (const change of changes) {
        step.changes.push(change);
        step.bytes += change.value?.length ?? 0;
      }
    };
    if (write.parts === undefined && !write.clearsParts) {
      const changes = this.#recordOf(write.place, write.body, write.piecesBefore, write.isApart);
      if (!room.takes(changes)) return false;
      add(changes);
      return true;
    }
    if (write.clearsParts && !this.#listed.has(write)) {
      if (step.changes.length === 0) step.unlisted = write;
      return false;
    }
    if (this.#unfinished?.write !== write) {
      this.#unfinished = { write, records: this.#recordsOf(write), reached: 0 };
    }
    const { reached, records } = this.#unfinished;
    for (let at = reached; at < records.length; at++) {
      if (!room.takes(records[at]!)) {
        step.reached = at;
        return false;
      }
      add(records[at]!);
    }
    step.reached = records.length;
    return true;
  }

  /** Finds out which parts of a write's object are on the disk and must go. */
  async #listParts(write: Write<T>): Promise<void> {
    const parts = new Map(write.parts);
    for await (const { name, pieceCount } of partsOnDisk(this.#disk, write.place)) {
      const part = parts.get(binaryString(name)) ?? { name, body: undefined, piecesBefore: 0 };
      const piecesBefore = Math.max(part.piecesBefore, pieceCount);
      parts.set(binaryString(name), { ...part, piecesBefore });
    }
    write.parts = parts;
    this.#listed.add(write);
  }

  /** The records of an object in parts, its head last. */
  #recordsOf({ body, isApart, parts, piecesBefore, place }: Write<T>): DiskChange[][] {
    const records: DiskChange[][] = [];
    for (const { body, name, piecesBefore } of parts?.values() ?? []) {
      records.push(this.#recordOf(partPlace(place, name), body, piecesBefore, false));
    }
    records.push(this.#recordOf(place, body, piecesBefore, isApart));
    return records;
  }

  #recordOf(
    place: Place,
    body: Uint8Array | undefined,
    piecesBefore: number,
    isApart: boolean,
  ): DiskChange[] {
    const changes: DiskChange[] = [];
    let pieceCount = 0;
    if (body === undefined) {
      changes.push({ key: headKey(place) });
    } else {
      const compressor = this.#compressorFor(place);
      const { head, pieces } = encodeRecord(place, body, this.#pieceBytes, isApart, compressor);
      changes.push({ key: headKey(place), value: head });
      for (const value of pieces) changes.push({ key: pieceKey(place, pieceCount++), value });
    }
    for (let index = pieceCount; index < piecesBefore; index++) {
      changes.push({ key: pieceKey(place, index) });
    }
    return changes;
  }

  #newRoom(): Room {
    const { limits } = this.#disk;
    const changes = Math.min(this.#stepChanges, limits.batchChanges);
    return new Room(this.#disk, changes, Math.min(STEP_BYTES, limits.batchBytes));
  }
}

/** Counts what a batch holds against its limits. */
class Room {
  readonly #disk: Disk;
  readonly #changesMax: number;
  readonly #bytesMax: number;
  #changes = 0;
  #keyBytes = 0;
  #bytes = 0;

  constructor(disk: Disk, changesMax: number, bytesMax: number) {
    this.#disk = disk;
    this.#changesMax = changesMax;
    this.#bytesMax = bytesMax;
  }

  /** Takes changes that belong together if there is room; the first always, as the disk takes each alone. */
  takes(changes: readonly DiskChange[]): boolean {
    const isFirst = this.#changes === 0;
    this.#changes += changes.length;
    for (const { key, value } of changes) {
      const keyBytes = this.#disk.keyBytes(key);
      this.#keyBytes += keyBytes;
      this.#bytes += 2 * keyBytes + (value?.length ?? 0);
    }
    return isFirst ||
      this.#changes <= this.#changesMax && this.#bytes <= this.#bytesMax &&
        this.#keyBytes <= this.#disk.limits.batchKeyBytes;
  }
}
