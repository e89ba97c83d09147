// A disk: ordered keys, values of bytes, batches that happen whole or not at all.
//
// The contract, which tests/contracts/disk_contract.ts checks of every implementation:
// - `commit` resolves when the whole batch is durable: it survives the loss of power. Until then a
//   crash leaves all of the batch or nothing of it. A rejected commit may have happened or not.
// - A commit that is refused for lack of room rejects with DiskFullError (wire/errors.ts). The disk goes on: it
//   serves reads, and takes the next commit for which there is room.
// - Commits take effect in the order in which they were called.
// - A `get` or `range` called after a commit has resolved sees it.
// - The bytes of a batch may not change before its commit has ended; bytes that are handed out belong to
//   whoever asked for them.
// - `range` is not a snapshot: what is written meanwhile may be seen or missed.
// - `setAside` keeps a copy of all commits that were called before it, and of none that is called later. It takes
//   its place in their order.
// - When `lost` resolves, no commit resolves any more. Of a disk that is gone nothing can be read either.

import { compareBytes, utf8 } from "../base/bytes.ts";

/** One part of a key. Byte strings come before texts, texts before numbers. */
export type DiskKeyPart = Uint8Array | string | number;

/** A key: parts that are compared one after the other; a prefix comes first. */
export type DiskKey = readonly DiskKeyPart[];

/** One change of a batch: no value means removal. */
export interface DiskChange {
  readonly key: DiskKey;
  readonly value?: Uint8Array | undefined;
}

export interface DiskEntry {
  readonly key: DiskKey;
  readonly value: Uint8Array;
}

/** The keys from `start` (included) to `end` (excluded). */
export interface DiskRange {
  readonly start: DiskKey;
  readonly end: DiskKey;
}

/** The largest batch and value that a disk takes. All sizes in bytes. */
export interface DiskLimits {
  readonly valueBytes: number;
  /** All values and keys of a batch; a key that comes with a value counts twice. */
  readonly batchBytes: number;
  /** All keys of a batch, each once. */
  readonly batchKeyBytes: number;
  readonly batchChanges: number;
}

/** How much room there is where a disk keeps its data, for all who use the same device. In bytes. */
export interface DiskRoom {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Why an open disk is of no use until it is opened again. */
export interface DiskLoss {
  /** `gone`: it is not where it was, or is another one. `damaged`: parts of it cannot be read. */
  readonly kind: "gone" | "damaged";
  /** A sentence that names the place and says what has happened. */
  readonly reason: string;
}

export interface Disk {
  readonly limits: DiskLimits;

  /** Resolves when the disk is lost while it is open; for most disks it never does. */
  readonly lost: Promise<DiskLoss>;

  /** Resolves with the value, or with undefined where there is none. Rejects when it cannot be read. */
  get(key: DiskKey): Promise<Uint8Array | undefined>;

  /** At most `limit` entries of a range in the order of their keys. */
  range(range: DiskRange, limit: number): Promise<DiskEntry[]>;

  /**
   * Applies a batch; see the contract above.
   *
   * @throws {RangeError} if the batch is over the limits
   * @throws {DiskFullError} if there is no room for it
   */
  commit(batch: readonly DiskChange[]): Promise<void>;

  /** The size of a key as it counts towards the limits, in bytes. */
  keyBytes(key: DiskKey): number;

  /** Resolves with the room that is left, or with undefined where nobody can tell. Never rejects. */
  room(): Promise<DiskRoom | undefined>;

  /**
   * Keeps a copy of all that the disk holds, out of the way of what comes later, so that an operator can look at it
   * or put it back. Resolves with where it lies when it is durable. It is kept for some days.
   *
   * @param reason why, as a sentence
   * @throws {DiskFullError} if there is no room for it; nothing was kept
   */
  setAside(reason: string): Promise<string>;

  /** Waits for the commits under way and gives the disk back. */
  close(): Promise<void>;
}

/** Orders keys as every disk does. */
export function compareDiskKeys(a: DiskKey, b: DiskKey): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const order = compareParts(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareParts(a: DiskKeyPart, b: DiskKeyPart): number {
  const kind = rank(a) - rank(b);
  if (kind !== 0) return kind;
  if (typeof a === "number") return a - (b as number);
  if (typeof a === "string") return compareBytes(utf8(a), utf8(b as string));
  return compareBytes(a, b as Uint8Array);
}

function rank(part: DiskKeyPart): number {
  if (typeof part === "number") return 2;
  return typeof part === "string" ? 1 : 0;
}
