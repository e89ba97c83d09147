// Incarnations: the runs of a node, counted so that a later one is known by its number.
//
// The number is the time at the start. So it is above that of every earlier run on this disk, and of a lost disk too.
// Where the clock is behind the last run that the disk knows of, a step is drawn: from there on, or the same old
// copy of a disk, put back twice, would begin two runs with one number, and nobody could tell them apart. What
// peers remember of later runs they say themselves (refutation.ts). A number on the disk that cannot be read or has
// no room above it is none that was counted up to: the node begins with the clock again, and its peers let it.

import { ByteReader } from "../base/byte_reader.ts";
import { ByteWriter } from "../base/byte_writer.ts";
import { MalformedError } from "../base/malformed.ts";
import type { DataObject } from "../crdt/data_object.ts";
import { HEARTBEAT_LIMITS } from "../membership/heartbeat.ts";
import { hasRoomAbove } from "../membership/incarnation_step.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { type Random, randomBelow } from "../ports/random.ts";
import type { Storage } from "../storage/storage.ts";
import { messageOf } from "../wire/errors.ts";

/** Of how many steps, of a millisecond each, a run whose clock is behind takes one. */
const STEPS = 1_000;

/** The incarnation of the last run that the disk knows of, 0 for none, and that of this run. */
export interface Incarnations {
  readonly former: number;
  readonly incarnation: number;
}

/** An incarnation above that of every earlier run on this disk, and above that of a lost disk too. */
export async function nextIncarnation(
  storage: Storage<DataObject>,
  clock: Clock,
  random: Random,
): Promise<Incarnations> {
  const stored = await storage.getMeta("incarnation");
  const former = stored === undefined ? 0 : formerIn(stored);
  const now = Math.min(Math.floor(clock.now()), HEARTBEAT_LIMITS.timeMsMax);
  const incarnation = now > former ? now : former + 1 + randomBelow(random, STEPS);
  await keepIncarnation(storage, incarnation);
  return { former, incarnation };
}

/** The incarnation of the last run, 0 if what is stored is none that another can follow. */
export function formerIn(stored: Uint8Array): number {
  try {
    const former = new ByteReader(stored, "incarnation").integer();
    return hasRoomAbove(former) ? former : 0;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return 0;
  }
}

/** Like {@linkcode keepIncarnation}; the log hears of a failure too. */
export async function noteIncarnation(
  storage: Storage<DataObject>,
  incarnation: number,
  log: Log,
): Promise<void> {
  try {
    await keepIncarnation(storage, incarnation);
  } catch (error) {
    log.warn("Cannot note the incarnation of this node", { error: messageOf(error) });
    throw error;
  }
}

/** Notes an incarnation as the last one of this disk. */
export async function keepIncarnation(
  storage: Storage<DataObject>,
  incarnation: number,
): Promise<void> {
  const writer = new ByteWriter(8);
  writer.integer(incarnation);
  await storage.setMeta("incarnation", writer.finish());
}
