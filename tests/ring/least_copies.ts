// The planner's slow twin: the least number of copies that any plan could make, as a flow of least cost.
//
//   source → partition → outer group → inner group → member → sink
//
// One unit of flow is one owner of one partition. The arc into a member costs 1 where it has no copy yet; the
// arc out of it takes its fair share rounded down and, if that is no whole number, one more. That each
// member takes at least the lower number is said by a reward for it that outweighs all copies.

import assert from "node:assert/strict";
import type { Layout } from "../../src/ring/layout.ts";
import { memberLoads } from "../../src/ring/load.ts";
import { spreadRule } from "../../src/ring/spread.ts";

const REWARD = 1_000_000;

/** The fewest copies with which `next` could have followed `previous`, its members and N being given. */
export function leastCopies(previous: Layout, next: Layout): number {
  const rule = spreadRule(next);
  const flow = new CheapestFlow();
  const loads = memberLoads(next);
  const sinkOf = loads.map(({ fairPartitions }) => {
    const member = flow.vertex();
    const least = Math.floor(fairPartitions + 1e-7);
    flow.arc(member, flow.sink, least, -REWARD);
    flow.arc(member, flow.sink, Math.ceil(fairPartitions - 1e-7) - least, 0);
    return member;
  });
  for (let partition = 0; partition < next.partitions; partition++) {
    const former = previous.assignment[partition]!.map((owner) => previous.members[owner]!.node);
    const required = rule.isOuterRequired ? rule.outerCount : 0;
    const anywhere = flow.vertex();
    flow.arc(flow.source, anywhere, rule.owners - required, 0);
    const outers = Array.from({ length: rule.outerCount }, () => {
      const outer = flow.vertex();
      if (rule.isOuterRequired) flow.arc(flow.source, outer, 1, 0);
      flow.arc(anywhere, outer, rule.owners, 0);
      return outer;
    });
    const inners = new Map<number, number>();
    for (const [index, member] of next.members.entries()) {
      const group = rule.innerOf[index]!;
      let inner = inners.get(group);
      if (inner === undefined) {
        inners.set(group, inner = flow.vertex());
        const most = rule.isInnerSingle ? 1 : rule.owners;
        flow.arc(outers[rule.outerOf[index]!]!, inner, most, 0);
      }
      flow.arc(inner, sinkOf[index]!, 1, former.includes(member.node) ? 0 : 1);
    }
  }
  const { amount, cost } = flow.run();
  assert.equal(amount, next.partitions * rule.owners);
  const least = loads.reduce((sum, load) => sum + Math.floor(load.fairPartitions + 1e-7), 0);
  return cost + least * REWARD;
}

/** Successive cheapest paths: Bellman and Ford find the distances, a search in depth uses them up. */
class CheapestFlow {
  readonly #arcsOf: number[][] = [];
  /** Arc 2k leads there, arc 2k + 1 back. */
  readonly #to: number[] = [];
  readonly #room: number[] = [];
  readonly #cost: number[] = [];
  readonly source = this.vertex();
  readonly sink = this.vertex();

  vertex(): number {
    return this.#arcsOf.push([]) - 1;
  }

  arc(from: number, to: number, room: number, cost: number): void {
    this.#arcsOf[from]!.push(this.#to.length);
    this.#arcsOf[to]!.push(this.#to.length + 1);
    this.#to.push(to, from);
    this.#room.push(room, 0);
    this.#cost.push(cost, -cost);
  }

  run(): { amount: number; cost: number } {
    let amount = 0;
    let cost = 0;
    for (;;) {
      const distances = this.#distances();
      const distance = distances[this.sink]!;
      if (distance === Infinity) return { amount, cost };
      const isOnPath = new Uint8Array(this.#arcsOf.length);
      while (this.#push(this.source, distances, isOnPath)) {
        amount++;
        cost += distance;
      }
    }
  }

  #distances(): Float64Array {
    const distances = new Float64Array(this.#arcsOf.length).fill(Infinity);
    distances[this.source] = 0;
    let changed = new Set([this.source]);
    while (changed.size > 0) {
      const next = new Set<number>();
      for (const from of changed) {
        for (const arc of this.#arcsOf[from]!) {
          const to = this.#to[arc]!;
          const distance = distances[from]! + this.#cost[arc]!;
          if (this.#room[arc]! === 0 || distance >= distances[to]!) continue;
          distances[to] = distance;
          next.add(to);
        }
      }
      changed = next;
    }
    return distances;
  }

  #push(from: number, distances: Float64Array, isVisited: Uint8Array): boolean {
    if (from === this.sink) return true;
    isVisited[from] = 1;
    for (const arc of this.#arcsOf[from]!) {
      const to = this.#to[arc]!;
      if (this.#room[arc]! === 0 || isVisited[to] === 1) continue;
      if (distances[to]! !== distances[from]! + this.#cost[arc]!) continue;
      if (!this.#push(to, distances, isVisited)) continue;
      this.#room[arc]!--;
      this.#room[arc ^ 1]!++;
      isVisited[from] = 0;
      return true;
    }
    return false;
  }
}
