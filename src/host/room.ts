// How much room there is for a file, and whether a lack of it was why a write failed.

import { statfs } from "node:fs";
import { dirname } from "node:path";
import type { DiskRoom } from "../ports/disk.ts";

/** One write of the file that is tried beside the database, in bytes. */
const TRIED_BYTES = 64 * 1024;

/** No room on the device, over the quota, and over the limit on the size of files. */
const NO_ROOM = /ENOSPC|EDQUOT|EFBIG|No space left|quota exceeded|File too large/i;

/** The room on the device of a file; undefined where the system does not tell. */
export function roomAt(path: string): Promise<DiskRoom | undefined> {
  return new Promise((resolve) => {
    try {
      statfs(dirname(path), (error, stats) => {
        if (error !== null || !(stats.blocks > 0)) return resolve(undefined);
        const { bavail, blocks, bsize } = stats;
        resolve({ freeBytes: bavail * bsize, totalBytes: blocks * bsize });
      });
    } catch {
      // Without the permission to ask, or on a system that has no such call, nobody can tell.
      resolve(undefined);
    }
  });
}

/**
 * Whether a file beside a database cannot grow as far as the database has to: so it is for lack of room, of
 * whatever kind, that the database cannot be written.
 */
export async function hasNoRoom(databasePath: string, neededBytes: number): Promise<boolean> {
  const path = `${databasePath}.room`;
  try {
    const sizes = await Promise.all([databasePath, `${databasePath}-wal`].map(sizeAt));
    using file = await Deno.open(path, { write: true, create: true, truncate: true });
    // The last byte first: no file may be as long as this one would have to be.
    await file.seek(Math.max(...sizes) + neededBytes, Deno.SeekMode.Start);
    await file.write(new Uint8Array(1));
    await file.seek(0, Deno.SeekMode.Start);
    const bytes = new Uint8Array(TRIED_BYTES);
    for (let left = neededBytes; left > 0; left -= TRIED_BYTES) await file.write(bytes);
    await file.syncData();
    return false;
  } catch (error) {
    return isNoRoom(error);
  } finally {
    await Deno.remove(path).catch(() => {});
  }
}

/** Whether this is how the system says that there is no room. */
export function isNoRoom(error: unknown): boolean {
  return error instanceof Error && NO_ROOM.test(`${codeOf(error)} ${error.message}`);
}

async function sizeAt(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch {
    return 0;
  }
}

function codeOf(error: Error): string {
  return "code" in error ? String(error.code) : "";
}
