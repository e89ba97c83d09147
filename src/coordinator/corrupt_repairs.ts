// Records that cannot be read are taken from the other owners again.
//
// A copy that has lost a record may have been one of the W that acknowledged it. So it takes what all other
// owners hold together, and before that it answers nothing about the key: whoever asks is told that the record
// is corrupt, and asks another owner. If one of the others cannot be asked, a later request for the key
// begins again.

import { binaryString, showBytes } from "../base/bytes.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Replica } from "../replica/replica.ts";
import { messageOf } from "../wire/errors.ts";
import type { Reads } from "./reads.ts";

/** Records that are repaired at once; others wait for a later request for their key. */
const MAX_REPAIRS = 64;

/** How long a record is left alone after a repair that failed, in milliseconds. */
const RETRY_AFTER_MS = 1_000;

export class CorruptRepairs {
  readonly #replica: Replica;
  readonly #reads: Reads;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Keys that are being repaired, or were in vain a moment ago. */
  readonly #busy = new Set<string>();
  #repaired = 0;

  constructor(replica: Replica, reads: Reads, clock: Clock, log: Log) {
    this.#replica = replica;
    this.#reads = reads;
    this.#clock = clock;
    this.#log = log;
    replica.onCorrupt = (partition, key) => this.#begin(partition, key);
  }

  /** How many records have been repaired since the start. */
  get repairedCount(): number {
    return this.#repaired;
  }

  #begin(partition: number, key: Uint8Array): void {
    const name = binaryString(key);
    if (this.#busy.has(name) || this.#busy.size >= MAX_REPAIRS) return;
    this.#busy.add(name);
    const end = () => this.#busy.delete(name);
    this.#repair(partition, key.slice()).then(end, (error) => {
      this.#log.warn("Cannot repair a corrupt record yet", {
        key: showBytes(key),
        error: messageOf(error),
      });
      this.#clock.after(RETRY_AFTER_MS, end);
    });
  }

  async #repair(partition: number, key: Uint8Array): Promise<void> {
    const object = await this.#reads.readOthers(partition, key);
    if (object === undefined) throw new Error("There is no other owner");
    await this.#replica.replaceCorrupt(partition, key, object);
    this.#repaired++;
    this.#log.warn("Repaired a corrupt record from the other owners", { key: showBytes(key) });
  }
}
