// A map from byte strings to values that never changes: every operation gives another one, which has nearly
// everything in common with it.
//
// A set of 100,000 elements that copies itself for each element is no use. So the entries, sorted by key,
// lie in chunks, and a list of the chunks is all that is copied beside the chunk that changes: about the
// square root of the size. Chunks that two maps have in common are recognised as the same object, so what
// differs between a map and one that was made from it is found without looking at the rest.
//
// Cost for n entries: get O(log n); one change O(n / 64 + 128) moves of references; differences() O(n / 64 +
// entries of the chunks that differ), which is O(n) between maps that were decoded apart.
//
// Keys are strings of one byte per character (base/bytes.ts, binaryString()): they compare as the bytes do,
// and nobody can change them.
//
// Invariant: keys are sorted, each once; no chunk is empty or has more than CHUNK_MAX entries.

/** Entries of the largest chunk. */
const CHUNK_MAX = 128;

/** Chunks that become smaller than this are joined with the one before if that is small as well. */
const CHUNK_SMALL = 32;

interface Chunk<V> {
  readonly keys: readonly string[];
  readonly values: readonly V[];
  /** What {@linkcode SortedMap.summaries} was once told of these values. */
  summary: unknown;
  /** What {@linkcode SortedMap.sizeBytes} has found; undefined until it was asked. */
  sizeBytes: number | undefined;
}

/** A key and its value; undefined where there is none. */
export type Change<V> = readonly [key: string, value: V | undefined];

/** A key and its values on two sides; undefined where there is none. */
export type Difference<V> = readonly [key: string, a: V | undefined, b: V | undefined];

export class SortedMap<V> {
  static readonly #empty = new SortedMap<never>([], 0);
  readonly #chunks: readonly Chunk<V>[];
  readonly size: number;

  constructor(chunks: readonly Chunk<V>[], size: number) {
    this.#chunks = chunks;
    this.size = size;
  }

  static empty<V>(): SortedMap<V> {
    return SortedMap.#empty as SortedMap<unknown> as SortedMap<V>;
  }

  get(key: string): V | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)];
    if (chunk === undefined) return undefined;
    const at = firstAtLeast(chunk.keys, key);
    return chunk.keys[at] === key ? chunk.values[at] : undefined;
  }

  /** Undefined if there is no entry. */
  get lastKey(): string | undefined {
    return this.#chunks[this.#chunks.length - 1]?.keys.at(-1);
  }

  /** With one entry more, another value, or, for undefined, one entry less. */
  with(key: string, value: V | undefined): SortedMap<V> {
    return this.withChanges([[key, value]]);
  }

  /** With changes, which are sorted by key, each key once. Returns this map itself if there are none. */
  withChanges(changes: readonly Change<V>[]): SortedMap<V> {
    if (changes.length === 0) return this;
    const chunks: Chunk<V>[] = [];
    let size = this.size;
    let copied = 0;
    for (let i = 0; i < changes.length;) {
      const at = this.#chunkOf(changes[i]![0]);
      while (copied < at) chunks.push(this.#chunks[copied++]!);
      const end = this.#chunks[at + 1]?.keys[0];
      let j = i + 1;
      while (j < changes.length && (end === undefined || changes[j]![0] < end)) j++;
      const chunk = this.#chunks[at];
      const { keys, values } = changed(chunk, changes.slice(i, j));
      size += keys.length - (chunk?.keys.length ?? 0);
      pushPieces(chunks, keys, values);
      copied = at + 1;
      i = j;
    }
    while (copied < this.#chunks.length) chunks.push(this.#chunks[copied++]!);
    return chunks.length === 0 ? SortedMap.empty() : new SortedMap(chunks, size);
  }

  *[Symbol.iterator](): Generator<readonly [key: string, value: V]> {
    for (const { keys, values } of this.#chunks) {
      for (let i = 0; i < keys.length; i++) yield [keys[i]!, values[i]!];
    }
  }

  /** Every key whose values are not the same object, and maybe some whose values are. */
  *differences(other: SortedMap<V>): Generator<Difference<V>> {
    const a = new Cursor(this.#chunks);
    const b = new Cursor(other.#chunks);
    while (!a.isAtEnd || !b.isAtEnd) {
      // Both enter a chunk that they have in common at once, since all other keys are before or after it.
      if (a.chunk === b.chunk) {
        a.skipChunk();
        b.skipChunk();
      } else if (b.isAtEnd || (!a.isAtEnd && a.key < b.key)) {
        yield [a.key, a.value, undefined];
        a.next();
      } else if (a.isAtEnd || b.key < a.key) {
        yield [b.key, undefined, b.value];
        b.next();
      } else {
        yield [a.key, a.value, b.value];
        a.next();
        b.next();
      }
    }
  }

  /**
   * What `summarize` says of the values of each chunk. It is asked once per chunk, ever, so one map and
   * those made from it may be summarized in one way only.
   */
  *summaries<S>(summarize: (values: readonly V[]) => S): Generator<S> {
    for (const chunk of this.#chunks) yield summaryOf(chunk, summarize);
  }

  /**
   * The sum of what `measure` says of all entries. Each chunk is measured once, ever, so one map and those made
   * from it may be measured in one way only.
   */
  sizeBytes(measure: (key: string, value: V) => number): number {
    let sum = 0;
    for (const chunk of this.#chunks) sum += sizeOf(chunk, measure);
    return sum;
  }

  /** The entries that measure more than so many bytes; `measure` as for the sum. Small chunks are not looked at. */
  *entriesOver(
    bytes: number,
    measure: (key: string, value: V) => number,
  ): Generator<readonly [key: string, value: V]> {
    for (const chunk of this.#chunks) {
      if (sizeOf(chunk, measure) <= bytes) continue;
      for (const [i, key] of chunk.keys.entries()) {
        if (measure(key, chunk.values[i]!) > bytes) yield [key, chunk.values[i]!];
      }
    }
  }

  /** The entries of the chunks whose summary is of interest. */
  *entriesWhere<S>(
    summarize: (values: readonly V[]) => S,
    isOfInterest: (summary: S) => boolean,
  ): Generator<readonly [key: string, value: V]> {
    for (const chunk of this.#chunks) {
      if (!isOfInterest(summaryOf(chunk, summarize))) continue;
      for (let i = 0; i < chunk.keys.length; i++) yield [chunk.keys[i]!, chunk.values[i]!];
    }
  }

  /** The index of the chunk in which `key` is if it is anywhere. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle]!.keys[0]! <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

function summaryOf<V, S>(chunk: Chunk<V>, summarize: (values: readonly V[]) => S): S {
  return (chunk.summary ??= summarize(chunk.values)) as S;
}

function sizeOf<V>(chunk: Chunk<V>, measure: (key: string, value: V) => number): number {
  return chunk.sizeBytes ??= chunk.keys.reduce((sum, key, i) => {
    return sum + measure(key, chunk.values[i]!);
  }, 0);
}

/** A place in a list of chunks. */
class Cursor<V> {
  readonly #chunks: readonly Chunk<V>[];
  #chunkAt = 0;
  #at = 0;

  constructor(chunks: readonly Chunk<V>[]) {
    this.#chunks = chunks;
  }

  get chunk(): Chunk<V> | undefined {
    return this.#chunks[this.#chunkAt];
  }

  get isAtEnd(): boolean {
    return this.#chunkAt >= this.#chunks.length;
  }

  get key(): string {
    return this.#chunks[this.#chunkAt]!.keys[this.#at]!;
  }

  get value(): V {
    return this.#chunks[this.#chunkAt]!.values[this.#at]!;
  }

  next(): void {
    if (++this.#at >= this.#chunks[this.#chunkAt]!.keys.length) this.skipChunk();
  }

  skipChunk(): void {
    this.#chunkAt++;
    this.#at = 0;
  }
}

/** The index of the first key that is not below `key`. */
function firstAtLeast(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The entries of a chunk after changes. */
function changed<V>(
  chunk: Chunk<V> | undefined,
  changes: readonly Change<V>[],
): { keys: string[]; values: V[] } {
  const keys: string[] = [];
  const values: V[] = [];
  const oldKeys = chunk?.keys ?? [];
  let i = 0;
  const keepUntil = (end: number) => {
    for (; i < end; i++) {
      keys.push(oldKeys[i]!);
      values.push(chunk!.values[i]!);
    }
  };
  for (const [key, value] of changes) {
    keepUntil(firstAtLeast(oldKeys, key));
    if (oldKeys[i] === key) i++;
    if (value === undefined) continue;
    keys.push(key);
    values.push(value);
  }
  keepUntil(oldKeys.length);
  return { keys, values };
}

/** Appends entries as chunks of no more than {@linkcode CHUNK_MAX}. */
function pushPieces<V>(chunks: Chunk<V>[], keys: string[], values: V[]): void {
  const before = chunks[chunks.length - 1];
  if (before !== undefined && keys.length < CHUNK_SMALL && before.keys.length < CHUNK_SMALL) {
    chunks.pop();
    keys = [...before.keys, ...keys];
    values = [...before.values, ...values];
  }
  const pieces = Math.ceil(keys.length / CHUNK_MAX);
  const length = Math.ceil(keys.length / pieces);
  for (let at = 0; at < keys.length; at += length) {
    chunks.push({
      keys: keys.slice(at, at + length),
      values: values.slice(at, at + length),
      summary: undefined,
      sizeBytes: undefined,
    });
  }
}
