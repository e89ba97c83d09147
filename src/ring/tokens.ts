// Tokens: where the nodes stand on the ring, and who follows a partition.
//
// A node stands on the ring in many places, its tokens, as many as its weight asks for. Token k of a node is
// the hash of its name and of k: it depends on nothing else. So a node that comes, goes or grows moves no
// token of another and none of its own, and of two nodes the one that follows a partition first
// does so in every layout that has both. That steadiness is all that tokens are for here: how
// many partitions each node gets is the planner's business.
//
// Source: DeCandia et al., "Dynamo: Amazon's Highly Available Key-value Store" (2007), sections 4.2 and 6.2.

import { utf8 } from "../base/bytes.ts";
import { hash64 } from "../base/hash.ts";

export const TOKENS_PER_WEIGHT = 64;

/** How many tokens a node of this weight has: 64 times its weight, at least one. */
export function tokenCount(weight: number): number {
  return Math.max(1, Math.round(TOKENS_PER_WEIGHT * weight));
}

/** The place of token `k` of a node: the top 53 bits of a 64-bit hash, so that a number holds it. */
export function tokenOf(node: string, k: number): number {
  return Number(hash64(utf8(`${node}#${k}`)) >> 11n);
}

/** The tokens of all members in the order of the ring. Members are known by their index. */
export class TokenRing {
  readonly #memberCount: number;
  /** The member of each token, clockwise from 0. */
  readonly #memberAt: Uint16Array;
  /** Per partition, the first token at or after its start. */
  readonly #firstToken: Uint32Array;
  /** Per member, the walk that met it last. */
  readonly #metIn: Uint32Array;
  #walk = 0;

  constructor(
    members: readonly { readonly node: string; readonly weight: number }[],
    partitionCount: number,
  ) {
    this.#memberCount = members.length;
    this.#metIn = new Uint32Array(members.length);
    let count = 0;
    for (const { weight } of members) count += tokenCount(weight);
    const places = new Float64Array(count);
    const owners = new Uint16Array(count);
    let at = 0;
    for (const [index, { node, weight }] of members.entries()) {
      for (let k = 0, own = tokenCount(weight); k < own; k++) {
        places[at] = tokenOf(node, k);
        owners[at++] = index;
      }
    }
    // Two tokens in one place would be a hash collision; the member that comes first goes first.
    const order = Uint32Array.from({ length: count }, (_, i) => i)
      .sort((a, b) => places[a]! - places[b]! || a - b);
    this.#memberAt = Uint16Array.from(order, (i) => owners[i]!);
    this.#firstToken = new Uint32Array(partitionCount);
    const size = 2 ** 53 / partitionCount;
    let token = 0;
    for (let partition = 0; partition < partitionCount; partition++) {
      while (token < count && places[order[token]!]! < partition * size) token++;
      this.#firstToken[partition] = token;
    }
  }

  /**
   * Walks clockwise from the start of a partition and asks `accept` of each distinct member once, until it
   * says yes. `accept` must not begin another walk.
   *
   * @returns the index of the member that was accepted, −1 if none was
   */
  find(partition: number, accept: (member: number) => boolean): number {
    const walk = ++this.#walk;
    const tokens = this.#memberAt;
    let unmet = this.#memberCount;
    let at = this.#firstToken[partition]!;
    while (unmet > 0) {
      if (at === tokens.length) at = 0;
      const member = tokens[at++]!;
      if (this.#metIn[member] === walk) continue;
      this.#metIn[member] = walk;
      if (accept(member)) return member;
      unmet--;
    }
    return -1;
  }

  /** All members in the order in which a clockwise walk from the start of the partition meets them. */
  successors(partition: number): number[] {
    const met: number[] = [];
    this.find(partition, (member) => {
      met.push(member);
      return false;
    });
    return met;
  }
}
