// The directory that holds everything one node must find again after a restart.
//
// What goes wrong with such directories is always the same: two processes use one, a node is started
// on the directory of another, an old program reads what a later one wrote, a path is mistyped and a
// directory full of photographs becomes a database. Each of these is refused before anything is
// written, with a message that names both sides.
//
//   lock          held as long as the process lives; the system frees it even after a kill
//   identity      the private key of the node, for its owner's eyes only
//   format.json   version, node and cluster; written last, so that it vouches for the identity
//   store.kv      the store (and the files that SQLite keeps beside it)
//   running.json  that a run is under way, or what it found damaged; absent after a clean stop, see run_note.ts
//   cluster.json  whether others have copies, for a start whose store cannot be read, see cluster_note.ts
//   set-aside-…/  what was set aside of the store, see set_aside.ts
//   node.json     where the running node is reached; absent when it is not running

import { dirname, join, resolve } from "node:path";
import { DenamoError, messageOf } from "../wire/errors.ts";
import {
  readIfPresent,
  removeIfPresent,
  syncDirectory,
  temporary,
  writeDurably,
  writeWhole,
} from "./durable_files.ts";

/** The version of the layout of files above. */
export const DATA_FORMAT_VERSION = 1;

export interface DataDirectoryOptions {
  /** The name of the node. A directory belongs to one name for ever. */
  readonly name: string;
  readonly cluster: string;
  /** Makes the private key of a directory that has none yet. */
  readonly generateIdentity: () => Promise<Uint8Array>;
}

/** What node.json says: how to reach the running node. */
export interface NodeFile {
  readonly name: string;
  readonly pid: number;
  readonly peerId: string;
  /** Multiaddrs with `/p2p/…`. */
  readonly p2p: readonly string[];
  /** Host and port; undefined for a door that is closed. */
  readonly resp: string | undefined;
  readonly http: string | undefined;
}

export interface DataDirectory {
  /** The absolute path. */
  readonly path: string;
  /** The file for Deno.openKv. */
  readonly kvPath: string;
  /** The file that keeps other processes out as long as it stays in its place. */
  readonly lockPath: string;
  /** The private key as `generateIdentity` made it. */
  readonly identity: Uint8Array;
  /** Writes node.json, whole or not at all. */
  writeNodeFile(file: NodeFile): Promise<void>;
  /** Removes node.json and frees the lock. A second call does nothing. */
  close(): Promise<void>;
}

/** Why a directory was refused. */
export type DataDirectoryProblem = "in_use" | "foreign" | "newer_format" | "damaged" | "unusable";

/** A directory that this node must not or cannot use. Nothing of what it holds has been changed. */
export class DataDirectoryError extends DenamoError {
  override readonly name = "DataDirectoryError";
  readonly problem: DataDirectoryProblem;

  constructor(problem: DataDirectoryProblem, path: string, message: string) {
    super("disk_failed", "no", message, { problem, path });
    this.problem = problem;
  }
}

/**
 * Opens the data directory at `path` for this process alone, and creates it if it is not there.
 *
 * @throws {DataDirectoryError} if another process has it, or it is not this node's, or not usable
 */
export async function openDataDirectory(
  path: string,
  options: DataDirectoryOptions,
): Promise<DataDirectory> {
  const root = resolve(path);
  await refuseWhatIsNotOurs(root);
  const lock = await lockDirectory(root);
  try {
    const identity = await readOrCreate(root, options);
    await removeIfPresent(join(root, NODE_FILE));
    return new OpenDataDirectory(root, identity, lock);
  } catch (error) {
    lock.close();
    throw error instanceof DenamoError ? error : unusable(root, "use", error);
  }
}

const LOCK_FILE = "lock";
const IDENTITY_FILE = "identity";
const FORMAT_FILE = "format.json";
const NODE_FILE = "node.json";
const KV_FILE = "store.kv";

/** What a first start that was killed may have left behind before the format file. */
const FILES_BEFORE_FORMAT = new Set([
  LOCK_FILE,
  IDENTITY_FILE,
  temporary(IDENTITY_FILE),
  temporary(FORMAT_FILE),
]);

class OpenDataDirectory implements DataDirectory {
  readonly path: string;
  readonly kvPath: string;
  readonly lockPath: string;
  readonly identity: Uint8Array;
  readonly #lock: Deno.FsFile;
  #isClosed = false;

  constructor(path: string, identity: Uint8Array, lock: Deno.FsFile) {
    this.path = path;
    this.kvPath = join(path, KV_FILE);
    this.lockPath = join(path, LOCK_FILE);
    this.identity = identity;
    this.#lock = lock;
  }

  async writeNodeFile(file: NodeFile): Promise<void> {
    if (this.#isClosed) throw new TypeError(`Data directory ${this.path} is closed`);
    const { name, pid, peerId, p2p, resp, http } = file;
    const text = JSON.stringify({ name, pid, peerId, p2p, resp, http }, undefined, 2);
    await writeWhole(join(this.path, NODE_FILE), new TextEncoder().encode(text + "\n"), 0o644);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      await removeIfPresent(join(this.path, NODE_FILE));
    } finally {
      this.#lock.close();
    }
  }
}

/** Creates the directory, or makes sure that an existing one is empty or was made by a node. */
async function refuseWhatIsNotOurs(root: string): Promise<void> {
  try {
    await Deno.mkdir(root, { recursive: true });
  } catch (error) {
    if (await isFile(root)) {
      throw new DataDirectoryError(
        "unusable",
        root,
        `Data directory ${root} is not a directory: start this node with another --data`,
      );
    }
    throw unusable(root, "create", error);
  }
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(root)) names.push(entry.name);
  } catch (error) {
    throw unusable(root, "read", error);
  }
  if (names.includes(FORMAT_FILE)) return;
  const stranger = names.find((name) => !FILES_BEFORE_FORMAT.has(name));
  if (stranger === undefined) return;
  throw new DataDirectoryError(
    "foreign",
    root,
    `Data directory ${root} is not empty and holds no Denamo data: it contains "${stranger}"; start ` +
      "this node with another --data",
  );
}

/** The lock is on an open file (flock), so it ends with the process, however that ends. */
async function lockDirectory(root: string): Promise<Deno.FsFile> {
  const path = join(root, LOCK_FILE);
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { read: true, write: true, create: true });
  } catch (error) {
    throw unusable(root, "write to", error);
  }
  try {
    if (!await file.tryLock(true)) {
      const pid = (await Deno.readTextFile(path)).trim();
      const holder = pid === "" ? "another process" : `pid ${pid}`;
      throw new DataDirectoryError(
        "in_use",
        root,
        `Data directory ${root} is in use by ${holder}: stop that process, or start this node with ` +
          "another --data",
      );
    }
    await file.truncate();
    await file.write(new TextEncoder().encode(`${Deno.pid}\n`));
    return file;
  } catch (error) {
    file.close();
    throw error instanceof DenamoError ? error : unusable(root, "lock", error);
  }
}

async function readOrCreate(root: string, options: DataDirectoryOptions): Promise<Uint8Array> {
  const format = await readIfPresent(join(root, FORMAT_FILE));
  if (format === undefined) return await create(root, options);
  checkFormat(root, format, options);
  return await readIdentity(root);
}

/** The identity comes first: a directory with a format file has one. */
async function create(root: string, options: DataDirectoryOptions): Promise<Uint8Array> {
  const identity = await options.generateIdentity();
  if (identity.length === 0) throw new TypeError("The generated identity is empty");
  await writeDurably(join(root, IDENTITY_FILE), identity, 0o600);
  const { name, cluster } = options;
  const format = JSON.stringify({ version: DATA_FORMAT_VERSION, name, cluster }, undefined, 2);
  await writeDurably(join(root, FORMAT_FILE), new TextEncoder().encode(format + "\n"), 0o644);
  await syncParent(root);
  return identity;
}

function checkFormat(root: string, bytes: Uint8Array, options: DataDirectoryOptions): void {
  const { version, name, cluster } = parseFormat(root, bytes);
  if (version > DATA_FORMAT_VERSION) {
    throw new DataDirectoryError(
      "newer_format",
      root,
      `Data directory ${root} has format ${version}, and this Denamo reads only format ` +
        `${DATA_FORMAT_VERSION}: use the Denamo that wrote it, or a later one`,
    );
  }
  if (name !== options.name) {
    throw new DataDirectoryError(
      "foreign",
      root,
      `Data directory ${root} belongs to node "${name}", not to "${options.name}": start this node ` +
        `with --name ${name}, or with another --data`,
    );
  }
  if (cluster !== options.cluster) {
    throw new DataDirectoryError(
      "foreign",
      root,
      `Data directory ${root} belongs to cluster "${cluster}", not to "${options.cluster}": start ` +
        `this node with --cluster ${cluster}, or with another --data`,
    );
  }
}

/** What {@linkcode FORMAT_FILE} says. @throws {DataDirectoryError} `damaged` */
export function parseFormat(
  root: string,
  bytes: Uint8Array,
): { version: number; name: unknown; cluster: unknown } {
  let format: unknown;
  try {
    format = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw damaged(root, `file ${FORMAT_FILE} is not JSON (${messageOf(error)})`);
  }
  if (typeof format !== "object" || format === null || Array.isArray(format)) {
    throw damaged(root, `file ${FORMAT_FILE} is not an object`);
  }
  const { version, name, cluster } = format as Record<string, unknown>;
  if (typeof version !== "number" || !Number.isSafeInteger(version) || version < 1) {
    throw damaged(root, `file ${FORMAT_FILE} has no version`);
  }
  return { version, name, cluster };
}

async function readIdentity(root: string): Promise<Uint8Array> {
  const path = join(root, IDENTITY_FILE);
  const identity = await readIfPresent(path);
  if (identity === undefined || identity.length === 0) {
    throw damaged(
      root,
      `file ${IDENTITY_FILE} is ${identity === undefined ? "missing" : "empty"}`,
    );
  }
  // A restored backup may have opened the key to everybody.
  const { mode } = await Deno.stat(path);
  if (mode !== null && (mode & 0o077) !== 0) await Deno.chmod(path, 0o600);
  return identity;
}

/** Makes the directory's own name durable, unless its parent may not be read. */
async function syncParent(root: string): Promise<void> {
  try {
    await syncDirectory(dirname(root));
  } catch (error) {
    const isForbidden = error instanceof Deno.errors.PermissionDenied ||
      error instanceof Deno.errors.NotCapable;
    if (!isForbidden) throw error;
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return !(await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}

function unusable(root: string, action: string, error: unknown): DataDirectoryError {
  return new DataDirectoryError(
    "unusable",
    root,
    `Cannot ${action} data directory ${root}: ${
      messageOf(error)
    }. See who owns it, whether its device ` +
      "has room and can be written, or start this node with another --data",
  );
}

function damaged(root: string, problem: string): DataDirectoryError {
  return new DataDirectoryError(
    "damaged",
    root,
    `Data directory ${root} is damaged: ${problem}. Restore that file from a backup; or move the ` +
      `directory away (mv ${root} ${root}-damaged) and start the node again: it starts empty, as another ` +
      "peer of the same name, and fills its copies from the other owners",
  );
}
