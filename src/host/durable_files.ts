// Files that a crash leaves as they were or as they were to be.

import { basename, dirname, join } from "node:path";

/** Replaces a file so that a crash leaves the old one or the new one. */
export async function writeDurably(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  await writeWhole(path, bytes, mode);
  await syncDirectory(dirname(path));
}

/** The same, but the file may be the old one again after a loss of power. */
export async function writeWhole(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const draft = join(dirname(path), temporary(basename(path)));
  // A draft that a killed process left may have another mode.
  await removeIfPresent(draft);
  {
    using file = await Deno.open(draft, { write: true, createNew: true, mode });
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    await file.sync();
  }
  await Deno.rename(draft, path);
}

/** What the draft of a file is called. */
export function temporary(name: string): string {
  return `${name}.tmp`;
}

/** Makes a rename durable. Windows opens no directories and writes them through by itself. */
export async function syncDirectory(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using directory = await Deno.open(path);
  await directory.sync();
}

export async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

export async function removeIfPresent(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

export async function isPresent(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
