// Whether a disk takes writes: what is concluded from its answers.
//
//   ok ── a commit refused for lack of room, or several commits failed, or little room is left ─▶ readonly
//   readonly ── a trial write succeeds, and enough room is left ─▶ ok
//   readonly ◀── a read succeeds ── failed ◀── a trial write fails, and a read as well ── readonly
//   any ── the disk is damaged ─▶ readonly for good     any ── the disk is gone ─▶ failed for good
//
// A disk that was lost while it is open stays lost until the next start, even if its files come back: what lies there
// then may be older than what this node has acknowledged.
//
// A node stops taking writes while there is still some room: to flush its journal, to hand over what it keeps
// for others and to note a new layout it must be able to write. It begins again only when there is clearly more,
// so that it does not change its mind with every file that comes and goes.
//
// A delete stores a tombstone, which must outlive what it deletes. So it is refused like any other write. The
// room that is lacking is room on the device, and no delete would give any of it back.

import type { DiskLoss, DiskRoom } from "../ports/disk.ts";
import { DenamoError, DiskFullError } from "../wire/errors.ts";

/** `readonly` serves what it has, `failed` not even that. */
export type DiskCondition = "ok" | "readonly" | "failed";

/** Why a disk takes no writes. */
type Trouble = "full" | "low" | "errors";

/** With less room a disk takes no writes: a twentieth of the device, or this if that is less, in bytes. */
const LOW_ROOM_BYTES = 64 * 1024 * 1024;
const LOW_ROOM_SHARE = 0.05;

/** How many times that much room there must be before it takes writes again. */
const ENOUGH_ROOM_TIMES = 1.5;

/** So many commits must fail one after the other, for other reasons than lack of room. */
const FAILURES_IN_ROW = 3;

/** What a trial of a disk that takes no writes has shown. */
export interface Trial {
  readonly room: DiskRoom | undefined;
  /** Undefined if it was not tried, for lack of room, or if it succeeded. */
  readonly writeError: unknown;
  readonly readError: unknown;
}

export class DiskHealth {
  #condition: DiskCondition = "ok";
  #trouble: Trouble | undefined;
  #failuresInRow = 0;
  #loss: DiskLoss | undefined;

  get condition(): DiskCondition {
    return this.#condition;
  }

  /** Whether commits fail, not just those that clients want. */
  get refusesCommits(): boolean {
    return this.#loss !== undefined || this.#trouble === "full" || this.#trouble === "errors";
  }

  /** Why the disk is of no use until the next start; undefined if it is not lost. */
  get loss(): DiskLoss | undefined {
    return this.#loss;
  }

  /** Why no new writes are taken; undefined if they are. */
  problem(): DenamoError | undefined {
    if (this.#trouble === undefined && this.#loss === undefined) return undefined;
    return new DenamoError("disk_failed", "no", `No writes are taken: ${this.describe()}`);
  }

  /** What is wrong, in words. */
  describe(): string {
    if (this.#loss !== undefined) return this.#loss.reason;
    if (this.#condition === "failed") return "the disk can be neither written nor read";
    switch (this.#trouble) {
      case "full":
        return "the disk is full";
      case "low":
        return "the disk is nearly full";
      case "errors":
        return "the disk refuses what it shall store";
      case undefined:
        return "the disk takes writes";
    }
  }

  lost(loss: DiskLoss): void {
    this.#loss = loss;
    if (this.#condition !== "failed") {
      this.#condition = loss.kind === "gone" ? "failed" : "readonly";
    }
  }

  committed(): void {
    this.#failuresInRow = 0;
  }

  commitFailed(error: unknown): void {
    // What was over a limit, or came when the disk was closed, says nothing of the disk.
    if (error instanceof RangeError || isStopped(error) || this.#loss !== undefined) return;
    this.#failuresInRow++;
    if (error instanceof DiskFullError) this.#refuse("full");
    else if (this.#failuresInRow >= FAILURES_IN_ROW) this.#refuse("errors");
  }

  sawRoom(room: DiskRoom | undefined): void {
    if (this.#trouble === undefined && this.#loss === undefined && isShort(room, 1)) {
      this.#refuse("low");
    }
  }

  /** Whether a write may be tried: not where it could take the last room. */
  mayTry(room: DiskRoom | undefined): boolean {
    return !isShort(room, ENOUGH_ROOM_TIMES);
  }

  tried({ readError, room, writeError }: Trial): void {
    if (this.#trouble === undefined || this.#loss !== undefined) return;
    if (writeError === undefined && this.mayTry(room)) {
      if (readError !== undefined) return;
      this.#condition = "ok";
      this.#trouble = undefined;
      this.#failuresInRow = 0;
      return;
    }
    if (writeError !== undefined) this.#trouble = troubleOf(writeError);
    this.#condition = readError !== undefined && this.refusesCommits ? "failed" : "readonly";
  }

  #refuse(trouble: Trouble): void {
    if (this.#condition === "ok") this.#condition = "readonly";
    this.#trouble = trouble;
  }
}

function troubleOf(error: unknown): Trouble {
  return error instanceof DiskFullError ? "full" : "errors";
}

function isShort(room: DiskRoom | undefined, times: number): boolean {
  if (room === undefined) return false;
  const lowBytes = Math.min(LOW_ROOM_BYTES, LOW_ROOM_SHARE * room.totalBytes);
  return room.freeBytes < times * lowBytes;
}

function isStopped(error: unknown): boolean {
  return error instanceof DenamoError && error.code === "stopped";
}
