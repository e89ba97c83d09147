// How a cluster gets its first layout, once.
//
// The node that is told to make it plans it and first asks every node that it sees for a promise: "you have
// no layout, you have promised no other, and you see all the members?" Only when all have promised is the
// layout installed. Two operators at once cannot both get all promises, because each needs the other's
// node. A promise is kept in memory, by the maker itself until it has failed or has the layout on its
// disk, by the others for some seconds, which is longer than a maker waits for their answers. Once
// installed, a layout is on the disk, and a node that has one promises nothing any more.

import type { Clock } from "../ports/clock.ts";
import type { PeerId } from "../ports/network.ts";
import type { Layout } from "../ring/layout.ts";
import { encodeLayout } from "../ring/layout_codec.ts";
import { Arguments } from "../wire/arguments.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { METHODS } from "../wire/message_codec.ts";
import type { Rpc } from "../wire/rpc.ts";
import type { LayoutStore } from "./layout_store.ts";

const PROMISE_MS = 10_000;
const TIMEOUT_MS = 5_000;
/** A layout goes to the maker's disk only if so little time has passed since it asked for promises. */
const INSTALL_BEFORE_MS = 7_500;

/** A node that is seen at present. */
export interface SeenNode {
  readonly node: string;
  readonly peer: PeerId;
}

export class FirstLayout {
  readonly #self: string;
  readonly #rpc: Rpc;
  readonly #clock: Clock;
  readonly #store: LayoutStore;
  readonly #seen: () => readonly SeenNode[];
  #promised: { readonly id: string; readonly untilMs: number } | undefined;
  #isMaking = false;
  #lastPromised: string | undefined;

  constructor(
    self: string,
    rpc: Rpc,
    clock: Clock,
    store: LayoutStore,
    seen: () => readonly SeenNode[],
  ) {
    this.#self = self;
    this.#rpc = rpc;
    this.#clock = clock;
    this.#store = store;
    this.#seen = seen;
    rpc.serve(METHODS.promiseLayout, (request) => {
      const args = new Arguments(request.arguments, "layout promise");
      const id = args.text();
      const members = args.texts(LIMITS.layoutMemberCount, LIMITS.nodeName);
      this.#promise(id, members);
      return [];
    });
    rpc.serve(METHODS.installLayout, async (request) => {
      await store.install(new Arguments(request.arguments, "layout").bytes(LIMITS.message));
      return [];
    });
    rpc.serve(METHODS.fetchLayout, () => {
      if (store.held === undefined) {
        throw new DenamoError("not_ready", "no", `${self} has no layout`);
      }
      return [store.held.encoded];
    });
  }

  /** Whether this run of the node has taken part in making a layout. */
  hasPromised(id: string): boolean {
    return this.#lastPromised === id;
  }

  /** The names that are missing before a layout of `members` can be made. */
  missing(members: readonly string[]): string[] {
    const seen = new Set(this.#seen().map(({ node }) => node));
    return members.filter((member) => member !== this.#self && !seen.has(member));
  }

  /**
   * Makes `layout` the first layout of the cluster.
   *
   * @throws {DenamoError} `layout_exists` or `layout_refused`; then nothing has changed anywhere
   */
  async make(layout: Layout): Promise<void> {
    if (this.#isMaking) {
      throw new DenamoError("layout_refused", "no", `${this.#self} is making a layout already`);
    }
    const members = layout.members.map(({ node }) => node);
    this.#promise(layout.id, members);
    this.#promised = { id: layout.id, untilMs: Infinity };
    this.#isMaking = true;
    const others = this.#seen();
    const encoded = encodeLayout(layout);
    try {
      await this.#gatherPromises(layout.id, members, others);
      await this.#store.install(encoded);
    } finally {
      this.#promised = undefined;
      this.#isMaking = false;
    }
    // Who misses this hears of the layout from the next heartbeat.
    await Promise.allSettled(
      others.map(({ peer }) => this.#rpc.call(peer, METHODS.installLayout, [encoded], TIMEOUT_MS)),
    );
  }

  /** Resolves once all others have promised, and none of their promises can have run out. */
  async #gatherPromises(
    id: string,
    members: readonly string[],
    others: readonly SeenNode[],
  ): Promise<void> {
    const beganAtMs = this.#clock.monotonic();
    await Promise.all(others.map(async ({ node, peer }) => {
      try {
        await this.#rpc.call(peer, METHODS.promiseLayout, [id, members], TIMEOUT_MS);
      } catch (error) {
        if (error instanceof DenamoError && error.code === "layout_exists") throw error;
        throw new DenamoError("layout_refused", "no", `${node} refuses: ${messageOf(error)}`);
      }
    }));
    // A process that was held up must not act on what has run out meanwhile.
    const tookMs = this.#clock.monotonic() - beganAtMs;
    if (tookMs < INSTALL_BEFORE_MS) return;
    const message = `${this.#self} was held up for ${Math.round(tookMs)} ms; try again`;
    throw new DenamoError("layout_refused", "no", message);
  }

  #promise(id: string, members: readonly string[]): void {
    const { held } = this.#store;
    if (held !== undefined) {
      const message =
        `${this.#self} has layout ${held.layout.id} already; a first one is made once`;
      throw new DenamoError("layout_exists", "no", message);
    }
    const missing = this.missing(members);
    if (missing.length > 0) {
      throw new DenamoError(
        "layout_refused",
        "no",
        `${this.#self} does not see ${missing.join(", ")}`,
      );
    }
    const nowMs = this.#clock.monotonic();
    if (
      this.#promised !== undefined && this.#promised.untilMs > nowMs && this.#promised.id !== id
    ) {
      const message = `${this.#self} has promised another layout; try again in some seconds`;
      throw new DenamoError("layout_refused", "no", message);
    }
    this.#lastPromised = id;
    if (!this.#isMaking) this.#promised = { id, untilMs: nowMs + PROMISE_MS };
  }
}
