// Group commit: what arrives while the disk is busy goes to it together.
//
// A commit costs a sync of the file, whether it carries one change or a hundred. So one commit is in flight
// at a time, and the changes that come meanwhile gather in the next batch; of several changes of one key in
// it only the last is written. The more load, the larger the batches. Whoever waits for a batch shares
// one promise, so that a change costs no promise of its own.
//
// Batches go to the disk in the order in which they were opened, and no change moves from its batch. So a
// later change of a key is never on the disk without those before it.

import type { Disk, DiskChange } from "../ports/disk.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";
import { encodeRecord, headBytesOf, headKey, pieceKey, type Place } from "./record.ts";

/**
 * How many turns of the microtask queue pass between the first change of a batch and its start. Callers who
 * waited for one batch come back with their next change within a few turns: they should share a sync.
 */
const GATHERING_TURNS = 12;

/** One change on its way to the disk. */
export interface Write {
  /** The name of `place`; see record.ts. */
  readonly name: string;
  readonly place: Place;
  /** The object's bytes; undefined removes the record. */
  readonly body: Uint8Array | undefined;
  readonly pieceCount: number;
  /** At most so many pieces can lie on the disk when this is written; those beyond `pieceCount` go. */
  readonly piecesBefore: number;
}

/** What becomes of the writes of a batch. Called before those who wait for it. */
export interface Outcomes<W extends Write> {
  durable(writes: Iterable<W>): void;
  /** The disk failed; each of the writes may be on it or not. */
  failed(writes: Iterable<W>, error: DenamoError): void;
}

/** What a write adds to a batch, as the disk counts it. */
interface Load {
  readonly changes: number;
  readonly keyBytes: number;
  readonly bytes: number;
}

export class GroupCommit<W extends Write> {
  readonly #disk: Disk;
  readonly #pieceBytes: number;
  readonly #outcomes: Outcomes<W>;
  /** The batches that have not begun; only the last takes further writes. */
  readonly #queue: Batch<W>[] = [];
  #running: Promise<void> | undefined;
  batchCount = 0;
  failedBatchCount = 0;
  writtenCount = 0;
  writtenBytes = 0;
  /** What waits or is in flight, as the disk counts it. */
  pendingBytes = 0;

  constructor(disk: Disk, pieceBytes: number, outcomes: Outcomes<W>) {
    this.#disk = disk;
    this.#pieceBytes = pieceBytes;
    this.#outcomes = outcomes;
  }

  /** Takes a write. The promise resolves when it is durable; many writes share it. */
  add(write: W): Promise<void> {
    const load = this.#loadOf(write);
    let batch = this.#queue.at(-1);
    if (batch === undefined || !batch.takes(write, load, this.#disk.limits)) {
      batch = new Batch<W>();
      this.#queue.push(batch);
    }
    this.pendingBytes += batch.add(write, load);
    this.#running ??= this.#run();
    return batch.done.promise;
  }

  /** Resolves when nothing waits, whether it succeeded or not. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      for (let turn = 0; turn < GATHERING_TURNS; turn++) await undefined;
      const batch = this.#queue.shift()!;
      try {
        await this.#write(batch);
      } catch (cause) {
        this.failedBatchCount++;
        this.pendingBytes -= batch.bytes;
        const error = commitError(batch.writes.size, cause);
        this.#outcomes.failed(batch.writes.values(), error);
        batch.done.reject(error);
        continue;
      }
      this.batchCount++;
      this.pendingBytes -= batch.bytes;
      this.writtenCount += batch.writes.size;
      this.#outcomes.durable(batch.writes.values());
      batch.done.resolve();
    }
    this.#running = undefined;
  }

  async #write(batch: Batch<W>): Promise<void> {
    const changes: DiskChange[] = [];
    for (const write of batch.writes.values()) this.#appendChanges(changes, write);
    await this.#disk.commit(changes);
  }

  #appendChanges(changes: DiskChange[], { place, body, piecesBefore }: W): void {
    let pieceCount = 0;
    if (body === undefined) {
      changes.push({ key: headKey(place) });
    } else {
      const { head, pieces } = encodeRecord(place, body, this.#pieceBytes);
      changes.push({ key: headKey(place), value: head });
      for (const value of pieces) changes.push({ key: pieceKey(place, pieceCount++), value });
      this.writtenBytes += head.length + (pieceCount > 0 ? body.length : 0);
    }
    for (let index = pieceCount; index < piecesBefore; index++) {
      changes.push({ key: pieceKey(place, index) });
    }
  }

  #loadOf({ place, body, pieceCount, piecesBefore }: W): Load {
    const headKeyBytes = this.#disk.keyBytes(headKey(place));
    const pieces = Math.max(pieceCount, piecesBefore);
    const pieceKeyBytes = pieces === 0 ? 0 : pieces * this.#disk.keyBytes(pieceKey(place, 0));
    const keyBytes = headKeyBytes + pieceKeyBytes;
    let bytes = 2 * keyBytes;
    if (body !== undefined) {
      bytes += headBytesOf(body.length, this.#pieceBytes) + (pieceCount > 0 ? body.length : 0);
    }
    return { changes: 1 + pieces, keyBytes, bytes };
  }
}

class Batch<W extends Write> {
  readonly writes = new Map<string, W>();
  readonly done = Promise.withResolvers<void>();
  readonly #loads = new Map<string, Load>();
  #changes = 0;
  #keyBytes = 0;
  bytes = 0;

  /** Whether there is room for a write, in place of an earlier one of the same place. */
  takes({ name }: W, load: Load, limits: Disk["limits"]): boolean {
    const replaced = this.#loads.get(name);
    const { changes, keyBytes, bytes } = replaced ?? { changes: 0, keyBytes: 0, bytes: 0 };
    return this.#changes - changes + load.changes <= limits.batchChanges &&
      this.#keyBytes - keyBytes + load.keyBytes <= limits.batchKeyBytes &&
      this.bytes - bytes + load.bytes <= limits.batchBytes;
  }

  /** Returns by how many bytes the batch has grown. */
  add(write: W, load: Load): number {
    const bytesBefore = this.bytes;
    const replaced = this.#loads.get(write.name);
    if (replaced !== undefined) this.#count(replaced, -1);
    this.#count(load, 1);
    this.#loads.set(write.name, load);
    this.writes.set(write.name, write);
    return this.bytes - bytesBefore;
  }

  #count({ changes, keyBytes, bytes }: Load, times: number): void {
    this.#changes += times * changes;
    this.#keyBytes += times * keyBytes;
    this.bytes += times * bytes;
  }
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
