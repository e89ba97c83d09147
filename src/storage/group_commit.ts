// Group commit: what arrives while the disk is busy goes to it together.
//
// A commit costs a sync of the file, whether it carries one change or a hundred. So one commit is in flight
// at a time, and the changes that come meanwhile gather in the next batch; of several changes of one key in
// it only the last is written. The more load, the larger the batches. Whoever waits for a batch shares
// one promise, so that a change costs no promise of its own.
//
// Batches go to the journal in the order in which they were opened, and no change moves from its batch. So a
// later change of a key is never on the disk without those before it.
//
// Flushing has its turns between the commits, one small step after each while it is due, and goes on alone
// when nothing waits. So the disk does one thing at a time, and a commit waits for one step at most, unless
// the journal has reached its utmost bound.

import { DenamoError, messageOf } from "../wire/errors.ts";
import type { Flusher } from "./flusher.ts";
import type { Journal } from "./journal.ts";
import { changeBytesOf } from "./journal_format.ts";
import { takeOver, type Write } from "./write.ts";

/**
 * How many turns of the microtask queue pass between the first change of a batch and its start. Callers who
 * waited for one batch come back with their next change within a few turns: they should share a sync.
 */
const GATHERING_TURNS = 12;

/** What becomes of the writes of a batch. Called before those who wait for it. */
export interface Outcomes<T> {
  /** The entry `sequence` of the journal holds them. */
  durable(writes: Iterable<Write<T>>, sequence: number): void;
  /** The disk failed; each of the writes may be on it or not. */
  failed(writes: Iterable<Write<T>>, error: DenamoError): void;
}

export class GroupCommit<T> {
  readonly #journal: Journal;
  readonly #flusher: Flusher<T>;
  readonly #outcomes: Outcomes<T>;
  /** The batches that have not begun; only the last takes further writes. */
  readonly #queue: Batch<T>[] = [];
  #running: Promise<void> | undefined;
  #isEnding = false;
  batchCount = 0;
  failedBatchCount = 0;
  writtenCount = 0;
  /** What waits or is in flight, in bytes of the journal. */
  pendingBytes = 0;

  constructor(journal: Journal, flusher: Flusher<T>, outcomes: Outcomes<T>) {
    this.#journal = journal;
    this.#flusher = flusher;
    this.#outcomes = outcomes;
  }

  /** Takes a write. The promise resolves when it is durable; many writes share it. */
  add(write: Write<T>): Promise<void> {
    let batch = this.#queue.at(-1);
    if (batch === undefined || !batch.takes(write, this.#journal.entryBytesMax)) {
      batch = new Batch<T>();
      this.#queue.push(batch);
    }
    this.pendingBytes += batch.add(write);
    this.#running ??= this.#run();
    return batch.done.promise;
  }

  /** A write has failed on which a later one of its key builds, which waits: that takes over what is missing. */
  takeOver(failed: Write<T>): void {
    for (const batch of this.#queue) {
      const later = batch.writes.get(failed.name);
      if (later === undefined) continue;
      const before = bytesOf(later);
      takeOver(later, failed);
      batch.bytes += bytesOf(later) - before;
      this.pendingBytes += bytesOf(later) - before;
      return;
    }
  }

  /** Flushes no more, and resolves when nothing waits, whether it succeeded or not. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 || this.#shouldFlush()) {
      if (this.#queue.length > 0) {
        for (let turn = 0; turn < GATHERING_TURNS; turn++) await undefined;
        await this.#commit(this.#queue.shift()!);
        this.#flusher.committed();
      }
      if (this.#shouldFlush()) await this.#flusher.flushSome();
    }
    this.#running = undefined;
  }

  #shouldFlush(): boolean {
    return !this.#isEnding && this.#flusher.isDue;
  }

  async #commit(batch: Batch<T>): Promise<void> {
    let sequence: number;
    try {
      await this.#flusher.makeRoom();
      sequence = await this.#journal.append(batch.writes.values());
    } catch (cause) {
      this.failedBatchCount++;
      this.pendingBytes -= batch.bytes;
      const error = commitError(batch.writes.size, cause);
      this.#outcomes.failed(batch.writes.values(), error);
      batch.done.reject(error);
      return;
    }
    this.batchCount++;
    this.pendingBytes -= batch.bytes;
    this.writtenCount += batch.writes.size;
    this.#outcomes.durable(batch.writes.values(), sequence);
    batch.done.resolve();
  }
}

class Batch<T> {
  readonly writes = new Map<string, Write<T>>();
  readonly done = Promise.withResolvers<void>();
  bytes = 0;

  /** Whether there is room for a write, in place of an earlier one of the same place. */
  takes(write: Write<T>, limitBytes: number): boolean {
    return this.bytes + this.#growthBy(write) <= limitBytes;
  }

  /** Returns by how many bytes the batch has grown. */
  add(write: Write<T>): number {
    const replaced = this.writes.get(write.name);
    const replacedBytes = replaced === undefined ? 0 : bytesOf(replaced);
    if (replaced !== undefined) takeOver(write, replaced);
    const growth = bytesOf(write) - replacedBytes;
    this.writes.set(write.name, write);
    this.bytes += growth;
    return growth;
  }

  /** What a change would add at most. */
  #growthBy(write: Write<T>): number {
    const replaced = this.writes.get(write.name);
    if (replaced === undefined || write.parts !== undefined) return bytesOf(write);
    return bytesOf(write) - bytesOf(replaced);
  }
}

function bytesOf({ body, parts, place }: Write<unknown>): number {
  return changeBytesOf(place.key.length, body?.length ?? 0, parts);
}

function commitError(writeCount: number, cause: unknown): DenamoError {
  const error = new DenamoError(
    "disk_failed",
    "unknown",
    `A commit of ${writeCount} changes failed: ${messageOf(cause)}`,
  );
  error.cause = cause;
  return error;
}
