// Whether a node should be sent requests: what load balancers ask.
//
// Just after its start a node has its data but knows nobody, and would fail requests that it can serve in a
// moment. So it first waits until it sees the other members, for some seconds at most. From then on it must see a
// majority of the layout's members, itself counted if it is one: whoever sees fewer is most likely cut off, others can
// serve what it cannot, and what it takes all the same the majority learns only later. It goes on to serve those who
// come to it, as far as their quorums go: one that has one member, or reads of one copy, may well succeed.

import type { Clock } from "../ports/clock.ts";
import type { Layout } from "../ring/layout.ts";

/** How long a node that has just started waits for the other members. */
const STARTING_MS = 5_000;

/** Which members of a layout a node sees. */
export interface Sight {
  readonly missing: readonly string[];
  /** Whether those that are seen are a majority of all. */
  readonly isMajority: boolean;
}

/** @param isSeen whether another node is seen */
export function sightOf(
  { members }: Pick<Layout, "members">,
  self: string,
  isSeen: (node: string) => boolean,
): Sight {
  const missing = members.map(({ node }) => node).filter((node) => node !== self && !isSeen(node));
  return { missing, isMajority: 2 * (members.length - missing.length) > members.length };
}

export class Readiness {
  readonly #self: string;
  readonly #clock: Clock;
  readonly #isSeen: (node: string) => boolean;
  readonly #canSeal: () => boolean;
  readonly #startedAtMs: number;
  #hasStarted = false;

  /**
   * @param isSeen whether a connection leads to a node that is not down
   * @param canSeal whether it has a key of the cluster, so that others take the contexts that it gives out
   */
  constructor(
    self: string,
    clock: Clock,
    isSeen: (node: string) => boolean,
    canSeal: () => boolean,
  ) {
    this.#self = self;
    this.#clock = clock;
    this.#isSeen = isSeen;
    this.#canSeal = canSeal;
    this.#startedAtMs = clock.monotonic();
  }

  /** Undefined if the node is ready under this layout, else a sentence. */
  problem(layout: Layout | undefined): string | undefined {
    if (layout === undefined) {
      return "There is no layout: run denamo layout init on one node of the cluster";
    }
    const { isMajority, missing } = sightOf(layout, this.#self, this.#isSeen);
    const hasWaited = this.#clock.monotonic() - this.#startedAtMs >= STARTING_MS;
    this.#hasStarted ||= missing.length === 0 && this.#canSeal() || hasWaited;
    if (!this.#hasStarted) {
      return missing.length === 0
        ? "The node is starting and has no key to seal contexts with"
        : `The node is starting and does not see ${missing.join(", ")}`;
    }
    if (isMajority) return undefined;
    const seen = layout.members.length - missing.length;
    return `The node sees ${seen} of ${layout.members.length} members, which is no majority: ` +
      `it cannot reach ${missing.join(", ")}`;
  }
}
