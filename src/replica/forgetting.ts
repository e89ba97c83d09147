// Forgetting: goes through the parts whose floor has risen, and lets each key lose what lies below it.
//
// Keys are read page by page like any other background work. Whatever breaks it off, the next look finds
// that something is left to forget.

import { messageOf } from "../wire/errors.ts";
import type { Log } from "../ports/log.ts";
import { forget } from "../crdt/forgetting.ts";
import type { Floors } from "./floors.ts";
import type { Pace } from "./pace.ts";
import { type PartId, partOf } from "./parts.ts";
import type { Replica } from "./replica.ts";
import type { ScanStart } from "../storage/storage.ts";

/** How many keys are read at once. */
const PAGE_COUNT = 256;

export class Forgetting {
  readonly #replica: Replica;
  readonly #floors: Floors;
  readonly #log: Log;
  readonly #pace: Pace | undefined;
  /** Parts to go through, in order. */
  readonly #waiting = new Set<PartId>();
  #isBusy = false;
  #isStopped = false;
  #forgotten = 0;

  constructor(replica: Replica, floors: Floors, log: Log, pace?: Pace) {
    this.#replica = replica;
    this.#floors = floors;
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

  /** Goes through these parts if there is something in them; nobody waits for it. */
  begin(parts: Iterable<PartId>): void {
    for (const part of parts) {
      if (this.#replica.forgettable.hasBelow(part, this.#floors.floorOf(part))) {
        this.#waiting.add(part);
      }
    }
    if (this.#isBusy || this.#waiting.size === 0 || this.#isStopped) return;
    this.#isBusy = true;
    this.#run().catch((error) => {
      if (this.#isStopped) return;
      this.#log.debug("Cannot forget now", { error: messageOf(error) });
    }).finally(() => this.#isBusy = false);
  }

  /** Goes through all parts in which something was left. */
  beginAll(): void {
    this.begin([...this.#replica.forgettable.parts()]);
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiting.clear();
  }

  async #run(): Promise<void> {
    for (const part of this.#waiting) {
      this.#waiting.delete(part);
      const { forgettable } = this.#replica;
      // What is written or found from here on is noted again.
      forgettable.clear(part);
      try {
        await this.#through(partOf(part).partition);
      } catch (error) {
        forgettable.suspect(part);
        throw error;
      }
    }
  }

  async #through(partition: number): Promise<void> {
    const replica = this.#replica;
    let from: ScanStart = { partition };
    for (;;) {
      await this.#pace?.giveWay();
      if (this.#isStopped) return;
      const page = await replica.scan(from, partition, undefined, PAGE_COUNT, false);
      await Promise.all(page.map(async ({ key, object }) => {
        if (object === undefined) return;
        const left = forget(object, replica.floorOf(partition, key));
        replica.forgettable.note(replica.partOf(partition, key), left);
        if (left !== object && await replica.forget(partition, key)) this.#forgotten++;
      }));
      if (page.length < PAGE_COUNT) return;
      from = { partition, after: page[page.length - 1]!.key };
    }
  }
}
