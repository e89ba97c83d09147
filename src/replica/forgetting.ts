// Forgetting: goes through the partitions whose floor has risen, and lets each key lose what lies below it.
//
// A partition is read page by page like any other background work. Whatever breaks it off, the next look finds
// that something is left to forget.

import { messageOf } from "../wire/errors.ts";
import type { Log } from "../ports/log.ts";
import { forget } from "../crdt/forgetting.ts";
import type { Pace } from "./pace.ts";
import type { Replica } from "./replica.ts";
import type { ScanStart } from "../storage/storage.ts";

/** How many keys are read at once. */
const PAGE_COUNT = 256;

export class Forgetting {
  readonly #replica: Replica;
  readonly #log: Log;
  readonly #pace: Pace | undefined;
  /** Partitions to go through, in order. */
  readonly #waiting = new Set<number>();
  #isBusy = false;
  #isStopped = false;
  #forgotten = 0;

  constructor(replica: Replica, log: Log, pace?: Pace) {
    this.#replica = replica;
    this.#log = log;
    this.#pace = pace;
  }

  /** How many keys have lost something since the start. */
  get count(): number {
    return this.#forgotten;
  }

  /** Whether something is being forgotten. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Goes through these partitions if there is something in them; nobody waits for it. */
  begin(partitions: Iterable<number>): void {
    const { forgettable } = this.#replica;
    for (const partition of partitions) {
      const floor = this.#replica.floorOf(partition);
      if (forgettable.hasBelow(partition, floor)) this.#waiting.add(partition);
    }
    if (this.#isBusy || this.#waiting.size === 0 || this.#isStopped) return;
    this.#isBusy = true;
    this.#run().catch((error) => {
      if (this.#isStopped) return;
      this.#log.debug("Cannot forget now", { error: messageOf(error) });
    }).finally(() => this.#isBusy = false);
  }

  /** Goes through all partitions in which something was left. */
  beginAll(): void {
    this.begin([...this.#replica.forgettable.partitions()]);
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiting.clear();
  }

  async #run(): Promise<void> {
    for (const partition of this.#waiting) {
      this.#waiting.delete(partition);
      try {
        await this.#through(partition);
      } catch (error) {
        // What was not read is not noted, so the next look would not find it by itself.
        this.#waiting.add(partition);
        throw error;
      }
    }
  }

  async #through(partition: number): Promise<void> {
    const replica = this.#replica;
    let from: ScanStart = { partition };
    // What is written or read from here on is noted again.
    replica.forgettable.clear(partition);
    for (;;) {
      await this.#pace?.giveWay();
      if (this.#isStopped) return;
      const page = await replica.scan(from, partition, undefined, PAGE_COUNT);
      const floor = replica.floorOf(partition);
      const keys = page.filter(({ object }) =>
        object !== undefined && forget(object, floor) !== object
      );
      const forgotten = await Promise.all(keys.map(({ key }) => replica.forget(partition, key)));
      this.#forgotten += forgotten.filter((isForgotten) => isForgotten).length;
      if (page.length < PAGE_COUNT) return;
      from = { partition, after: page[page.length - 1]!.key };
    }
  }
}
