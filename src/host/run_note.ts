// How the last run on a data directory ended.
//
// A process that is killed, or that Deno KV ends because of a damaged page, has no time to say so. So a note is written
// before the store is opened, and removed at a clean stop: if a start finds one, the last run did not end by itself.
// What SQLite says of damage goes into the note at once.
//
//   running.json   version, pid, since, uncheckedEnds, suspicions, damage

import { join } from "node:path";
import { DenamoError, DiskFullError, messageOf } from "../wire/errors.ts";
import { readIfPresent, removeIfPresent, writeDurably } from "./durable_files.ts";
import { isNoRoom } from "./room.ts";

const FILE = "running.json";
const VERSION = 1;

/** What a start finds of the runs before it. */
export interface EarlierRuns {
  /** How many of them, one after the other, ended badly since the store was last checked. */
  readonly uncheckedEnds: number;
  /** What SQLite said of damage in the last run; undefined if it said nothing. */
  readonly damage: string | undefined;
  /** How many times it said so, one run after the other, and a check then found nothing. */
  readonly suspicions: number;
}

const NOTHING: EarlierRuns = { uncheckedEnds: 0, damage: undefined, suspicions: 0 };

export class RunNote {
  /** What the last run left. */
  readonly earlier: EarlierRuns;
  readonly #path: string;
  readonly #since = new Date().toISOString();
  #now: EarlierRuns;
  #last: Promise<void> = Promise.resolve();

  private constructor(path: string, earlier: EarlierRuns) {
    this.#path = path;
    this.earlier = this.#now = earlier;
  }

  /**
   * Notes that a run begins in this directory.
   *
   * @throws {DiskFullError} if there is no room for that
   * @throws {DenamoError} `disk_failed`, naming the file, if it cannot be written for another reason
   */
  static async begin(directory: string): Promise<RunNote> {
    const path = join(directory, FILE);
    const note = new RunNote(path, earlierIn(await readIfPresent(path)));
    await note.#write();
    return note;
  }

  /** The store was checked, and nothing was found. */
  async foundSound(): Promise<void> {
    const { damage, suspicions } = this.#now;
    const isSuspected = damage !== undefined;
    this.#now = {
      uncheckedEnds: 0,
      damage: undefined,
      suspicions: isSuspected ? suspicions + 1 : suspicions,
    };
    await this.#write();
  }

  /** What was damaged is out of the way. */
  async haveReplaced(): Promise<void> {
    this.#now = NOTHING;
    await this.#write();
  }

  /** SQLite calls the open store damaged. */
  async suspect(damage: string): Promise<void> {
    this.#now = { ...this.#now, damage };
    await this.#write();
  }

  /** This run ends by itself. What was said of damage stays for the next one. */
  async end(): Promise<void> {
    await this.#last;
    if (this.#now.damage === undefined) await removeIfPresent(this.#path);
  }

  #write(): Promise<void> {
    return this.#last = this.#last.catch(() => {}).then(async () => {
      const facts = { version: VERSION, pid: Deno.pid, since: this.#since, ...this.#now };
      const text = `${JSON.stringify(facts, undefined, 2)}\n`;
      try {
        await writeDurably(this.#path, new TextEncoder().encode(text), 0o644);
      } catch (error) {
        const action = `Cannot write ${this.#path}`;
        if (isNoRoom(error)) throw new DiskFullError(action, error);
        throw new DenamoError("disk_failed", "no", `${action}: ${messageOf(error)}`);
      }
    });
  }
}

/** A note that cannot be read says at least that there was a run. */
export function earlierIn(bytes: Uint8Array | undefined): EarlierRuns {
  if (bytes === undefined) return NOTHING;
  let facts: Record<string, unknown> = {};
  try {
    facts = JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    // It was cut off, or is damaged like what it is about.
  }
  const { damage } = facts;
  return {
    uncheckedEnds: 1 + countOf(facts["uncheckedEnds"]),
    damage: typeof damage === "string" ? damage : undefined,
    suspicions: countOf(facts["suspicions"]),
  };
}

function countOf(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
