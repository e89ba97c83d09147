// A disk that knows how it is: every commit tells, and while something is wrong it is tried until it is better.
//
// While all is well there is no timer. Commits tell when the disk fails, and one of them per second has the room
// looked at that is left. Of a disk that takes no writes a trial is made each second: as much is written as a
// large commit has, so that a success means something, and removed again.

import type { Clock, Timer } from "../ports/clock.ts";
import type {
  Disk,
  DiskChange,
  DiskEntry,
  DiskKey,
  DiskLimits,
  DiskLoss,
  DiskRange,
  DiskRoom,
} from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import type { DenamoError } from "../wire/errors.ts";
import { messageOf } from "../wire/errors.ts";
import { type DiskCondition, DiskHealth } from "./disk_health.ts";

/** How often the room is looked at, and how often a trial is made, in milliseconds. */
const LOOK_EVERY_MS = 1_000;

/** How much a trial writes, in bytes; less if the disk takes less. */
const TRIAL_BYTES = 480_000;
const TRIAL_VALUE_BYTES = 60_000;

/** Where a trial writes. No other table of the disk bears this name. */
const TRIAL_TABLE = "w";

/** What an operator is told to do when a disk is lost. */
const GONE_ADVICE =
  "Put its data directory back if you can, then stop this node and start it again; without its " +
  "data it starts empty and fills its copies from the other owners";
const DAMAGED_ADVICE =
  "Start this node again: its store is checked then, and set aside if it is damaged";

export class WatchedDisk implements Disk {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #health = new DiskHealth();
  #room: DiskRoom | undefined;
  #lookedAtMs = -Infinity;
  #timer: Timer | undefined;
  #hasToldLoss = false;
  #isClosed = false;

  constructor(disk: Disk, clock: Clock, log: Log) {
    this.#disk = disk;
    this.#clock = clock;
    this.#log = log;
    void disk.lost.then((loss) => this.#observe(() => this.#health.lost(loss)));
  }

  get limits(): DiskLimits {
    return this.#disk.limits;
  }

  get lost(): Promise<DiskLoss> {
    return this.#disk.lost;
  }

  get condition(): DiskCondition {
    return this.#health.condition;
  }

  /** Whether commits fail; a disk that is nearly full takes them. */
  get refusesCommits(): boolean {
    return this.#health.refusesCommits;
  }

  /** What has become of the disk, as a sentence, if it is not there any more until the next start. */
  get goneBecause(): string | undefined {
    const { loss } = this.#health;
    return loss?.kind === "gone" ? loss.reason : undefined;
  }

  /** The room that was left when it was looked at last, in bytes; undefined if nobody can tell. */
  get freeBytes(): number | undefined {
    return this.#room?.freeBytes;
  }

  /** Why no new writes are taken: `disk_failed` without effect; undefined if they are. */
  problem(): DenamoError | undefined {
    return this.#health.problem();
  }

  get(key: DiskKey): Promise<Uint8Array | undefined> {
    return this.#disk.get(key);
  }

  range(range: DiskRange, limit: number): Promise<DiskEntry[]> {
    return this.#disk.range(range, limit);
  }

  commit(batch: readonly DiskChange[]): Promise<void> {
    const done = this.#disk.commit(batch);
    done.then(this.#committed, this.#commitFailed);
    return done;
  }

  keyBytes(key: DiskKey): number {
    return this.#disk.keyBytes(key);
  }

  room(): Promise<DiskRoom | undefined> {
    return this.#disk.room();
  }

  setAside(reason: string): Promise<string> {
    return this.#disk.setAside(reason);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    return this.#disk.close();
  }

  readonly #committed = (): void => {
    this.#health.committed();
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#lookedAtMs < LOOK_EVERY_MS) return;
    this.#lookedAtMs = nowMs;
    void this.#look();
  };

  readonly #commitFailed = (error: unknown): void => {
    this.#observe(() => this.#health.commitFailed(error), error);
  };

  async #look(): Promise<void> {
    this.#room = await this.#disk.room();
    this.#observe(() => this.#health.sawRoom(this.#room));
  }

  /** Lets the health learn something, and acts on what it makes of it. */
  #observe(learn: () => void, cause?: unknown): void {
    const before = this.#health.condition;
    learn();
    const after = this.#health.condition;
    if (this.#isClosed) return;
    const isLoss = this.#health.loss !== undefined && !this.#hasToldLoss;
    if (before !== after || isLoss) this.#tell(before, after, cause);
    this.#hasToldLoss ||= isLoss;
    if (this.#health.loss !== undefined) this.#timer?.cancel();
    else if (after !== "ok") {
      this.#timer ??= this.#clock.after(LOOK_EVERY_MS, () => void this.#try());
    }
  }

  async #try(): Promise<void> {
    const room = this.#room = await this.#disk.room();
    let [readError, writeError]: unknown[] = [undefined, undefined];
    const failure = (error: unknown) => error ?? "unknown";
    try {
      if (this.#health.mayTry(room)) await this.#write();
    } catch (error) {
      writeError = failure(error);
    }
    try {
      await this.#disk.range({ start: [TRIAL_TABLE], end: [TRIAL_TABLE, 1] }, 1);
    } catch (error) {
      readError = failure(error);
    }
    this.#timer = undefined;
    this.#observe(
      () => this.#health.tried({ readError, room, writeError }),
      readError ?? writeError,
    );
  }

  async #write(): Promise<void> {
    const { batchBytes, batchChanges, valueBytes } = this.#disk.limits;
    const value = new Uint8Array(Math.min(TRIAL_VALUE_BYTES, valueBytes)).fill(0xa5);
    const bytes = Math.min(TRIAL_BYTES, batchBytes / 2);
    const count = Math.max(1, Math.min(Math.floor(bytes / value.length), batchChanges));
    const keys = Array.from({ length: count }, (_, i): DiskKey => [TRIAL_TABLE, i]);
    await this.#disk.commit(keys.map((key) => ({ key, value })));
    await this.#disk.commit(keys.map((key) => ({ key })));
  }

  #tell(before: DiskCondition, after: DiskCondition, cause: unknown): void {
    const fields = {
      freeBytes: this.#room?.freeBytes,
      ...(cause === undefined ? {} : { error: messageOf(cause) }),
    };
    const what = this.#health.describe();
    const { loss } = this.#health;
    if (loss?.kind === "gone") {
      this.#log.error(`This node stores and serves nothing: ${what}. ${GONE_ADVICE}`);
    } else if (loss?.kind === "damaged") {
      this.#log.error(`This node takes no writes: ${what}. ${DAMAGED_ADVICE}`);
    } else if (after === "ok") {
      this.#log.info("The disk takes writes again", fields);
    } else if (after === "failed") {
      this.#log.error(`This node stores and serves nothing: ${what}. Replace the disk`, fields);
    } else if (before === "ok") {
      this.#log.error(
        `This node takes no writes: ${what}. Make room on it, or mend it; no restart is needed`,
        fields,
      );
    } else {
      this.#log.warn("The disk can be read again, and takes no writes", fields);
    }
  }
}
