// What happened in a world, as lines and as one hash.
//
// Two runs of one seed must have the same hash: then every failure can be had again. The hash covers all
// lines; of the lines themselves only the last are kept.

import { utf8 } from "../../src/base/bytes.ts";
import { hash32 } from "../../src/base/hash.ts";

const KEPT_COUNT = 400;

/** How much text is hashed at once: hashing each line alone would cost more than the lines. */
const HASHED_LENGTH = 32_768;

interface Line {
  readonly atMs: number;
  readonly what: string;
}

export class Trace {
  readonly #lines: Line[] = [];
  readonly #nowMs: () => number;
  readonly #print: ((line: string) => void) | undefined;
  #next = 0;
  #pending = "";
  #a = 1;
  #b = 2;

  /** @param print is given every line, if there is somebody who wants to read them all */
  constructor(nowMs: () => number, print?: (line: string) => void) {
    this.#nowMs = nowMs;
    this.#print = print;
  }

  /** The hash of everything so far, as 16 hexadecimal digits. */
  get hash(): string {
    this.#digest();
    return [this.#a, this.#b].map((part) => part.toString(16).padStart(8, "0")).join("");
  }

  /** Notes that something happened now. */
  add(what: string): void {
    const line = { atMs: this.#nowMs(), what };
    this.#pending += `${line.atMs} ${what}\n`;
    if (this.#pending.length >= HASHED_LENGTH) this.#digest();
    this.#lines[this.#next++ % KEPT_COUNT] = line;
    this.#print?.(show(line));
  }

  /** The last `count` lines that `matches`, the oldest first. */
  last(count: number, matches: (line: string) => boolean = () => true): string[] {
    const first = Math.max(0, this.#next - KEPT_COUNT);
    const kept: string[] = [];
    for (let at = first; at < this.#next; at++) kept.push(show(this.#lines[at % KEPT_COUNT]!));
    return kept.filter(matches).slice(-count);
  }

  #digest(): void {
    if (this.#pending === "") return;
    const bytes = utf8(this.#pending);
    this.#pending = "";
    this.#a = hash32(bytes, this.#a);
    this.#b = hash32(bytes, this.#b);
  }
}

function show({ atMs, what }: Line): string {
  return `${atMs.toFixed(3).padStart(12)} ${what}`;
}
