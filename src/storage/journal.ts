// The journal: what was committed and is not in the records yet, in the order of the commits.
//
// To write a record costs the disk many times what its bytes cost in a long value. So a commit appends its
// changes here, and the records follow later, without the versions that were overwritten meanwhile. An entry
// may go when everything in it is either in its record or overwritten by a later entry: always the oldest
// first, so that what is left is the end of the sequence without gaps. Replaying it gives the latest state
// of each key in it, whatever part of it the records have already.
//
// A commit that failed may be on the disk nevertheless. The next one takes its number and so its place. After
// a crash in between a replay may find it: a change whose outcome nobody knew has then happened, and
// nothing was acknowledged after it.

import { assert } from "../base/assert.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { concatBytes } from "../base/bytes.ts";
import { MalformedError } from "../base/malformed.ts";
import type { Disk, DiskChange } from "../ports/disk.ts";
import {
  corruptEntry,
  JOURNAL_HEADER_BYTES,
  type JournalChange,
  journalKey,
  journalRange,
  openValue,
  readChanges,
  sealEntry,
  VALUE_COUNT_MAX,
  writeChange,
} from "./journal_format.ts";

/** The part of an entry that one value holds: as much as a disk takes, and some room. */
export const JOURNAL_PART_BYTES = 60_000;

/** How many values of the journal one read of the disk asks for. */
const REPLAY_PAGE_COUNT = 64;

export interface JournalEntry {
  readonly sequence: number;
  readonly valueCount: number;
  readonly bytes: number;
}

export class Journal {
  readonly #disk: Disk;
  readonly #partBytes: number;
  /** How many values fit one batch of the disk. */
  readonly #valueCountMax: number;
  readonly #writer = new ByteWriter(1024);
  /** The oldest first. */
  readonly #entries: JournalEntry[] = [];
  #nextSequence = 1;
  /** How many values of failed commits can lie where the next entry goes. */
  #leftoverCount = 0;
  /** How many bytes an entry can have that is written in one batch: larger ones hold a single change. */
  readonly entryBytesMax: number;
  bytes = 0;
  /** What was appended since the start. */
  writtenBytes = 0;

  constructor(disk: Disk, partBytes = JOURNAL_PART_BYTES) {
    const { valueBytes, batchBytes, batchKeyBytes, batchChanges } = disk.limits;
    const keyBytes = disk.keyBytes(journalKey(0, 0));
    const storedBytes = JOURNAL_HEADER_BYTES + partBytes;
    assert(storedBytes <= valueBytes, "a value of the journal fits the disk");
    this.#valueCountMax = Math.floor(Math.min(
      batchChanges,
      batchKeyBytes / keyBytes,
      batchBytes / (storedBytes + 2 * keyBytes),
    ));
    this.#disk = disk;
    this.#partBytes = partBytes;
    this.entryBytesMax = this.#valueCountMax * partBytes;
  }

  /** The oldest first. */
  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  /**
   * Reads what an earlier run left, oldest first. Call it once, before anything else.
   *
   * @throws {CorruptError} if an entry is not what was written
   */
  async replay(apply: (change: JournalChange, sequence: number) => void): Promise<void> {
    let range = journalRange(0, 0);
    const parts: Uint8Array[] = [];
    let left = 0;
    for (;;) {
      const page = await this.#disk.range(range, REPLAY_PAGE_COUNT);
      for (const { key, value } of page) {
        const sequence = key[1] as number;
        const index = key[2] as number;
        this.#checkPlace(sequence, index, parts.length);
        const { part, following } = openValue(sequence, index, value);
        if (parts.length > 0 && following !== left - 1) {
          throw corruptEntry(sequence, `value ${index} does not follow the one before it`);
        }
        parts.push(part);
        left = following;
        if (following > 0) continue;
        // Most entries are one value, whose bytes are ours alone.
        const entry = parts.length === 1 ? part : concatBytes(parts);
        this.#replayEntry(sequence, entry, parts.length, apply);
        parts.length = 0;
      }
      const last = page.at(-1);
      if (last === undefined || page.length < REPLAY_PAGE_COUNT) break;
      range = journalRange(last.key[1] as number, (last.key[2] as number) + 1);
    }
    if (parts.length === 0) return;
    // A crash between two batches of an entry leaves whole batches of it, and nothing behind it.
    if (parts.length % this.#valueCountMax !== 0) {
      throw corruptEntry(this.#nextSequence, `its last ${left} values are missing`);
    }
    this.#leftoverCount = parts.length;
  }

  /** Appends one entry. Resolves with its number when it is durable. */
  async append(changes: Iterable<JournalChange>): Promise<number> {
    const sequence = this.#nextSequence;
    this.#writer.reset();
    for (const change of changes) writeChange(this.#writer, change);
    const entry = this.#writer.view();
    const values = sealEntry(sequence, entry, this.#partBytes);
    const most = Math.min(VALUE_COUNT_MAX, this.#disk.limits.batchChanges);
    assert(values.length <= most, "an entry of the journal can be removed in one batch");
    const entryBytes = entry.length;
    await this.#removeLeftover();
    const leftoverCount = this.#leftoverCount;
    this.#leftoverCount = Math.max(values.length, leftoverCount);
    for (let at = 0; at < values.length; at += this.#valueCountMax) {
      const batch: DiskChange[] = values.slice(at, at + this.#valueCountMax).map((value, index) => {
        return { key: journalKey(sequence, at + index), value };
      });
      // What a failed commit has left goes with the first batch: it must not complete another entry.
      for (let index = batch.length; at === 0 && index < leftoverCount; index++) {
        batch.push({ key: journalKey(sequence, index) });
      }
      await this.#disk.commit(batch);
    }
    this.#leftoverCount = 0;
    this.writtenBytes += this.#keep(sequence, entryBytes, values.length);
    return sequence;
  }

  /** Removes what a failed entry of several batches has left, the last batch first, but for one batch. */
  async #removeLeftover(): Promise<void> {
    while (this.#leftoverCount > this.#valueCountMax) {
      const count = this.#leftoverCount;
      const from = count - 1 - (count - 1) % this.#valueCountMax;
      const indices = Array.from({ length: count - from }, (_, i) => from + i);
      await this.#disk.commit(indices.map((index) => {
        return { key: journalKey(this.#nextSequence, index) };
      }));
      this.#leftoverCount = from;
    }
  }

  /** What removes an entry from the disk. */
  removalOf({ sequence, valueCount }: JournalEntry): DiskChange[] {
    return Array.from({ length: valueCount }, (_, index) => ({ key: journalKey(sequence, index) }));
  }

  /** The first `count` entries have been removed from the disk. */
  forget(count: number): void {
    for (const { bytes } of this.#entries.splice(0, count)) this.bytes -= bytes;
  }

  #keep(sequence: number, entryBytes: number, valueCount: number): number {
    const bytes = entryBytes + valueCount * JOURNAL_HEADER_BYTES;
    this.#entries.push({ sequence, valueCount, bytes });
    this.bytes += bytes;
    this.#nextSequence = sequence + 1;
    return bytes;
  }

  #checkPlace(sequence: number, index: number, partCount: number): void {
    const expected = this.#entries.length === 0 && partCount === 0 ? sequence : this.#nextSequence;
    if (sequence !== expected) throw corruptEntry(expected, "it is missing, or its end is");
    if (index !== partCount) throw corruptEntry(sequence, `value ${partCount} is missing`);
    this.#nextSequence = sequence;
  }

  #replayEntry(
    sequence: number,
    entry: Uint8Array,
    valueCount: number,
    apply: (change: JournalChange, sequence: number) => void,
  ): void {
    try {
      for (const change of readChanges(entry)) apply(change, sequence);
    } catch (error) {
      if (error instanceof MalformedError) throw corruptEntry(sequence, error.message);
      throw error;
    }
    this.#keep(sequence, entry.length, valueCount);
  }
}
