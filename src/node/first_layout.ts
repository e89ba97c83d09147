// How a cluster gets its first layout, once.
//
// The node that is told to make it plans it and first asks every node that it sees for a promise: "you have
// no layout, you have promised no other, and you see all the members?" Only when all have promised is the
// layout installed. Two operators at once cannot both get all promises, because each needs the other's
// node. A promise binds the maker itself until it has failed or has the layout on its disk, the others for
// some seconds, which is longer than a maker waits for their answers. Once installed, a layout is on the disk,
// and a node that has one promises nothing any more. Only whoever was given the promise can install
// it. Promises are noted on the disk: they bind a run that begins in these seconds, and let a node that misses the
// installation take the layout whenever it hears of it (layout_agreement.ts).
//
// With it goes the key by which nodes know the contexts that they have given out (seal_key_store.ts).

import type { Clock } from "../ports/clock.ts";
import type { PeerId } from "../ports/network.ts";
import type { Layout } from "../ring/layout.ts";
import { decodeLayout, encodeLayout } from "../ring/layout_codec.ts";
import { Arguments } from "../wire/arguments.ts";
import { DenamoError, messageOf } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { METHODS } from "../wire/message_codec.ts";
import type { Rpc } from "../wire/rpc.ts";
import type { LayoutStore } from "./layout_store.ts";
import type { SealKeyStore } from "./seal_key_store.ts";

const PROMISE_MS = 10_000;
const TIMEOUT_MS = 5_000;
/** An id is a version and a hash: see {@linkcode Layout}. */
const LAYOUT_ID_CHARACTERS = 64;
/** A layout goes to the maker's disk only if so little time has passed since it asked for promises. */
const INSTALL_BEFORE_MS = 7_500;

/** A node that is seen at present. */
export interface SeenNode {
  readonly node: string;
  readonly peer: PeerId;
}

interface Promised {
  readonly id: string;
  readonly to: PeerId | undefined;
  readonly untilMs: number;
}

export class FirstLayout {
  readonly #self: string;
  readonly #rpc: Rpc;
  readonly #clock: Clock;
  readonly #store: LayoutStore;
  readonly #sealKeys: Pick<SealKeyStore, "make" | "take">;
  readonly #seen: () => readonly SeenNode[];
  /** The promise that binds this node; `to` is undefined if that is not known. */
  #promised: Promised | undefined;
  #isMaking = false;
  #lastPromised: string | undefined;

  constructor(
    self: string,
    rpc: Rpc,
    clock: Clock,
    store: LayoutStore,
    sealKeys: Pick<SealKeyStore, "make" | "take">,
    seen: () => readonly SeenNode[],
  ) {
    this.#self = self;
    this.#rpc = rpc;
    this.#clock = clock;
    this.#store = store;
    this.#sealKeys = sealKeys;
    this.#seen = seen;
    rpc.serve(METHODS.promiseLayout, async (request, from) => {
      const args = new Arguments(request.arguments, "layout promise");
      const id = args.text(LAYOUT_ID_CHARACTERS);
      const members = args.texts(LIMITS.layoutMemberCount, LIMITS.nodeName);
      this.#promise(id, members, from);
      await store.keepPromise(id);
      return [];
    });
    rpc.serve(METHODS.installLayout, async (request, from) => {
      this.#checkPromised(from);
      const args = new Arguments(request.arguments, "layout");
      const encoded = args.bytes(LIMITS.message);
      await this.#install(encoded, args.optional((part) => part.bytes(LIMITS.sealKeys)));
      return [];
    });
    rpc.serve(METHODS.fetchLayout, () => {
      if (store.held === undefined) {
        throw new DenamoError("not_ready", "no", `${self} has no layout`);
      }
      return [store.held.encoded];
    });
  }

  /** Goes on with what an earlier run has promised: the layouts must have been loaded. */
  load(): void {
    const id = this.#store.promised.at(-1);
    if (id === undefined || this.#store.held !== undefined) return;
    this.#promised = { id, to: undefined, untilMs: this.#clock.monotonic() + PROMISE_MS };
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
    this.#promise(layout.id, members, undefined);
    this.#promised = { id: layout.id, to: undefined, untilMs: Infinity };
    this.#isMaking = true;
    const others = this.#seen();
    const encoded = encodeLayout(layout);
    let keys: Uint8Array;
    try {
      await this.#store.keepPromise(layout.id);
      await this.#gatherPromises(layout.id, members, others);
      keys = await this.#sealKeys.make();
      await this.#store.install(encoded);
    } finally {
      this.#promised = undefined;
      this.#isMaking = false;
    }
    // Who misses this hears of the layout from the next heartbeat.
    await Promise.allSettled(
      others.map(({ peer }) => {
        return this.#rpc.call(peer, METHODS.installLayout, [encoded, keys], TIMEOUT_MS);
      }),
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

  /** @throws {DenamoError} unless this peer has this node's promise, and it has not run out */
  #checkPromised(from: PeerId): void {
    const promised = this.#promised;
    const isBound = promised?.to === from && promised.untilMs > this.#clock.monotonic();
    if (isBound || this.#store.held !== undefined) return;
    const message = `${this.#self} has not promised this peer to take a layout from it`;
    throw new DenamoError("not_allowed", "no", message);
  }

  async #install(encoded: Uint8Array, keys: Uint8Array | undefined): Promise<void> {
    const { held } = this.#store;
    const { id } = decodeLayout(encoded);
    if (held === undefined && id !== this.#promised?.id) {
      const message = `${this.#self} has promised ${this.#promised?.id}, not ${id}`;
      throw new DenamoError("not_allowed", "no", message);
    }
    // A node that has a layout takes keys from its members alone.
    if (keys !== undefined && held === undefined) await this.#sealKeys.take(keys);
    await this.#store.install(encoded);
  }

  #promise(id: string, members: readonly string[], to: PeerId | undefined): void {
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
    if (!this.#isMaking) this.#promised = { id, to, untilMs: nowMs + PROMISE_MS };
  }
}
