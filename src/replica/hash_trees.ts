// The hash trees of a node: one per partition and number of copies, kept up to date by every write.
//
// Two owners of a partition hold the same keys only as far as both own them: a namespace with another number
// of copies has other owners, and so a tree of its own. Trees are not stored. They are built in one sweep over
// all partitions when the first is asked for, while writes go on: what changes meanwhile is remembered with
// its last state and counts instead of what the sweep has found or will find. After a commit that failed nobody knows what
// the disk has; then the trees of that partition alone are built anew.

import { binaryString, compareBytes } from "../base/bytes.ts";
import { hash64 } from "../base/hash.ts";
import type { DataObject } from "../crdt/data_object.ts";
import { PARTITION_COUNT_MAX } from "../ring/partition.ts";
import type { ScanStart, StoredEntry } from "../storage/storage.ts";
import { HashTree, leafOf } from "./hash_tree.ts";

/** Reads keys in order, up to the end of the partition `until`; see {@linkcode Storage.range}. */
export type ReadRange = (
  from: ScanStart,
  until: number,
  limit: number,
) => Promise<readonly StoredEntry<DataObject>[]>;

/** A key as a tree knows it. */
export interface TreeEntry {
  readonly partition: number;
  readonly key: Uint8Array;
  readonly digest: bigint;
}

/** How many entries are read at once. */
const PAGE_COUNT = 256;

/** The trees of one partition by the number of copies. */
type Trees = Map<number, HashTree>;

interface Sweep {
  readonly first: number;
  readonly last: number;
  /** What has been found and has not changed since. */
  readonly built: Map<number, Trees>;
  /** The last key that has been found. */
  reached: TreeEntry | undefined;
  /** By key, where it is and the digest of what is there since it changed; undefined if nothing is. */
  readonly changed: Map<string, Omit<TreeEntry, "digest"> & { digest: bigint | undefined }>;
  /** Partitions of which it has found out nothing that can be relied on. */
  readonly forgotten: Set<number>;
  /** Whether keys have come to other trees since it began: what it finds is of no use. */
  isVoid: boolean;
  readonly done: Promise<void>;
}

export class HashTrees {
  readonly #readRange: ReadRange;
  /** How many copies the namespace of a key keeps. */
  readonly #copiesOf: (key: Uint8Array) => number;
  /** Partitions that hold nothing, or are not known, have no entry. */
  readonly #trees = new Map<number, Trees>();
  readonly #sweeps = new Set<Sweep>();
  /** Whether all partitions are known but those of `#forgotten`. */
  #hasSwept = false;
  readonly #forgotten = new Set<number>();

  constructor(readRange: ReadRange, copiesOf: (key: Uint8Array) => number) {
    this.#readRange = readRange;
    this.#copiesOf = copiesOf;
  }

  /** A key's object has changed, visibly to every reader; undefined means that there is or was none. */
  changed(
    partition: number,
    key: Uint8Array,
    before: DataObject | undefined,
    after: DataObject | undefined,
  ): void {
    for (const sweep of this.#sweeps) this.#changedIn(sweep, partition, key, before, after);
    if (!this.#isKnown(partition)) return;
    const tree = treeOf(this.#trees, partition, this.#copiesOf(key));
    const leaf = leafOf(key);
    const out = digestOf(before);
    if (out !== undefined) tree.toggle(leaf, out);
    const into = digestOf(after);
    if (into !== undefined) tree.toggle(leaf, into);
  }

  #changedIn(
    { built, changed, first, last, reached }: Sweep,
    partition: number,
    key: Uint8Array,
    before: DataObject | undefined,
    after: DataObject | undefined,
  ): void {
    if (partition < first || partition > last) return;
    const name = binaryString(key);
    const out = digestOf(before);
    const isFound = reached !== undefined && !changed.has(name) &&
      (partition - reached.partition || compareBytes(key, reached.key)) <= 0;
    if (isFound && out !== undefined) {
      treeOf(built, partition, this.#copiesOf(key)).toggle(leafOf(key), out);
    }
    changed.set(name, { partition, key: key.slice(), digest: digestOf(after) });
  }

  /** What a partition holds is no longer known: its trees are built when they are asked for again. */
  forget(partition: number): void {
    this.#trees.delete(partition);
    this.#forgotten.add(partition);
    for (const { forgotten } of this.#sweeps) forgotten.add(partition);
  }

  /** Keys belong to trees of other numbers of copies from now on: all are built anew. */
  reset(): void {
    this.#hasSwept = false;
    this.#trees.clear();
    this.#forgotten.clear();
    for (const sweep of this.#sweeps) sweep.isVoid = true;
  }

  /** The tree of a partition, if it is known. */
  peek(partition: number, copies: number): HashTree | undefined {
    if (!this.#isKnown(partition)) return undefined;
    return treeOf(this.#trees, partition, copies);
  }

  /** The tree of a partition, built first if it must be. @throws what the disk throws */
  get(partition: number, copies: number): HashTree | Promise<HashTree> {
    return this.peek(partition, copies) ?? this.#whenBuilt(partition, copies);
  }

  /**
   * The keys of a partition with their digests, in order, behind `after` if it is given; a record that cannot be
   * read has a digest of no object.
   */
  entries(partition: number, after?: Uint8Array): AsyncGenerator<TreeEntry> {
    return this.#read({ partition, after }, partition);
  }

  async #whenBuilt(partition: number, copies: number): Promise<HashTree> {
    for (;;) {
      await this.#sweepOver(partition).done;
      const tree = this.peek(partition, copies);
      if (tree !== undefined) return tree;
    }
  }

  #isKnown(partition: number): boolean {
    return this.#hasSwept && !this.#forgotten.has(partition);
  }

  /** The sweep that will find a partition, begun if there is none. */
  #sweepOver(partition: number): Sweep {
    for (const sweep of this.#sweeps) {
      const covers = sweep.first <= partition && partition <= sweep.last;
      if (covers && !sweep.isVoid && !sweep.forgotten.has(partition)) return sweep;
    }
    return this.#hasSwept
      ? this.#sweep(partition, partition)
      : this.#sweep(0, PARTITION_COUNT_MAX - 1);
  }

  #sweep(first: number, last: number): Sweep {
    const changed: Sweep["changed"] = new Map();
    const forgotten = new Set<number>();
    const built = new Map<number, Trees>();
    const run = async () => {
      const add = ({ partition, key }: Omit<TreeEntry, "digest">, digest: bigint) =>
        treeOf(built, partition, this.#copiesOf(key)).toggle(leafOf(key), digest);
      for await (const entry of this.#read({ partition: first }, last)) {
        if (sweep.isVoid) return;
        if (!changed.has(binaryString(entry.key))) add(entry, entry.digest);
        sweep.reached = entry;
      }
      if (sweep.isVoid) return;
      for (const entry of changed.values()) {
        if (entry.digest !== undefined) add(entry, entry.digest);
      }
      for (const [partition, trees] of built) {
        if (!forgotten.has(partition)) this.#trees.set(partition, trees);
      }
      if (first < last) {
        this.#hasSwept = true;
        this.#forgotten.clear();
        for (const partition of forgotten) this.#forgotten.add(partition);
      } else if (!forgotten.has(first)) {
        this.#forgotten.delete(first);
      }
    };
    const done = Promise.resolve().then(run).finally(() => this.#sweeps.delete(sweep));
    const sweep: Sweep = {
      first,
      last,
      built,
      reached: undefined,
      changed,
      forgotten,
      isVoid: false,
      done,
    };
    this.#sweeps.add(sweep);
    return sweep;
  }

  async *#read(start: ScanStart, last: number): AsyncGenerator<TreeEntry> {
    let from = start;
    for (;;) {
      const page = await this.#readRange(from, last, PAGE_COUNT);
      for (const { partition, key, object, corrupt } of page) {
        // What cannot be read is no reason to look like a copy that lacks the key: it would take over our floor, below
        // which what it lacks counts as replaced.
        const digest = corrupt === undefined ? digestOf(object) : hash64(key);
        if (digest !== undefined) yield { partition, key, digest };
      }
      if (page.length < PAGE_COUNT) return;
      const { partition, key } = page[page.length - 1]!;
      from = { partition, after: key };
    }
  }
}

function treeOf(trees: Map<number, Trees>, partition: number, copies: number): HashTree {
  let ofPartition = trees.get(partition);
  if (ofPartition === undefined) trees.set(partition, ofPartition = new Map());
  let tree = ofPartition.get(copies);
  if (tree === undefined) ofPartition.set(copies, tree = new HashTree());
  return tree;
}

/** An object that knows of nothing is as good as none. */
function digestOf(object: DataObject | undefined): bigint | undefined {
  return object === undefined || object.isEmpty ? undefined : object.digest();
}
