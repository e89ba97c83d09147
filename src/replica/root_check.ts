// Are all copies the same? One node asks every owner for the roots of its hash trees and lays them side by side.
//
// Nothing is repaired, and the asker need not own anything itself. A write that is under way makes its
// owners differ for a moment, so what differs is looked at again: only what differs at every look
// counts. An owner that cannot be asked leaves a gap, which is told and never taken for equality.

import { type Clock, sleep } from "../ports/clock.ts";
import { Arguments } from "../wire/arguments.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";
import { METHODS } from "../wire/message_codec.ts";
import { type Cluster, type CurrentLayout, layoutOf, learnFromRefusal } from "./cluster.ts";
import type { HashTrees } from "./hash_trees.ts";
import type { Namespaces } from "./namespaces.ts";
import { chunksOf, type Part } from "./parts.ts";
import { ROOTS_COUNT, rootsIn } from "./tree_service.ts";

export interface RootCheckOptions {
  readonly cluster: Cluster;
  readonly trees: HashTrees;
  readonly namespaces: Namespaces;
  readonly clock: Clock;
}

/** A partition whose owners do not hold the same. */
export interface Difference {
  readonly partition: number;
  /** How many copies the keys keep that differ. */
  readonly copies: number;
  /** Owners that hold the same, together; the largest group first. */
  readonly groups: readonly (readonly string[])[];
}

export interface RootReport {
  /** How many partitions were looked at. */
  readonly partitions: number;
  readonly differences: readonly Difference[];
  /** Owners of these partitions that did not answer, and why. */
  readonly unasked: readonly { readonly node: string; readonly error: string }[];
}

/** How often what differs is looked at before it counts, and how long after each other. */
const LOOKS = 3;
const PAUSE_MS = 1_000;

const TIMEOUT_MS = 30_000;

/** What an owner said: a root for every part that was asked, or why there is none. */
type Answer = ReadonlyMap<Part, bigint> | string;

export class RootCheck {
  readonly #options: RootCheckOptions;

  constructor(options: RootCheckOptions) {
    this.#options = options;
  }

  /**
   * Compares the roots of all owners.
   *
   * @param only these partitions, if given
   * @throws {DenamoError} `not_ready` if there is no layout
   */
  async run(only?: ReadonlySet<number>): Promise<RootReport> {
    const { clock, cluster, namespaces } = this.#options;
    const current = layoutOf(cluster);
    const partitions = Array.from({ length: current.layout.partitions }, (_, i) => i)
      .filter((partition) => only?.has(partition) !== false);
    let parts = namespaces.copies().flatMap((copies) => {
      return partitions.map((partition): Part => ({ partition, copies }));
    });
    const unasked = new Map<string, string>();
    let differences: Difference[] = [];
    for (let look = 1;; look++) {
      const answers = await this.#askOwners(current, parts);
      for (const [node, answer] of answers) {
        if (typeof answer === "string") unasked.set(node, answer);
      }
      const found = parts.map((part) => [part, groupsOf(part, answers)] as const)
        .filter(([, groups]) => groups.length > 1);
      parts = found.map(([part]) => part);
      differences = found.map(([{ copies, partition }, groups]) => (
        { partition, copies: copies || current.layout.replication, groups }
      ));
      if (parts.length === 0 || look === LOOKS) break;
      await sleep(clock, PAUSE_MS);
    }
    differences.sort((a, b) => a.partition - b.partition || a.copies - b.copies);
    const gaps = [...unasked].map(([node, error]) => ({ node, error }));
    return { partitions: partitions.length, differences, unasked: gaps };
  }

  async #askOwners(
    { layout, placement }: CurrentLayout,
    parts: readonly Part[],
  ): Promise<Map<string, Answer>> {
    const id = this.#options.namespaces.idWith(layout.id);
    const partsOf = new Map<string, Part[]>();
    for (const part of parts) {
      for (const owner of placement.ownersFor(part.partition, part.copies || undefined)) {
        const list = partsOf.get(owner);
        if (list === undefined) partsOf.set(owner, [part]);
        else list.push(part);
      }
    }
    const names = [...partsOf.keys()].sort();
    return new Map(
      await Promise.all(names.map(async (node): Promise<[string, Answer]> => {
        try {
          return [node, await this.#rootsOf(node, id, partsOf.get(node)!)];
        } catch (error) {
          if (error instanceof DenamoError) learnFromRefusal(this.#options.cluster, error);
          return [node, messageOf(error)];
        }
      })),
    );
  }

  async #rootsOf(node: string, id: string, parts: readonly Part[]): Promise<Map<Part, bigint>> {
    const { cluster, trees } = this.#options;
    const roots = new Map<Part, bigint>();
    if (node === cluster.self) {
      for (const part of parts) {
        roots.set(part, (await trees.get(part.partition, part.copies)).root());
      }
      return roots;
    }
    const peer = cluster.peerOf(node);
    if (peer === undefined || !cluster.rpc.isUp(peer)) {
      throw new DenamoError("timeout", "no", `${node} is not connected`);
    }
    for (const chunk of chunksOf(parts)) {
      const partitions = chunk.map(({ partition }) => partition);
      const question = [id, chunk[0]!.copies, partitions];
      const read = (answer: readonly unknown[]) =>
        rootsIn(new Arguments(answer, "roots answer").bytes(8 * ROOTS_COUNT));
      const { rpc } = cluster;
      const answered = await rpc.query(peer, METHODS.roots, question, TIMEOUT_MS, read, "bulk");
      for (const [i, part] of chunk.entries()) {
        const root = answered[i];
        if (root === undefined) {
          throw new DenamoError("internal", "no", `${node} has answered with too few roots`);
        }
        roots.set(part, root);
      }
    }
    return roots;
  }
}

/** The owners of a part by what they hold; those that did not answer are left out. */
function groupsOf(part: Part, answers: ReadonlyMap<string, Answer>): string[][] {
  const groups = new Map<bigint, string[]>();
  for (const [node, answer] of answers) {
    const root = typeof answer === "string" ? undefined : answer.get(part);
    if (root === undefined) continue;
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [node]);
    else group.push(node);
  }
  return [...groups.values()].sort((a, b) => b.length - a.length);
}
