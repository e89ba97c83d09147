// What a node answers to who compares hash trees with it: roots, leaves, and the keys of leaves.
//
// All three are about one number of copies: the keys of the namespaces that keep so many, 0 standing for the
// layout's number. Everything travels with the bulk data, so that comparing never stands before a request.

import { MalformedError } from "../base/malformed.ts";
import type { PeerId } from "../ports/network.ts";
import { Arguments } from "../wire/arguments.ts";
import { DenamoError } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { type IncomingRequest, METHODS } from "../wire/message_codec.ts";
import type { Rpc } from "../wire/rpc.ts";
import type { CurrentLayout } from "./cluster.ts";
import type { Floors } from "./floors.ts";
import { LEAF_COUNT, leafOf } from "./hash_tree.ts";
import type { HashTrees, TreeEntry } from "./hash_trees.ts";
import type { Namespaces } from "./namespaces.ts";
import { checkOwns, type NodeOf } from "./owners_only.ts";
import { partId } from "./parts.ts";

/** Partitions whose roots one message asks for. */
export const ROOTS_COUNT = 1_024;

/** Keys that one message tells. */
export const ENTRIES_COUNT = 512;

export class TreeService {
  readonly #self: string;
  readonly #trees: HashTrees;
  readonly #floors: Floors;
  readonly #namespaces: Namespaces;
  readonly #layout: () => CurrentLayout | undefined;
  readonly #nodeOf: NodeOf;

  constructor(
    self: string,
    trees: HashTrees,
    floors: Floors,
    namespaces: Namespaces,
    layout: () => CurrentLayout | undefined,
    nodeOf: NodeOf,
  ) {
    this.#self = self;
    this.#trees = trees;
    this.#floors = floors;
    this.#namespaces = namespaces;
    this.#layout = layout;
    this.#nodeOf = nodeOf;
  }

  /** Begins to answer. */
  register(rpc: Rpc): void {
    rpc.serve(METHODS.roots, (request) => this.#roots(request));
    rpc.serve(METHODS.leaves, (request, from) => this.#leaves(request, from));
    rpc.serve(METHODS.entries, (request, from) => this.#entries(request, from));
  }

  /**
   * `[layout, copies, [partition …]]` is answered with eight bytes for each, in order, and a list of the floors:
   * which of them, then its floor, and so on.
   */
  async #roots(request: IncomingRequest): Promise<readonly unknown[]> {
    const args = new Arguments(request.arguments, "roots request");
    const { copies, id, partitionCount } = this.#begin(args);
    const partitions = new Arguments(args.list(ROOTS_COUNT), "roots request");
    const roots: bigint[] = [];
    const floors: number[] = [];
    while (!partitions.isAtEnd) {
      const partition = partitions.count(partitionCount - 1);
      // The floor first: what is forgotten while the tree is built is below a floor that was not told.
      const floor = this.#floors.floorOf(partId({ partition, copies }));
      if (floor > 0) floors.push(roots.length, floor);
      const tree = this.#trees.get(partition, copies);
      roots.push((tree instanceof Promise ? await tree : tree).root());
    }
    this.#check(id);
    return [rootBytes(roots), floors];
  }

  /** `[layout, copies, partition]` is answered with the leaves. */
  async #leaves(request: IncomingRequest, from: PeerId): Promise<readonly unknown[]> {
    const args = new Arguments(request.arguments, "leaves request");
    const { copies, id, partitionCount } = this.#begin(args);
    const partition = args.count(partitionCount - 1);
    this.#checkOwner(from, partition, copies);
    const tree = await this.#trees.get(partition, copies);
    this.#check(id);
    return [tree.leaves()];
  }

  /**
   * `[layout, copies, partition, [leaf …], after]` is answered with `[key, digest]` for each key of these
   * leaves behind the key `after`, in order; fewer than the limit mean that was all.
   */
  async #entries(request: IncomingRequest, from: PeerId): Promise<readonly unknown[]> {
    const args = new Arguments(request.arguments, "entries request");
    const { copies, id, partitionCount } = this.#begin(args);
    const partition = args.count(partitionCount - 1);
    this.#checkOwner(from, partition, copies);
    const listed = new Arguments(args.list(LEAF_COUNT), "entries request");
    const leaves = new Set<number>();
    while (!listed.isAtEnd) leaves.add(listed.count(LEAF_COUNT - 1));
    const after = args.optional((part) => part.ownBytes(LIMITS.key));
    const found: [Uint8Array, Uint8Array][] = [];
    for await (const entry of this.#trees.entries(partition, after)) {
      if (!isIn(entry, leaves, copies, this.#namespaces)) continue;
      found.push([entry.key, rootBytes([entry.digest])]);
      if (found.length === ENTRIES_COUNT) break;
    }
    this.#check(id);
    return [found];
  }

  #checkOwner(from: PeerId, partition: number, copies: number): void {
    checkOwns(this.#layout()!.placement, this.#nodeOf(from), partition, copies || undefined);
  }

  #begin(args: Arguments): { id: string; copies: number; partitionCount: number } {
    const id = args.text();
    const partitionCount = this.#check(id);
    const copies = args.count(LIMITS.layoutMemberCount);
    // A tree is kept for every number of copies that was asked for.
    if (this.#namespaces.copies().includes(copies)) return { id, copies, partitionCount };
    throw new MalformedError("tree request", `no keys have ${copies} copies`);
  }

  /**
   * Makes sure that the asker means the same as we by a part; also at the end, as that may have changed meanwhile.
   * Returns the number of partitions.
   */
  #check(id: string): number {
    const current = this.#layout();
    if (current === undefined) {
      throw new DenamoError("not_ready", "no", `${this.#self} has no layout`);
    }
    const { layout } = current;
    const own = this.#namespaces.idWith(layout.id);
    if (own === id) return layout.partitions;
    throw new DenamoError("wrong_layout", "no", `${this.#self} has layout ${own}`, {
      layoutId: layout.id,
    });
  }
}

/** Whether a key belongs to one of these leaves of the tree of so many copies. */
export function isIn(
  { key }: TreeEntry,
  leaves: ReadonlySet<number>,
  copies: number,
  namespaces: Namespaces,
): boolean {
  return leaves.has(leafOf(key)) && namespaces.copiesOf(key) === copies;
}

/** Hashes as they travel. */
export function rootBytes(roots: readonly bigint[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8 * roots.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < roots.length; i++) view.setBigUint64(8 * i, roots[i]!);
  return bytes;
}

/** The inverse of {@linkcode rootBytes}. */
export function rootsIn(bytes: Uint8Array): bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const roots: bigint[] = [];
  for (let at = 0; at + 8 <= bytes.length; at += 8) roots.push(view.getBigUint64(at));
  return roots;
}
