// Placement: where a partition lives, as table reads.
//
// Every request asks who owns its partition, so a placement is made once per layout and answers from
// tables. They fill as they are asked: most nodes never need the fallbacks of most partitions.

import type { Layout } from "./layout.ts";
import { ownerCount } from "./layout.ts";
import { TokenRing } from "./tokens.ts";

export class Placement {
  readonly layout: Layout;
  /** How many owners each partition has in the layout. */
  readonly ownerCount: number;
  /** The names of all members. */
  readonly members: ReadonlySet<string>;
  readonly #owners: readonly (readonly string[])[];
  readonly #fallbacks: (readonly string[] | undefined)[] = [];
  readonly #preferenceLists: (readonly string[] | undefined)[] = [];
  /** Per number of copies that differs from the layout's, per partition. */
  readonly #ownersFor = new Map<number, (readonly string[] | undefined)[]>();
  readonly #partitionsOf = new Map<number, Map<string, readonly number[]>>();
  #ring: TokenRing | undefined;

  constructor(layout: Layout) {
    this.layout = layout;
    this.ownerCount = ownerCount(layout);
    const names = layout.members.map(({ node }) => node);
    this.members = new Set(names);
    this.#owners = layout.assignment.map((owners) =>
      Object.freeze(owners.map((owner) => names[owner]!))
    );
  }

  /**
   * The nodes that own a partition, the preferred first.
   *
   * @throws {RangeError} if there is no such partition
   */
  owners(partition: number): readonly string[] {
    const owners = this.#owners[partition];
    if (owners === undefined) {
      throw new RangeError(
        `Partition ${partition} is not from 0 to ${this.layout.partitions - 1}`,
      );
    }
    return owners;
  }

  /** All other members in successor order: the first that is up stands in for an owner that is not. */
  fallbacks(partition: number): readonly string[] {
    return this.#fallbacks[partition] ??= Object.freeze(this.#findFallbacks(partition));
  }

  /** The owners and then the fallbacks. */
  preferenceList(partition: number): readonly string[] {
    return this.#preferenceLists[partition] ??= Object.freeze([
      ...this.owners(partition),
      ...this.fallbacks(partition),
    ]);
  }

  /**
   * The owners in a namespace that keeps `copies` copies: the first of the preference list, as many as
   * there are. The more copies, the more owners: none is exchanged for another.
   *
   * @throws {RangeError} if there is no such partition, or `copies` is not a positive integer
   */
  ownersFor(partition: number, copies: number = this.layout.replication): readonly string[] {
    if (copies === this.layout.replication) return this.owners(partition);
    let table = this.#ownersFor.get(copies);
    if (table === undefined) {
      if (!Number.isInteger(copies) || copies < 1) {
        throw new RangeError(`Number of copies ${copies} is not a positive integer`);
      }
      this.#ownersFor.set(copies, table = []);
    }
    return table[partition] ??= this.#firstOf(partition, copies);
  }

  /** Whether a node is among {@linkcode Placement.ownersFor}. */
  isOwner(node: string, partition: number, copies: number = this.layout.replication): boolean {
    return this.ownersFor(partition, copies).includes(node);
  }

  /** The partitions that a node owns, ascending; none for a node that the layout does not name. */
  partitionsOf(node: string, copies: number = this.layout.replication): readonly number[] {
    let table = this.#partitionsOf.get(copies);
    if (table === undefined) this.#partitionsOf.set(copies, table = this.#listPartitions(copies));
    return table.get(node) ?? [];
  }

  #findFallbacks(partition: number): string[] {
    const owners = this.owners(partition);
    const { members, partitions } = this.layout;
    if (owners.length === members.length) return [];
    this.#ring ??= new TokenRing(members, partitions);
    return this.#ring.successors(partition)
      .map((member) => members[member]!.node)
      .filter((node) => !owners.includes(node));
  }

  #firstOf(partition: number, copies: number): readonly string[] {
    if (copies >= this.layout.members.length) return this.preferenceList(partition);
    const list = copies > this.ownerCount ? this.preferenceList(partition) : this.owners(partition);
    return Object.freeze(list.slice(0, copies));
  }

  #listPartitions(copies: number): Map<string, readonly number[]> {
    const lists = new Map<string, number[]>();
    for (let partition = 0; partition < this.layout.partitions; partition++) {
      for (const node of this.ownersFor(partition, copies)) {
        const list = lists.get(node);
        if (list === undefined) lists.set(node, [partition]);
        else list.push(partition);
      }
    }
    for (const list of lists.values()) Object.freeze(list);
    return lists;
  }
}
