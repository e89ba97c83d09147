// The store of a node: opened if it is sound, and set aside if it is not.
//
// A damaged store is found out before Deno KV opens it, see store_check.ts, or by the node that reads its journal, see
// start_node.ts. It is moved out of the way whole, with the reason; then the node has lost its disk, as far as the rest of
// Denamo is concerned, and fills its copies from the other owners. It does so by itself only if others have them.
// Otherwise the start fails and says what to type.

import { DenamoError, messageOf } from "../wire/errors.ts";
import type { Disk } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import {
  type ClusterNote,
  hasCopiesElsewhere,
  readClusterNote,
  writeClusterNote,
} from "./cluster_note.ts";
import type { DataDirectory } from "./data_directory.ts";
import { openDenoKvDisk, STORE_FORMAT, storeFiles } from "./deno_kv_disk.ts";
import { isPresent } from "./durable_files.ts";
import { troubleOf } from "./kv_error.ts";
import { RunNote } from "./run_note.ts";
import { keptUntilMs, SetAsides } from "./set_aside.ts";
import { pageProblem } from "./store_check.ts";
import { walProblem } from "./wal_check.ts";

/** How large a store is checked at every start, in bytes: that takes a tenth of a second. */
const ALWAYS_CHECKED_BYTES = 256 * 1024 ** 2;

/** How large a store is checked after a run that ended badly: some seconds, or more from a slow device. */
const CHECKED_AFTER_BAD_END_BYTES = 4 * 1024 ** 3;

/**
 * How large a log is checked, in bytes: SQLite empties it at four MiB, or somewhat later if a read goes on. It is read
 * as a whole, which takes a few milliseconds per MiB.
 */
const CHECKED_LOG_BYTES = 256 * 1024 ** 2;

/** After so many bad ends in a row any store is checked. */
const BAD_ENDS_IN_ROW = 2;

/** How often what was set aside is looked through, in milliseconds. */
const PRUNE_EVERY_MS = 60 * 60 * 1_000;

export interface NodeStoreOptions {
  readonly node: string;
  /** Whether the node is to join others, which may have copies of what it holds. */
  readonly joins: boolean;
  /** Whether the operator has said that a damaged store is to be set aside, whoever has copies. */
  readonly setsAsideDamaged: boolean;
  readonly log: Log;
}

/** A store that cannot be used and may not be set aside without an operator. The message says what to type. */
export class StoreDamagedError extends DenamoError {
  override readonly name = "StoreDamagedError";

  constructor(problem: string, why: string, way: string) {
    const flag =
      "start this node with --set-aside-damaged, as in denamo node --set-aside-damaged …";
    super(
      "disk_failed",
      "no",
      `${problem}. ${why}, so it is not set aside by itself. ${way}; or ${flag}: its store is then ` +
        "moved to a directory beside it, and the node starts empty",
    );
  }
}

export class NodeStore {
  readonly #directory: DataDirectory;
  readonly #options: NodeStoreOptions;
  readonly #setAsides: SetAsides;
  readonly #note: RunNote;
  readonly #timer: ReturnType<typeof setInterval>;
  #cluster: ClusterNote | undefined;
  #disk: Disk | undefined;
  /** Whether what lay there has been set aside by this run, so that there is nothing to be checked. */
  #isReplaced = false;
  #isGone = false;

  /** Of a directory that this process has locked. @throws {DenamoError} if it cannot be used */
  static async of(directory: DataDirectory, options: NodeStoreOptions): Promise<NodeStore> {
    const { path } = directory;
    const setAsides = new SetAsides(path, { node: options.node, format: STORE_FORMAT });
    const cluster = await readClusterNote(path);
    return new NodeStore(directory, options, setAsides, await RunNote.begin(path), cluster);
  }

  private constructor(
    directory: DataDirectory,
    options: NodeStoreOptions,
    setAsides: SetAsides,
    note: RunNote,
    cluster: ClusterNote | undefined,
  ) {
    this.#directory = directory;
    this.#options = options;
    this.#setAsides = setAsides;
    this.#note = note;
    this.#cluster = cluster;
    this.#timer = setInterval(() => void this.#prune(), PRUNE_EVERY_MS);
  }

  /** The path of the store. */
  get path(): string {
    return this.#directory.kvPath;
  }

  get notedLayoutVersion(): number {
    return this.#cluster?.layoutVersion ?? 0;
  }

  /** Whether a damaged store is set aside without asking. */
  get maySetAside(): boolean {
    const { joins, setsAsideDamaged } = this.#options;
    if (setsAsideDamaged) return true;
    return this.#cluster === undefined ? joins : hasCopiesElsewhere(this.#cluster);
  }

  /**
   * Opens the store, or an empty one in the place of one that is damaged. Call it again once the disk is closed.
   *
   * @throws {StoreDamagedError} if it is damaged and others may have no copies
   * @throws {DenamoError} `disk_failed`, naming the file, if it cannot be opened for another reason
   */
  async open(): Promise<Disk> {
    await this.#prune();
    await this.#tellKept();
    const problem = this.#isReplaced ? undefined : await this.#problem();
    if (problem !== undefined) await this.setAsideDamaged(problem);
    try {
      return await this.#openDisk();
    } catch (error) {
      if (!(error instanceof Error) || troubleOf(error.cause) !== "damaged") throw error;
      await this.setAsideDamaged(messageOf(error));
      return await this.#openDisk();
    }
  }

  /**
   * Moves the store out of the way, which nobody may have open: SQLite deletes the log by its name when it closes a
   * file. Deno KV has done so when its `close` returns.
   *
   * @param problem what is wrong with it, as a sentence that names the file
   * @param isDamage whether it is surely damage, and not what a later version has written
   * @throws {StoreDamagedError} if others may have no copies, or another version could read it
   */
  async setAsideDamaged(problem: string, isDamage = true): Promise<void> {
    if (!this.maySetAside) {
      const why = "Others may have no copies of what it holds";
      throw new StoreDamagedError(problem, why, "Restore it from a backup");
    }
    if (!isDamage && !this.#options.setsAsideDamaged) {
      const why = "A later version of Denamo may have written it";
      throw new StoreDamagedError(problem, why, "Start the version that did");
    }
    const place = await this.#setAsides.move(storeFiles(this.#directory.kvPath), problem);
    this.#isReplaced = true;
    await this.#note.haveReplaced();
    this.#options.log.error(
      `${problem}. It was set aside; this node starts empty and fills its copies from the other owners`,
      { place },
    );
  }

  /** Notes what the node must know of its cluster when its store cannot be read. */
  async noteCluster(note: ClusterNote): Promise<void> {
    if (note.layoutVersion === this.#cluster?.layoutVersion) return;
    this.#cluster = note;
    await writeClusterNote(this.#directory.path, note);
  }

  /** Closes the disk, if it is open, and notes that the run has ended by itself. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#disk?.close();
    // Another directory may be in the place of one that was taken away.
    if (!this.#isGone) await this.#note.end();
  }

  async #openDisk(): Promise<Disk> {
    const disk = await openDenoKvDisk(this.#directory.kvPath, {
      setAsides: this.#setAsides,
      lockPath: this.#directory.lockPath,
      onDamage: (reason) => {
        this.#note.suspect(reason).catch((error) => {
          this.#options.log.warn("Cannot note that the store is damaged", {
            error: messageOf(error),
          });
        });
      },
    });
    void disk.lost.then(({ kind }) => this.#isGone = kind === "gone");
    return this.#disk = disk;
  }

  /** What is wrong with the store that lies there, as a sentence; undefined if nothing is, as far as it was checked. */
  async #problem(): Promise<string | undefined> {
    const path = this.#directory.kvPath;
    const sizeBytes = await sizeOf(path);
    if (sizeBytes === 0) return await this.#problemOfNone();
    const inLog = await this.#problemOfLog();
    if (inLog !== undefined) return inLog;
    const { damage, suspicions, uncheckedEnds } = this.#note.earlier;
    if (damage !== undefined && suspicions > 0) return damage;
    const limitBytes = uncheckedEnds === 0 ? ALWAYS_CHECKED_BYTES : CHECKED_AFTER_BAD_END_BYTES;
    const isDue = damage !== undefined || uncheckedEnds >= BAD_ENDS_IN_ROW;
    if (sizeBytes > limitBytes && !isDue) return undefined;
    if (sizeBytes > ALWAYS_CHECKED_BYTES) {
      this.#options.log.info("The store is checked, as the last run did not end by itself", {
        sizeBytes,
      });
    }
    let problem: string | undefined;
    try {
      problem = pageProblem(path, damage === undefined ? "pages" : "indices");
    } catch (error) {
      const message = `Cannot check the database ${path}: ${messageOf(error)}`;
      throw new DenamoError("disk_failed", "no", message);
    }
    if (problem !== undefined) return `${path} is damaged: ${problem}`;
    if (damage !== undefined) {
      this.#options.log.warn("The store was called damaged, and a check finds it sound", {
        damage,
      });
    }
    await this.#note.foundSound();
    return undefined;
  }

  /** The same of the log that a run leaves which did not end by itself. */
  async #problemOfLog(): Promise<string | undefined> {
    const path = `${this.#directory.kvPath}-wal`;
    const sizeBytes = await sizeOf(path);
    if (sizeBytes === 0 || sizeBytes > CHECKED_LOG_BYTES) return undefined;
    const problem = walProblem(await Deno.readFile(path));
    return problem === undefined ? undefined : `${path} is damaged: ${problem}`;
  }

  /** The same of a store that is missing or empty: it is the first, or something has become of it. */
  async #problemOfNone(): Promise<string | undefined> {
    const path = this.#directory.kvPath;
    // SQLite would delete the log of an empty file.
    const hasLog = await isPresent(`${path}-wal`) && await sizeOf(`${path}-wal`) > 0;
    if (!hasLog && this.#cluster === undefined) return undefined;
    return `${path} is ${
      await isPresent(path) ? "empty" : "missing"
    }, though this node has stored data`;
  }

  async #prune(): Promise<void> {
    try {
      for (const { path, reason } of await this.#setAsides.prune()) {
        this.#options.log.info("Data that was set aside was deleted", { path, reason });
      }
    } catch (error) {
      this.#options.log.warn("Cannot look through what was set aside", { error: messageOf(error) });
    }
  }

  async #tellKept(): Promise<void> {
    for (const kept of await this.#setAsides.list()) {
      const { path, reason, sizeBytes } = kept;
      const until = new Date(keptUntilMs(kept)).toISOString();
      this.#options.log.info("Data that was set aside is kept", { path, reason, sizeBytes, until });
    }
  }
}

/** 0 if there is no file. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
