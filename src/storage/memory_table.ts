// The memory table: the latest durable change of each key whose record is older.
//
// It holds what the journal has and the records have not. Its order is that of the journal, oldest first: a
// key that changes again goes to the end. So what must be written before the oldest entries of the journal
// may go stands at the front, and a key that changes often never gets there.
//
// A change of an object in parts takes over what the one before it has not written yet (see write.ts). It is then in
// several entries of the journal, of which the first must not go before it.
//
// Objects are found by partition as well: a scan of a few partitions does not look at all of them.

import { EMPTY } from "../base/bytes.ts";
import { objectName } from "./record.ts";
import { takeOver, type Write } from "./write.ts";

/** What a change weighs beside its body and its name: measured with small objects, roughly. */
const OVERHEAD_BYTES = 500;

/** A stretch with more changes than this ends at the next partition. */
const STRETCH_COUNT = 512;

/** A place in the order of the objects. */
export interface Bound {
  readonly partition: number;
  readonly key: Uint8Array;
}

export class MemoryTable<T> {
  readonly #writes = new Map<string, Write<T>>();
  readonly #names = new Map<number, Set<string>>();
  /** Changes of which the journal holds the parts in several entries. */
  readonly #spanning = new Set<Write<T>>();
  #bytes = 0;

  get count(): number {
    return this.#writes.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(name: string): Write<T> | undefined {
    return this.#writes.get(name);
  }

  /** Oldest first. */
  inOrder(): Iterable<Write<T>> {
    return this.#writes.values();
  }

  /** Takes a durable change, in place of an earlier one of the same key. */
  set(write: Write<T>): void {
    const { name, place } = write;
    const earlier = this.#writes.get(name);
    if (earlier !== undefined) {
      this.#writes.delete(name);
      this.#bytes -= weightOf(earlier);
      this.#spanning.delete(earlier);
      if (takeOver(write, earlier)) write.since = earlier.since;
    } else if (place.table === "object") {
      const names = this.#names.get(place.partition);
      if (names === undefined) this.#names.set(place.partition, new Set([name]));
      else names.add(name);
    }
    this.#writes.set(name, write);
    this.#bytes += weightOf(write);
    if (write.since < write.sequence) this.#spanning.add(write);
  }

  /** The changes that an entry of the journal must not go before, though later entries hold them. */
  *needing(sequence: number): Generator<Write<T>> {
    for (const write of this.#spanning) if (write.since <= sequence) yield write;
  }

  delete(write: Write<T>): void {
    const { name, place } = write;
    if (this.#writes.get(name) !== write) return;
    this.#writes.delete(name);
    this.#spanning.delete(write);
    this.#bytes -= weightOf(write);
    if (place.table !== "object") return;
    const names = this.#names.get(place.partition)!;
    names.delete(name);
    if (names.size === 0) this.#names.delete(place.partition);
  }

  /**
   * The changes of objects from `start` (included) to where the stretch ends (excluded): at `end`, or at an
   * earlier partition if there are many. In any order.
   */
  stretch(start: Bound, end: Bound): { writes: Write<T>[]; end: Bound } {
    const first = objectName(start.partition, start.key);
    const last = objectName(end.partition, end.key);
    const writes: Write<T>[] = [];
    const take = (name: string) => {
      if (name >= first && name < last) writes.push(this.#writes.get(name)!);
    };
    if (this.#writes.size <= STRETCH_COUNT) {
      for (const names of this.#names.values()) names.forEach(take);
      return { writes, end };
    }
    for (let partition = start.partition; partition <= end.partition; partition++) {
      if (writes.length >= STRETCH_COUNT) return { writes, end: { partition, key: EMPTY } };
      this.#names.get(partition)?.forEach(take);
    }
    return { writes, end };
  }
}

function weightOf({ name, weightBytes }: Write<unknown>): number {
  return OVERHEAD_BYTES + name.length + weightBytes;
}
