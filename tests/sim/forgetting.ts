// A long life: whole nodes in virtual time that are restarted again and again, while keys come and go.
//
// Every run of a node writes under names of its own, and every delete leaves a tombstone. A store that forgets
// neither grows with its history and not with what is in it. So what the disks hold is looked at after each tenth of
// such a life: keys that are written again and again, and nothing of those that were deleted.

import { storedObjects } from "../../src/replica/stored_objects.ts";
import { utf8 } from "../../src/base/bytes.ts";
import { SeededRandom } from "../../src/base/seeded_random.ts";
import type { DataObject } from "../../src/crdt/data_object.ts";
import { IDLE_ENTRIES } from "../../src/crdt/forgetting.ts";
import { randomBelow } from "../../src/ports/random.ts";
import { openStorage } from "../../src/storage/storage.ts";
import { NodeWorld } from "../node/node_world.ts";
import type { DiskImage } from "./memory_disk.ts";

export interface LongLife {
  readonly seed: number;
  /** How often a node is restarted, one after the other. */
  readonly restarts: number;
  /** How many keys are written and deleted. */
  readonly deletes: number;
  readonly forgetAfterMs: number;
}

/** What there is after a tenth of the time. */
export interface Tenth {
  readonly tenth: number;
  /** Actors in the largest clock of any key. */
  readonly clockEntries: number;
  /** Actors in all objects, each once. */
  readonly actors: number;
  /** Of each disk, once its journal has been written to its records. */
  readonly records: readonly number[];
  readonly bytes: readonly number[];
}

const NODES = 3;

/** Keys that live all the time, and are written once between two restarts. */
export const LASTING_COUNT = 64;

/** Requests that are under way at once. */
const AT_ONCE = 1_000;

/** How long nodes are left alone between two restarts, and before they are looked at, in milliseconds. */
const BETWEEN_MS = 8_000;
const REST_MS = 20_000;

/** Lets the nodes live. Needs ten restarts or more. */
export async function runLongLife(
  { seed, restarts, deletes, forgetAfterMs }: LongLife,
  onTenth: (tenth: Tenth) => void = () => {},
): Promise<Tenth[]> {
  const random = new SeededRandom(`long life ${seed}`);
  await using world = await NodeWorld.of(NODES, {
    compareMs: 5_000,
    journalCount: 64,
    forgetAfterMs,
  });
  const tenths: Tenth[] = [];
  const nameOfAny = () => world.names[randomBelow(random, NODES)]!;
  let written = 0;
  for (let restart = 1; restart <= restarts; restart++) {
    const until = Math.round(deletes * restart / restarts);
    const keys = Array.from({ length: until - written }, (_, i) => utf8(`key ${written + i}`));
    written = until;
    const half = keys.splice(0, keys.length >> 1);
    const restarted = world.names[restart % NODES]!;
    const others = world.names.filter((name) => name !== restarted);
    const nameOfOther = () => others[randomBelow(random, others.length)]!;

    await inBatches(world, lastingKeys(), (key) => put(world, nameOfAny(), key));
    await inBatches(world, [...half, ...keys], (key) => put(world, nameOfAny(), key));
    await inBatches(world, half, (key) => world.node(nameOfAny()).delete(key));
    await world.stop(restarted);
    await inBatches(world, keys, (key) => world.node(nameOfOther()).delete(key));
    await world.restart(restarted);
    await world.time.pass(BETWEEN_MS);
    if (Math.floor(10 * restart / restarts) === tenths.length) continue;
    await world.time.pass(REST_MS);
    const tenth = await look(world, tenths.length + 1);
    tenths.push(tenth);
    onTenth(tenth);
  }
  return tenths;
}

/**
 * What has grown from the second tenth to the last, in words; nothing if forgetting keeps step. What may come and
 * go between two looks is allowed for: a clock is cleared of idle actors when it has so many of them.
 */
export function growthOf(tenths: readonly Tenth[]): string[] {
  const [second, last] = [tenths[1]!, tenths.at(-1)!];
  const perClock = IDLE_ENTRIES;
  const perLasting = LASTING_COUNT * perClock;
  const measures = [
    ["entries in the largest clock", second.clockEntries, last.clockEntries, perClock],
    ["actors", second.actors, last.actors, perLasting],
    ["records", Math.max(...second.records), Math.max(...last.records), 0],
    ["bytes", Math.max(...second.bytes), Math.max(...last.bytes), perLasting * ENTRY_BYTES],
  ] as const;
  return measures.filter(([, before, after, allowed]) => after > before + allowed)
    .map(([name, before, after]) => `${name}: ${before} after two tenths, ${after} at the end`);
}

/** What one entry of a clock takes on the disk at the most, in bytes. */
const ENTRY_BYTES = 32;

function lastingKeys(): Uint8Array[] {
  return Array.from({ length: LASTING_COUNT }, (_, i) => utf8(`lasting ${i}`));
}

function put(world: NodeWorld, name: string, key: Uint8Array): Promise<unknown> {
  return world.node(name).put(key, { kind: "text", bytes: utf8("milk") });
}

async function inBatches(
  world: NodeWorld,
  keys: readonly Uint8Array[],
  ask: (key: Uint8Array) => Promise<unknown>,
): Promise<void> {
  for (let at = 0; at < keys.length; at += AT_ONCE) {
    await world.ended(Promise.all(keys.slice(at, at + AT_ONCE).map(ask)));
  }
}

async function look(world: NodeWorld, tenth: number): Promise<Tenth> {
  const actors = new Set<string>();
  let clockEntries = 0;
  const records: number[] = [];
  const bytes: number[] = [];
  for (const name of world.names) {
    const image = world.image(name).copy();
    for (const { opaque, expiry } of await objectsOn(world, image)) {
      const own = new Set([...opaque.entries, ...expiry.entries].map(({ actor }) => actor));
      for (const actor of own) actors.add(actor);
      clockEntries = Math.max(clockEntries, own.size);
    }
    const entries = image.entries();
    records.push(entries.filter(({ key: [table] }) => table === "o").length);
    bytes.push(entries.reduce((sum, { value }) => sum + value.length, 0));
  }
  return { tenth, clockEntries, actors: actors.size, records, bytes };
}

/** Everything on a disk, whose journal is written to its records. */
async function objectsOn({ time }: NodeWorld, image: DiskImage): Promise<DataObject[]> {
  const storage = await openStorage(image.open(), storedObjects(), { journalBytes: 0 });
  // A commit is what makes it look whether there is too much in the journal.
  await storage.setMeta("looked at", undefined);
  await time.until(() => storage.stats().journalBytes === 0, "the journal was flushed");
  const entries = await storage.range({ partition: 0 }, 65_535, undefined, 1e9);
  await storage.close();
  return entries.map(({ object }) => object!);
}
