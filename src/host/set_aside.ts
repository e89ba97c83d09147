// What was set aside of a store: kept out of the way for some days, never deleted at once.
//
// A node empties its copies when the others have forgotten without it, and begins with an empty store when its own is
// damaged. Both are conclusions that a bug, an operator or a mistaken peer can be behind. So the data goes to a
// directory of its own, where an operator can look at it or put it back:
//
//   set-aside-20261130T221500Z/      when, in UTC; a number follows if there are several of one second
//     store.kv, store.kv-wal         as they lay in the data directory
//     reason.json                    version, reason, node, time, format
//
// A copy is made in a draft and renamed when it is durable. A store that is moved has its reason written first, so
// that no crash leaves it in a directory that looks like a draft.
//
// None of it may take the place of live data: it ends after a week, or earlier when it is more than its share of
// the device or the device has little room left, the oldest first.

import { basename, join } from "node:path";
import type { DiskRoom } from "../ports/disk.ts";
import { DenamoError, DiskFullError, messageOf } from "../wire/errors.ts";
import { isPresent, syncDirectory, writeDurably } from "./durable_files.ts";
import { isNoRoom, roomAt } from "./room.ts";

/** How long it is kept: long enough for somebody to come back from a holiday and look, in milliseconds. */
const KEPT_MS = 7 * 24 * 60 * 60 * 1_000;

/** How long the latest is kept though it is over its share: a night and the morning after, in milliseconds. */
const LATEST_KEPT_MS = 24 * 60 * 60 * 1_000;

/** Which part of the device all of it may take. */
const DEVICE_SHARE = 0.2;

/** What must stay free beside it: a tenth of the device, or this if that is less, in bytes. */
const RESERVE_SHARE = 0.1;
const RESERVE_BYTES = 4 * 1024 ** 3;

/**
 * With less than that free even the latest goes: a node soon takes no writes then, see storage/disk_health.ts. In
 * bytes, or as a share of the device if that is less.
 */
const SCARCE_BYTES = 128 * 1024 ** 2;
const SCARCE_SHARE = 0.075;

const NAME = /^set-aside-\d{8}T\d{6}Z(-\d+)?$/;
const DRAFT_SUFFIX = ".tmp";
const REASON_FILE = "reason.json";
const REASON_VERSION = 1;

/** One directory of data that was set aside. */
export interface SetAside {
  readonly path: string;
  readonly reason: string;
  readonly sinceMs: number;
  readonly sizeBytes: number;
}

export interface SetAsideOptions {
  /** The name of the node, for the reason. */
  readonly node: string;
  /** The format of the store, for the reason. */
  readonly format: number;
  /** The wall clock, in milliseconds. */
  readonly now?: (() => number) | undefined;
  readonly room?: ((path: string) => Promise<DiskRoom | undefined>) | undefined;
}

/** All that was set aside in one directory. One process may use it at a time. */
export class SetAsides {
  readonly #root: string;
  readonly #node: string;
  readonly #format: number;
  readonly #now: () => number;
  readonly #room: (path: string) => Promise<DiskRoom | undefined>;
  /** One change after the other: a draft that is being made is not one that a crash has left. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(root: string, options: SetAsideOptions) {
    this.#root = root;
    this.#node = options.node;
    this.#format = options.format;
    this.#now = options.now ?? Date.now;
    this.#room = options.room ?? roomAt;
  }

  /**
   * Keeps copies of those files that are there; nobody may write to them meanwhile. Resolves with the path of the
   * directory when they are durable.
   *
   * @throws {DiskFullError} if they would take the room that live data needs; nothing was kept
   */
  copy(files: readonly string[], reason: string): Promise<string> {
    return this.#inTurn(async () => {
      const present = await presentOf(files);
      const sizeBytes = await sizeOf(present);
      await this.#prune(sizeBytes);
      await this.#checkRoom(sizeBytes);
      const path = await this.#freePath();
      const draft = path + DRAFT_SUFFIX;
      try {
        await Deno.mkdir(draft);
        for (const file of present) await copyDurably(file, join(draft, basename(file)));
        await this.#writeReason(draft, reason);
        await Deno.rename(draft, path);
        await syncDirectory(this.#root);
        return path;
      } catch (error) {
        await Deno.remove(draft, { recursive: true }).catch(() => {});
        throw failure(`Cannot set aside a copy in ${path}`, error);
      }
    });
  }

  /** Moves those files that are there, which nobody may have open. Resolves with the path of the directory. */
  move(files: readonly string[], reason: string): Promise<string> {
    return this.#inTurn(async () => {
      const path = await this.#freePath();
      try {
        await Deno.mkdir(path);
        await this.#writeReason(path, reason);
        for (const file of await presentOf(files)) {
          await Deno.rename(file, join(path, basename(file)));
        }
        await syncDirectory(path);
        await syncDirectory(this.#root);
        return path;
      } catch (error) {
        throw failure(`Cannot move the store to ${path}`, error);
      }
    });
  }

  /** The oldest first. */
  list(): Promise<SetAside[]> {
    return this.#inTurn(() => this.#list());
  }

  /** Deletes what has been kept long enough or is over its share. Resolves with what it has deleted. */
  prune(): Promise<SetAside[]> {
    return this.#inTurn(() => this.#prune(0));
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#last.then(act);
    this.#last = done.catch(() => {});
    return done;
  }

  async #list(): Promise<SetAside[]> {
    const found: SetAside[] = [];
    for await (const { isDirectory, name } of Deno.readDir(this.#root)) {
      if (!isDirectory || !NAME.test(name)) continue;
      const path = join(this.#root, name);
      const files = await Array.fromAsync(Deno.readDir(path), (file) => join(path, file.name));
      const sizeBytes = await sizeOf(files);
      found.push({ path, reason: await reasonIn(path), sinceMs: sinceMsOf(name), sizeBytes });
    }
    return found.sort((a, b) => a.sinceMs - b.sinceMs || (a.path < b.path ? -1 : 1));
  }

  /** @param neededBytes how much is about to be added */
  async #prune(neededBytes: number): Promise<SetAside[]> {
    await this.#removeDrafts();
    const kept = await this.#list();
    const room = await this.#room(this.#path(REASON_FILE));
    const due = dueOf(kept, this.#now(), room, neededBytes);
    for (const { path } of due) await Deno.remove(path, { recursive: true });
    if (due.length > 0) await syncDirectory(this.#root);
    return due;
  }

  async #removeDrafts(): Promise<void> {
    for await (const { name } of Deno.readDir(this.#root)) {
      if (!name.endsWith(DRAFT_SUFFIX) || !NAME.test(name.slice(0, -DRAFT_SUFFIX.length))) continue;
      await Deno.remove(this.#path(name), { recursive: true });
    }
  }

  async #checkRoom(neededBytes: number): Promise<void> {
    const room = await this.#room(this.#path(REASON_FILE));
    if (room === undefined || room.freeBytes - neededBytes >= reserveOf(room)) return;
    const reserve = megabytes(reserveOf(room));
    throw new DiskFullError(
      `Cannot set aside ${megabytes(neededBytes)} in ${this.#root}: ${megabytes(room.freeBytes)} ` +
        `are free, and ${reserve} must stay free`,
    );
  }

  async #freePath(): Promise<string> {
    const date = new Date(this.#now()).toISOString().replace(/\.\d+|[-:]/g, "");
    for (let number = 1;; number++) {
      const path = this.#path(`set-aside-${date}${number === 1 ? "" : `-${number}`}`);
      if (!await isPresent(path)) return path;
    }
  }

  async #writeReason(directory: string, reason: string): Promise<void> {
    const time = new Date(this.#now()).toISOString();
    const facts = {
      version: REASON_VERSION,
      reason,
      node: this.#node,
      time,
      format: this.#format,
    };
    const text = `${JSON.stringify(facts, undefined, 2)}\n`;
    await writeDurably(join(directory, REASON_FILE), new TextEncoder().encode(text), 0o644);
  }

  #path(name: string): string {
    return join(this.#root, name);
  }
}

/** What is to be deleted of what is kept, the oldest first. Pure, so that it can be tested with any device. */
export function dueOf(
  kept: readonly SetAside[],
  nowMs: number,
  room: DiskRoom | undefined,
  neededBytes = 0,
): SetAside[] {
  const due = kept.filter(({ sinceMs }) => nowMs - sinceMs >= KEPT_MS);
  const rest = kept.filter((it) => !due.includes(it));
  if (room === undefined) return due;
  let totalBytes = neededBytes + rest.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let freeBytes = room.freeBytes - neededBytes +
    due.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  for (const [index, it] of rest.entries()) {
    const isProtected = index === rest.length - 1 && nowMs - it.sinceMs < LATEST_KEPT_MS;
    // What is about to be added must not drive out what was kept just before.
    const isScarce = neededBytes === 0 && freeBytes < scarceOf(room);
    const isOver = totalBytes > DEVICE_SHARE * room.totalBytes || freeBytes < reserveOf(room);
    if (!(isProtected ? isScarce : isOver)) continue;
    due.push(it);
    totalBytes -= it.sizeBytes;
    freeBytes += it.sizeBytes;
  }
  return due;
}

/** Until when something is kept if there is room, in milliseconds. */
export function keptUntilMs({ sinceMs }: SetAside): number {
  return sinceMs + KEPT_MS;
}

function reserveOf({ totalBytes }: DiskRoom): number {
  return Math.min(RESERVE_BYTES, RESERVE_SHARE * totalBytes);
}

function scarceOf({ totalBytes }: DiskRoom): number {
  return Math.min(SCARCE_BYTES, SCARCE_SHARE * totalBytes);
}

async function presentOf(files: readonly string[]): Promise<string[]> {
  const present: string[] = [];
  for (const file of files) if (await isPresent(file)) present.push(file);
  return present;
}

async function sizeOf(files: readonly string[]): Promise<number> {
  let sum = 0;
  for (const file of files) sum += (await Deno.stat(file)).size;
  return sum;
}

/** The system shares the blocks of both files where it can, so that a copy takes neither time nor room. */
async function copyDurably(from: string, to: string): Promise<void> {
  await Deno.copyFile(from, to);
  using file = await Deno.open(to, { write: true });
  await file.sync();
}

async function reasonIn(path: string): Promise<string> {
  try {
    const { reason } = JSON.parse(await Deno.readTextFile(join(path, REASON_FILE)));
    return typeof reason === "string" ? reason : "unknown";
  } catch {
    // The data counts, whatever has become of the words about it.
    return "unknown";
  }
}

/** The time that a name says, in milliseconds. */
function sinceMsOf(name: string): number {
  const [, date, hour, minute, second] = /^set-aside-(\d{8})T(\d{2})(\d{2})(\d{2})Z/.exec(name) ??
    [];
  const day = `${date!.slice(0, 4)}-${date!.slice(4, 6)}-${date!.slice(6)}`;
  return Date.parse(`${day}T${hour}:${minute}:${second}Z`);
}

function failure(action: string, error: unknown): DenamoError {
  if (error instanceof DenamoError) return error;
  if (isNoRoom(error)) return new DiskFullError(action, error);
  const failed = new DenamoError("disk_failed", "no", `${action}: ${messageOf(error)}`);
  failed.cause = error;
  return failed;
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2)} MiB`;
}
