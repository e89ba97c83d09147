// Which layout a node takes that holds none: it comes late, has lost its disk, or has missed the installation.
//
// Anybody can make up a layout and name it in a heartbeat. So hearing of one is not enough, and neither is fetching it.
// A node takes a layout if it has itself promised to agree to it, since then all others have as well; or else if the
// members say so: of those that the layout names, leaving out the node itself, a majority are seen at
// present and name it in their heartbeats, and no other layout is named by as many of the nodes that are seen. Where more
// disks were lost than that leaves, all must be seen, and none of them name another. What was fetched is
// kept until one or the other is so.
//
//   heartbeat of n2: 1-ab… ──> fetched once from n2 ──> promised? named by a majority? ──> the keys, from a member
//                                                                                      ──> on the disk, in force

import { MalformedError } from "../base/malformed.ts";
import type { Log } from "../ports/log.ts";
import type { PeerId } from "../ports/network.ts";
import type { Layout } from "../ring/layout.ts";
import { decodeLayout } from "../ring/layout_codec.ts";
import { Arguments } from "../wire/arguments.ts";
import { messageOf } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { METHODS } from "../wire/message_codec.ts";
import type { Rpc } from "../wire/rpc.ts";
import { type LayoutStore, versionProblem } from "./layout_store.ts";

/** A node that is seen at present, and the layout that it says to have. */
export interface Naming {
  readonly node: string;
  readonly layoutId?: string | undefined;
}

export interface LayoutAgreementOptions {
  readonly self: string;
  readonly rpc: Rpc;
  readonly store: LayoutStore;
  readonly log: Log;
  /** All other nodes that are seen at present. */
  readonly seen: () => readonly Naming[];
  /**
   * Called when a layout is agreed upon, before it is in force, with the peer that has told it. What must be known
   * before this node serves by it is fetched here; false if that is not to be had from this peer.
   */
  readonly prepare: (peer: PeerId, layout: Layout) => Promise<boolean>;
}

const FETCH_TIMEOUT_MS = 5_000;

/** So many layouts are kept while it is open which one it is. */
const CANDIDATES_COUNT = 4;

interface Candidate {
  readonly layout: Layout;
  readonly encoded: Uint8Array;
}

export class LayoutAgreement {
  readonly #options: LayoutAgreementOptions;
  /** By id. */
  readonly #candidates = new Map<string, Candidate>();
  #isBusy = false;

  constructor(options: LayoutAgreementOptions) {
    this.#options = options;
  }

  /** A peer has told which layout it has. What fails is tried again at its next word. */
  async heard(peer: PeerId, id: string | undefined): Promise<void> {
    const { log, store } = this.#options;
    if (id === undefined) return;
    if (store.held !== undefined) return store.report(id, peer);
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      const candidate = this.#candidates.get(id) ?? await this.#fetch(peer, id);
      if (!this.#isAgreed(candidate.layout)) return;
      if (!await this.#options.prepare(peer, candidate.layout)) return;
      await store.install(candidate.encoded);
      this.#candidates.clear();
    } catch (error) {
      log.warn("Cannot take the layout of a peer", { peer, layout: id, error: messageOf(error) });
    } finally {
      this.#isBusy = false;
    }
  }

  #isAgreed(layout: Layout): boolean {
    const { seen, self, store } = this.#options;
    return store.promised.includes(layout.id) || isNamedByMembers(layout, self, seen());
  }

  async #fetch(peer: PeerId, id: string): Promise<Candidate> {
    const read = (answer: readonly unknown[]): Candidate => {
      const encoded = new Arguments(answer, "layout answer").ownBytes(LIMITS.message);
      const layout = decodeLayout(encoded);
      const problem = layout.id === id ? versionProblem(layout) : `it is ${layout.id}, not ${id}`;
      if (problem !== undefined) throw new MalformedError("layout answer", problem);
      return { layout, encoded };
    };
    const { rpc } = this.#options;
    const candidate = await rpc.query(peer, METHODS.fetchLayout, [], FETCH_TIMEOUT_MS, read);
    if (this.#candidates.size >= CANDIDATES_COUNT) {
      this.#candidates.delete(this.#candidates.keys().next().value!);
    }
    this.#candidates.set(id, candidate);
    return candidate;
  }
}

/** Whether the members of a layout agree that it is the cluster's, as far as a node hears them that has none. */
export function isNamedByMembers(
  { id, members }: Pick<Layout, "id" | "members">,
  self: string,
  seen: readonly Naming[],
): boolean {
  const others = new Set(members.map(({ node }) => node).filter((node) => node !== self));
  let [byMembers, byAll] = [0, 0];
  const rivals = new Map<string, number>();
  for (const { layoutId, node } of seen) {
    if (layoutId === undefined) continue;
    if (layoutId !== id) {
      rivals.set(layoutId, (rivals.get(layoutId) ?? 0) + 1);
      continue;
    }
    byAll++;
    if (others.has(node)) byMembers++;
  }
  const named = new Map(seen.map(({ layoutId, node }) => [node, layoutId]));
  const isUndisputed = [...others].every((node) =>
    named.has(node) && (named.get(node) ?? id) === id
  );
  const isNamed = 2 * byMembers > others.size || byMembers > 0 && isUndisputed;
  return isNamed && Math.max(0, ...rivals.values()) < byAll;
}
