// What a node knows of its cluster though its store cannot be read: whether others have copies of what it holds.
//
//   cluster.json   version, layoutVersion, replication, members

import { join } from "node:path";
import { readIfPresent, writeDurably } from "./durable_files.ts";

const FILE = "cluster.json";
const VERSION = 1;

/** What is noted of a layout. */
export interface ClusterNote {
  readonly layoutVersion: number;
  readonly replication: number;
  /** The names of all members. */
  readonly members: readonly string[];
}

export async function writeClusterNote(directory: string, note: ClusterNote): Promise<void> {
  const { layoutVersion, members, replication } = note;
  const text = JSON.stringify(
    { version: VERSION, layoutVersion, replication, members },
    undefined,
    2,
  );
  await writeDurably(join(directory, FILE), new TextEncoder().encode(`${text}\n`), 0o644);
}

/** Undefined if nothing is noted, or nothing that can be read. */
export async function readClusterNote(directory: string): Promise<ClusterNote | undefined> {
  const bytes = await readIfPresent(join(directory, FILE));
  return bytes === undefined ? undefined : clusterNoteIn(bytes);
}

/** What {@linkcode readClusterNote} makes of a file. */
export function clusterNoteIn(bytes: Uint8Array): ClusterNote | undefined {
  try {
    const { layoutVersion, members, replication, version } = JSON.parse(
      new TextDecoder().decode(bytes),
    );
    const isNote = version === VERSION && Number.isSafeInteger(layoutVersion) &&
      Number.isSafeInteger(replication) && Array.isArray(members) &&
      members.every((member) => typeof member === "string");
    return isNote ? { layoutVersion, members, replication } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether every key has a copy at another node, as far as the layout says. */
export function hasCopiesElsewhere({ members, replication }: ClusterNote): boolean {
  return replication > 1 && members.length > 1;
}
