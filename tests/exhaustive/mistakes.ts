// Deliberate mistakes under a node, to see whether the explorers find them.

import { SeededRandom } from "../../src/base/seeded_random.ts";
import type { Disk } from "../../src/ports/disk.ts";
import type { Random } from "../../src/ports/random.ts";
import type { Variation } from "./small_world.ts";

/** A commit is acknowledged before it is durable. */
export const HASTY: Variation = {
  wrapDisk: (disk) => ({
    limits: disk.limits,
    get: (key) => disk.get(key),
    range: (range, limit) => disk.range(range, limit),
    commit: (batch) => {
      // What becomes of it nobody asks.
      disk.commit(batch).catch(() => {});
      return Promise.resolve();
    },
    lost: disk.lost,
    room: () => disk.room(),
    setAside: (reason) => disk.setAside(reason),
    keyBytes: (key) => disk.keyBytes(key),
    close: () => disk.close(),
  }),
};

/** What the records hold is not found. */
export const BLIND: Variation = {
  wrapDisk: (disk): Disk => ({
    limits: disk.limits,
    get: (key) => key[0] === "o" ? Promise.resolve(undefined) : disk.get(key),
    range: (range, limit) => disk.range(range, limit),
    commit: (batch) => disk.commit(batch),
    lost: disk.lost,
    room: () => disk.room(),
    setAside: (reason) => disk.setAside(reason),
    keyBytes: (key) => disk.keyBytes(key),
    close: () => disk.close(),
  }),
};

/** Every run of a process resumes the actors of the run before. */
export const RESUMED: Variation = {
  random: (machine, run): Random => {
    const other = new SeededRandom(`${machine} ${run}`);
    const actors = new SeededRandom(machine);
    return { uint32: () => other.uint32(), bytes: (length) => actors.bytes(length) };
  },
};
