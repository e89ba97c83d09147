// The layout that a node works by: on its disk, in its tables, and from its peers.
//
// Gossip says who has a newer one; the layout itself is fetched from that peer. It is on the disk before it
// is used, so a node never forgets which keys it has promised to keep.

import type { PeerId } from "../ports/network.ts";
import type { Log } from "../ports/log.ts";
import type { DataObject } from "../crdt/data_object.ts";
import type { Layout } from "../ring/layout.ts";
import { decodeLayout } from "../ring/layout_codec.ts";
import { Placement } from "../ring/placement.ts";
import type { Storage } from "../storage/storage.ts";
import { Arguments } from "../wire/arguments.ts";
import { CorruptError, messageOf } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { METHODS } from "../wire/message_codec.ts";
import type { Rpc } from "../wire/rpc.ts";

export interface HeldLayout {
  readonly layout: Layout;
  readonly placement: Placement;
  readonly encoded: Uint8Array;
  readonly members: ReadonlySet<string>;
}

const META_NAME = "layout";
const FETCH_TIMEOUT_MS = 5_000;

export class LayoutStore {
  readonly #storage: Storage<DataObject>;
  readonly #log: Log;
  readonly #changed: () => void;
  readonly #isFirst: (id: string) => void;
  #held: HeldLayout | undefined;
  /** Installations in the order in which they came. */
  #installing: Promise<void> = Promise.resolve();
  #isFetching = false;

  /**
   * @param changed called when another layout is in force
   * @param isFirst called with the id of the first layout that this node's disk has ever had
   */
  constructor(
    storage: Storage<DataObject>,
    log: Log,
    changed: () => void,
    isFirst: (id: string) => void = () => {},
  ) {
    this.#storage = storage;
    this.#log = log;
    this.#changed = changed;
    this.#isFirst = isFirst;
  }

  get held(): HeldLayout | undefined {
    return this.#held;
  }

  /** The names of its members; undefined without a layout. */
  get members(): ReadonlySet<string> | undefined {
    return this.#held?.members;
  }

  get version(): number {
    return this.#held?.layout.version ?? 0;
  }

  /** Reads what the disk has. @throws {CorruptError} */
  async load(): Promise<void> {
    const encoded = await this.#storage.getMeta(META_NAME);
    if (encoded === undefined) return;
    try {
      this.#use(encoded);
    } catch (error) {
      throw new CorruptError("the stored layout", messageOf(error));
    }
  }

  /**
   * Takes a layout if it is newer than ours. Resolves once it is on the disk and in force; rejects with a
   * MalformedError if it is none.
   */
  async install(encoded: Uint8Array): Promise<void> {
    const own = new Uint8Array(encoded);
    const layout = decodeLayout(own);
    const installed = this.#installing.then(async () => {
      if (layout.version <= this.version) return;
      if (this.#held === undefined) this.#isFirst(layout.id);
      await this.#storage.setMeta(META_NAME, own);
      this.#use(own);
      this.#log.info(`Layout ${layout.id} is in force`, { members: layout.members.length });
      this.#changed();
    });
    // The caller has the error; the next installation only waits for the end of this one.
    this.#installing = installed.catch(() => {});
    await installed;
  }

  /** Takes a layout that a peer has sent unasked, if it is newer than ours. */
  learn(encoded: Uint8Array): void {
    this.install(encoded).catch((error) =>
      this.#log.warn("A peer has sent a layout that is none", { error: String(error) })
    );
  }

  /** Fetches the layout of a peer that has said to have a newer one. */
  async fetchFrom(peer: PeerId, rpc: Rpc): Promise<void> {
    if (this.#isFetching) return;
    this.#isFetching = true;
    try {
      const reply = await rpc.call(peer, METHODS.fetchLayout, [], FETCH_TIMEOUT_MS);
      await this.install(new Arguments(reply, "layout answer").bytes(LIMITS.message));
    } catch (error) {
      this.#log.warn("Cannot fetch the layout of a peer", { peer, error: messageOf(error) });
    } finally {
      this.#isFetching = false;
    }
  }

  #use(encoded: Uint8Array): void {
    const layout = decodeLayout(encoded);
    const members = new Set(layout.members.map(({ node }) => node));
    this.#held = { layout, placement: new Placement(layout), encoded, members };
  }
}
