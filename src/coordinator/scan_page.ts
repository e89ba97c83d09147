// A page of a scan as it grows, and where it may end.

import { assert } from "../base/assert.ts";
import type { Position } from "./scan_answers.ts";

export interface ScanResult {
  readonly keys: readonly Uint8Array[];
  /** Where to go on; undefined at the end. */
  readonly next: Position | undefined;
}

export class ScanPage {
  readonly #limit: number;
  readonly #wholePartitions: boolean;
  readonly #from: Position;
  readonly #keys: Uint8Array[] = [];
  /** Of each key. */
  readonly #partitions: number[] = [];
  #position: Position;

  /** @param wholePartitions whether it may end between partitions only */
  constructor(from: Position, limit: number, wholePartitions: boolean) {
    this.#from = from;
    this.#position = from;
    this.#limit = limit;
    this.#wholePartitions = wholePartitions;
  }

  /** Everything before it has been looked at. */
  get position(): Position {
    return this.#position;
  }

  /** Whether what comes next in this partition has no place. */
  isFullFor(partition: number): boolean {
    if (this.#keys.length < this.#limit) return false;
    return !this.#wholePartitions || partition !== this.#partitions.at(-1);
  }

  /** How many partitions it needs yet: one, the last begun, if it is full and must come to the end of that. */
  get isFinishing(): boolean {
    return this.#keys.length >= this.#limit;
  }

  /** The next key in order, which is in the page if it is live. */
  take(partition: number, key: Uint8Array, isLive: boolean): void {
    this.#position = { partition, after: key };
    if (!isLive) return;
    this.#keys.push(key);
    this.#partitions.push(partition);
  }

  /** There is nothing more up to here. */
  advance(position: Position): void {
    this.#position = position;
  }

  /** The page, if nothing comes after it. */
  last(): ScanResult {
    return { keys: this.#keys, next: undefined };
  }

  /** The page, if it is full for a partition. */
  full(partition: number): ScanResult {
    assert(this.isFullFor(partition), "A page that ends with its limit is full");
    const next = this.#wholePartitions ? { partition } : this.#position;
    return { keys: this.#keys, next };
  }

  /** What there is of it, where it may end before it is full; undefined if that is where it has begun. */
  early(): ScanResult | undefined {
    const { after, partition } = this.#position;
    if (this.#position === this.#from) return undefined;
    if (!this.#wholePartitions || after === undefined) {
      return { keys: this.#keys, next: this.#position };
    }
    if (partition === this.#from.partition) return undefined;
    const isBefore = (_key: Uint8Array, i: number) => this.#partitions[i]! < partition;
    return { keys: this.#keys.filter(isBefore), next: { partition } };
  }
}
