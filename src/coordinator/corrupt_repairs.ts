// Records that cannot be read are taken from the other owners again.
//
// A copy that has lost a record may have been one of the W that acknowledged it. So it takes what all other
// owners hold together, and before that it answers nothing about the key: whoever asks is told that the record
// is corrupt, and asks another owner. If one of the others does not answer, a later request for the key begins
// again. An owner that answers that its own record is corrupt has nothing to give and is not waited for: what
// only such owners held is lost, and the log says so.

import { binaryString, showBytes } from "../base/bytes.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import { type Copy, mergeCopies, wholeCopyIn, withBelievedFloors } from "../replica/copy.ts";
import type { Namespaces } from "../replica/namespaces.ts";
import type { Replica } from "../replica/replica.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";
import { METHODS } from "../wire/message_codec.ts";
import { type Cluster, layoutOf } from "../replica/cluster.ts";

/** Records that are repaired at once; others wait for a later request for their key. */
const MAX_REPAIRS = 64;

/** How long a record is left alone after a repair that failed, in milliseconds. */
const RETRY_AFTER_MS = 1_000;

export class CorruptRepairs {
  readonly #cluster: Cluster;
  readonly #replica: Replica;
  readonly #namespaces: Namespaces;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Keys that are being repaired, or were in vain a moment ago. */
  readonly #busy = new Set<string>();
  #repaired = 0;

  constructor(
    cluster: Cluster,
    replica: Replica,
    namespaces: Namespaces,
    clock: Clock,
    log: Log,
  ) {
    this.#cluster = cluster;
    this.#replica = replica;
    this.#namespaces = namespaces;
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
    const { placement } = layoutOf(this.#cluster);
    const { n } = this.#namespaces.of(key);
    const others = placement.ownersFor(partition, n)
      .filter((owner) => owner !== this.#cluster.self);
    const held = await Promise.all(others.map((owner) => this.#ask(owner, partition, key)));
    const readable = held.filter((copy) => copy !== undefined);
    if (readable.length === 0) throw new Error("No other owner can read its record");
    const isFilling = this.#cluster.fillingProblem(partition, n) !== undefined;
    const fence = this.#replica.fenceOf(partition, key);
    const copies = isFilling ? readable : withBelievedFloors(readable, others.length, fence);
    await this.#replica.replaceCorrupt(partition, key, mergeCopies(copies).object);
    this.#repaired++;
    const damaged = others.filter((_owner, i) => held[i] === undefined);
    if (damaged.length > 0) {
      this.#log.error("A record is corrupt at several owners: what only they held is lost", {
        key: showBytes(key),
        owners: [this.#cluster.self, ...damaged],
      });
    }
    this.#log.warn("Repaired a corrupt record from the other owners", { key: showBytes(key) });
  }

  /** What an owner holds; undefined if its record is corrupt too. @throws if it does not answer */
  async #ask(owner: string, partition: number, key: Uint8Array): Promise<Copy | undefined> {
    const { peerOf, rpc } = this.#cluster;
    const peer = peerOf(owner);
    if (peer === undefined) throw new DenamoError("timeout", "no", `${owner} is not known`);
    const { timeoutMs } = this.#namespaces.of(key);
    const message = [layoutOf(this.#cluster).layout.id, partition, key, null];
    try {
      return await rpc.query(peer, METHODS.read, message, timeoutMs, wholeCopyIn);
    } catch (error) {
      if (error instanceof DenamoError && error.code === "corrupt") return undefined;
      throw new DenamoError("timeout", "no", `${owner}: ${messageOf(error)}`);
    }
  }
}
