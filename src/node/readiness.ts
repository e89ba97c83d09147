// Whether a node should be sent requests.
//
// Just after its start a node has its data but knows nobody, and would fail requests that it can serve in a
// moment. So it first waits until it sees the other members, for some seconds at most: a node whose
// peers are gone must not wait for them for ever.

import type { Clock } from "../ports/clock.ts";
import type { Layout } from "../ring/layout.ts";

/** How long a node that has just started waits for the other members. */
const STARTING_MS = 5_000;

export class Readiness {
  readonly #self: string;
  readonly #clock: Clock;
  readonly #isConnected: (node: string) => boolean;
  readonly #canSeal: () => boolean;
  readonly #startedAtMs: number;
  #hasStarted = false;

  /** @param canSeal whether it has a key of the cluster, so that others take the contexts that it gives out */
  constructor(
    self: string,
    clock: Clock,
    isConnected: (node: string) => boolean,
    canSeal: () => boolean,
  ) {
    this.#self = self;
    this.#clock = clock;
    this.#isConnected = isConnected;
    this.#canSeal = canSeal;
    this.#startedAtMs = clock.monotonic();
  }

  /** Undefined if the node is ready under this layout, else a sentence. */
  problem(layout: Layout | undefined): string | undefined {
    if (layout === undefined) {
      return "There is no layout: run denamo layout init on one node of the cluster";
    }
    if (this.#hasStarted) return undefined;
    const missing = layout.members.map(({ node }) => node)
      .filter((node) => node !== this.#self && !this.#isConnected(node));
    const hasWaited = this.#clock.monotonic() - this.#startedAtMs >= STARTING_MS;
    this.#hasStarted = missing.length === 0 && this.#canSeal() || hasWaited;
    if (this.#hasStarted) return undefined;
    return missing.length === 0
      ? "The node is starting and has no key to seal contexts with"
      : `The node is starting and does not see ${missing.join(", ")}`;
  }
}
