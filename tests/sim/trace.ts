// What happened in a world, as lines and as one hash.
//
// Two runs of one seed must have the same hash: then every failure can be had again. The hash covers all
// lines; of the lines themselves only the last are kept.

import { utf8 } from "../../src/base/bytes.ts";
import { hash32 } from "../../src/base/hash.ts";

const KEPT_COUNT = 400;

export class Trace {
  readonly #lines: string[] = [];
  readonly #nowMs: () => number;
  readonly #print: ((line: string) => void) | undefined;
  #next = 0;
  #a = 1;
  #b = 2;

  /** @param print is given every line, if there is somebody who wants to read them all */
  constructor(nowMs: () => number, print?: (line: string) => void) {
    this.#nowMs = nowMs;
    this.#print = print;
  }

  /** The hash of everything so far, as 16 hexadecimal digits. */
  get hash(): string {
    return [this.#a, this.#b].map((part) => part.toString(16).padStart(8, "0")).join("");
  }

  /** Notes that something happened now. */
  add(what: string): void {
    const line = `${this.#nowMs().toFixed(3).padStart(12)} ${what}`;
    const bytes = utf8(line);
    this.#a = hash32(bytes, this.#a);
    this.#b = hash32(bytes, this.#b);
    this.#lines[this.#next++ % KEPT_COUNT] = line;
    this.#print?.(line);
  }

  /** The last `count` lines that `matches`, the oldest first. */
  last(count: number, matches: (line: string) => boolean = () => true): string[] {
    const first = Math.max(0, this.#next - KEPT_COUNT);
    const kept: string[] = [];
    for (let at = first; at < this.#next; at++) kept.push(this.#lines[at % KEPT_COUNT]!);
    return kept.filter(matches).slice(-count);
  }
}
