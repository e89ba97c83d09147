// The disk on Deno KV.
//
// Deno KV serves each handle with one thread, and a commit holds that thread until the file is synced: a
// read behind a commit waits for it. So commits have one handle and reads another on the same file. Every
// commit that resolves is durable, because Deno KV leaves SQLite at its default, which syncs the
// write-ahead log at each commit.
//
// Three things of Deno KV are left alone on purpose: `sum`, `min` and `max`, which may apply half of a batch
// that fails; `expireIn`, which may be a minute late; and values that are not bytes, since cloning a view
// would store the whole buffer behind it.
//
// Deno ends the whole process when its collector of expired keys meets a damaged page, with a message that
// does not name the file. So the pages that the collector starts from are read before Deno KV opens the
// file, and all of them if the last run ended badly: see store_check.ts. Records have checksums of their own.
//
// A lack of room is an error of its own. Where SQLite cannot tell it from a broken device, a file beside the
// database is tried; see kv_error.ts and room.ts.
//
// Before a commit is acknowledged the file is looked at: it must be the one that was opened, at its place, see
// store_watch.ts. The same is done while there are no commits. Once it is not, or SQLite has called it damaged,
// nothing is acknowledged any more: what would be written may be gone at the next start.
//
// A marker says that the file is ours and in which format. Its key cannot be written as a DiskKey, so no
// range ever lists it.

import { dirname } from "node:path";
import { encodedKvKeyBytes } from "../base/kv_key.ts";
import type {
  Disk,
  DiskChange,
  DiskEntry,
  DiskKey,
  DiskLimits,
  DiskLoss,
  DiskRange,
  DiskRoom,
} from "../ports/disk.ts";
import { DenamoError, DiskFullError, type FailedOutcome, messageOf } from "../wire/errors.ts";
import { troubleOf } from "./kv_error.ts";
import { hasNoRoom, roomAt } from "./room.ts";
import { SetAsides } from "./set_aside.ts";
import { checkOuterPages } from "./store_check.ts";
import { StoreWatch } from "./store_watch.ts";

/** What Deno KV takes in one atomic operation. */
const DENO_KV_LIMITS: DiskLimits = {
  valueBytes: 65_536,
  batchBytes: 819_200,
  batchKeyBytes: 81_920,
  batchChanges: 1000,
};

const MARKER_KEY: Deno.KvKey = [true, "denamo"];

/** The format of what lies in the file. */
export const STORE_FORMAT = 1;

/** How often the file is looked at while there are no commits, in milliseconds. */
const LOOK_EVERY_MS = 500;

/**
 * After so long without a look the file is looked at before a commit as well, in milliseconds: a commit can make a file
 * longer again that was cut before it.
 */
const QUIET_MS = 50;

/** How many entries one round to the reading thread fetches: enough to pay for it, bounded in memory. */
const RANGE_BATCH_COUNT = 256;

export interface DenoKvDiskOptions {
  /** Where copies go; default beside the file. */
  readonly setAsides?: SetAsides | undefined;
  /** A file that must stay in its place as well, such as the lock. */
  readonly lockPath?: string | undefined;
  /** Called once when SQLite calls the open file damaged, with what it says. */
  readonly onDamage?: ((reason: string) => void) | undefined;
}

/** The files of a store, the main one first. */
export function storeFiles(path: string): string[] {
  return [path, `${path}-wal`, `${path}-shm`];
}

/**
 * Opens a file as a disk and makes it if there is none. One process may open a file at a time.
 *
 * @throws {DenamoError} `disk_failed`, naming the path, if the file is damaged, foreign or of a later format
 */
export async function openDenoKvDisk(
  path: string,
  options: DenoKvDiskOptions = {},
): Promise<Disk> {
  if (path === "" || path === ":memory:") {
    throw new TypeError("A disk on Deno KV needs the path of a file");
  }
  const handles: Deno.Kv[] = [];
  try {
    if (await isFilled(path)) checkOuterPages(path);
    const commits = await Deno.openKv(path);
    handles.push(commits);
    await checkMarker(commits);
    const reads = await Deno.openKv(path);
    handles.push(reads);
    return new DenoKvDisk(path, commits, reads, options);
  } catch (error) {
    for (const handle of handles) handle.close();
    throw failure(`Cannot open the database ${path}`, "no", error);
  }
}

class DenoKvDisk implements Disk {
  readonly limits = DENO_KV_LIMITS;
  readonly #path: string;
  readonly #commits: Deno.Kv;
  readonly #reads: Deno.Kv;
  readonly #setAsides: SetAsides;
  readonly #watch: StoreWatch;
  readonly #onDamage: (reason: string) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #lost = Promise.withResolvers<DiskLoss>();
  #loss: DiskLoss | undefined;
  #lastCommit: Promise<void> = Promise.resolve();
  #lookedAtMs = performance.now();
  #isClosed = false;

  constructor(path: string, commits: Deno.Kv, reads: Deno.Kv, options: DenoKvDiskOptions) {
    this.#path = path;
    this.#commits = commits;
    this.#reads = reads;
    this.#setAsides = options.setAsides ??
      new SetAsides(dirname(path), { node: "", format: STORE_FORMAT });
    this.#onDamage = options.onDamage ?? (() => {});
    const { lockPath } = options;
    const [store, log] = storeFiles(path);
    this.#watch = new StoreWatch([store!, log!, ...(lockPath === undefined ? [] : [lockPath])]);
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  get lost(): Promise<DiskLoss> {
    return this.#lost.promise;
  }

  async get(key: DiskKey): Promise<Uint8Array | undefined> {
    this.#checkReadable();
    try {
      const { value } = await this.#reads.get(key);
      return value === null ? undefined : asBytes(value);
    } catch (error) {
      throw this.#failure(`Cannot read from ${this.#path}`, "no", error);
    }
  }

  async range({ start, end }: DiskRange, limit: number): Promise<DiskEntry[]> {
    this.#checkReadable();
    const entries: DiskEntry[] = [];
    if (limit <= 0) return entries;
    const batchSize = Math.min(limit, RANGE_BATCH_COUNT);
    try {
      for await (const { key, value } of this.#reads.list({ start, end }, { limit, batchSize })) {
        entries.push({ key: key as DiskKey, value: asBytes(value) });
      }
    } catch (error) {
      throw this.#failure(`Cannot read from ${this.#path}`, "no", error);
    }
    return entries;
  }

  commit(batch: readonly DiskChange[]): Promise<void> {
    const done = this.#lastCommit.then(() => this.#apply(batch));
    // The caller has the error; the next commit only waits for the end of this one.
    this.#lastCommit = done.catch(() => {});
    return done;
  }

  keyBytes(key: DiskKey): number {
    return encodedKvKeyBytes(key);
  }

  room(): Promise<DiskRoom | undefined> {
    return roomAt(this.#path);
  }

  setAside(reason: string): Promise<string> {
    const done = this.#lastCommit.then(() => {
      this.#checkWritable();
      // No commit is under way, and nobody else writes. SQLite makes the third file again.
      return this.#setAsides.copy(storeFiles(this.#path).slice(0, 2), reason);
    });
    this.#lastCommit = done.then(() => {}, () => {});
    return done;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    const commits = this.#lastCommit;
    this.#lastCommit = commits.then(() => this.#closeHandles());
    await this.#lastCommit;
  }

  async #apply(batch: readonly DiskChange[]): Promise<void> {
    if (performance.now() - this.#lookedAtMs > QUIET_MS) this.#look();
    this.#checkWritable();
    if (batch.length === 0) return;
    const atomic = this.#commits.atomic();
    try {
      for (const { key, value } of batch) {
        if (value === undefined) atomic.delete(key);
        else atomic.set(key, value);
      }
      await atomic.commit();
    } catch (error) {
      const action = `Cannot commit to ${this.#path}`;
      const trouble = troubleOf(error);
      if (trouble === "limit") {
        throw new RangeError(`${action}: ${messageOf(error)}`, { cause: error });
      }
      const isFull = trouble === "full" ||
        trouble === "device" && await hasNoRoom(this.#path, sizeOf(batch));
      throw isFull ? new DiskFullError(action, error) : this.#failure(action, "unknown", error);
    }
    this.#look();
    if (this.#loss !== undefined) throw lossError(this.#loss, "unknown");
  }

  /** Looks whether the file is still the one that was opened, at its place. */
  #look(): void {
    if (this.#loss?.kind === "gone" || this.#isClosed) return;
    this.#lookedAtMs = performance.now();
    let problem: string | undefined;
    try {
      problem = this.#watch.problem();
    } catch (error) {
      problem = `${this.#path} cannot be found any more: ${messageOf(error)}`;
    }
    if (problem !== undefined) this.#lose({ kind: "gone", reason: problem });
  }

  #lose(loss: DiskLoss): void {
    this.#loss = loss;
    this.#lost.resolve(loss);
  }

  #failure(action: string, outcome: FailedOutcome, cause: unknown): DenamoError {
    if (troubleOf(cause) === "damaged" && this.#loss === undefined) {
      const reason = `${this.#path} is damaged: ${messageOf(cause)}`;
      this.#lose({ kind: "damaged", reason });
      this.#onDamage(reason);
    }
    return failure(action, outcome, cause);
  }

  #closeHandles(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#reads.close();
    this.#commits.close();
  }

  #checkReadable(): void {
    if (this.#isClosed) throw new DenamoError("stopped", "no", `The disk ${this.#path} is closed`);
    if (this.#loss?.kind === "gone") throw lossError(this.#loss, "no");
  }

  #checkWritable(): void {
    this.#checkReadable();
    if (this.#loss !== undefined) throw lossError(this.#loss, "no");
  }
}

async function isFilled(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).size > 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Recognises our file, marks an empty one, and refuses every other. */
async function checkMarker(kv: Deno.Kv): Promise<void> {
  const { value } = await kv.get(MARKER_KEY);
  if (value === STORE_FORMAT) return;
  if (typeof value === "number") {
    throw new Error(
      `its format ${value} is unknown, this version of Denamo reads ${STORE_FORMAT}: start the version that wrote it`,
    );
  }
  for await (const _ of kv.list({ prefix: [] }, { limit: 1 })) {
    throw new Error("it holds the data of another program: move it away, or choose another --data");
  }
  await kv.set(MARKER_KEY, STORE_FORMAT);
}

function sizeOf(batch: readonly DiskChange[]): number {
  return batch.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
}

function asBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new Error("it holds a value that is not bytes");
}

function lossError({ reason }: DiskLoss, outcome: FailedOutcome): DenamoError {
  return new DenamoError("disk_failed", outcome, reason);
}

function failure(action: string, outcome: FailedOutcome, cause: unknown): DenamoError {
  const error = new DenamoError("disk_failed", outcome, `${action}: ${messageOf(cause)}`);
  error.cause = cause;
  return error;
}
