// The keys with which contexts are sealed: on this node's disk, in force, and from its peers.
//
// The maker of the first layout makes a key and hands it out with the layout, so every member can open what another
// one has sealed as soon as the cluster is ready. Who misses that hears of it as of namespaces (namespace_store.ts):
// every heartbeat bears a digest of the keys that its sender knows, and who knows other ones fetches them.
//
// A cluster whose layout is older than seals has no key. There the first of its members by name, of those that are up,
// makes one when it has heard all of these say that they have none. Until a node has a key it seals with one of its
// own, which it forgets when it stops and tells nobody.
//
// Keys are taken from members of our layout only, and by a node without a layout from the peer of which it takes that
// as well. What a peer may bring is bounded in causality/seal_key.ts: a good key is never lost to another one.
//
// A context that is sealed with an unknown key is refused at once. The node could ask its peers, but then any client
// could make it ask; and keys arrive with heartbeats, before a node says that it is ready. As long as it has none it
// says that it is not ready, since it cannot know whether a context is good.

import { SealKey, SealKeys, SECRET_BYTES } from "../causality/seal_key.ts";
import type { DataObject } from "../crdt/data_object.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { PeerId } from "../ports/network.ts";
import type { Random } from "../ports/random.ts";
import type { Storage } from "../storage/storage.ts";
import { Arguments } from "../wire/arguments.ts";
import { CorruptError, messageOf } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { METHODS } from "../wire/message_codec.ts";
import type { Rpc } from "../wire/rpc.ts";
import type { Seals } from "./tokens.ts";

const META_NAME = "seal-keys";
const FETCH_TIMEOUT_MS = 5_000;

/** How long a node that has just started waits for word of all members before it makes a key without them. */
const PATIENCE_MS = 5_000;

/** Another node, and what it told last. */
interface Other {
  readonly node: string;
  readonly state: string;
  readonly heartbeat: { readonly sealKeys?: string | undefined };
}

export interface SealKeyStoreOptions {
  readonly self: string;
  readonly storage: Storage<DataObject>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly layout: () => { readonly members: readonly { readonly node: string }[] } | undefined;
  readonly members: () => readonly Other[];
  /** Called when there are more keys. */
  readonly changed: () => void;
}

export class SealKeyStore implements Seals {
  readonly #options: SealKeyStoreOptions;
  readonly #startedAtMs: number;
  #keys = SealKeys.none;
  /** Seals until there is a key of the cluster, and opens what it has sealed as long as this run lasts. */
  #own: SealKey | undefined;
  /** Changes in the order in which they came. */
  #changing: Promise<void> = Promise.resolve();
  /** Digests of peers from which nothing more is to be had, as long as ours stays the same. */
  readonly #idle = new Map<PeerId, string>();
  #isFetching = false;

  constructor(options: SealKeyStoreOptions) {
    this.#options = options;
    this.#startedAtMs = options.clock.monotonic();
  }

  /** Reads what the disk has, after the layout has been read. @throws {CorruptError} */
  async load(): Promise<void> {
    const encoded = await this.#options.storage.getMeta(META_NAME);
    if (encoded === undefined) return await this.makeIfDue();
    try {
      this.#keys = SealKeys.decode(encoded);
    } catch (error) {
      throw new CorruptError("the stored seal keys", messageOf(error));
    }
  }

  /** Begins to answer who asks for the keys. */
  register(rpc: Rpc): void {
    rpc.serve(METHODS.fetchSealKeys, () => [this.#keys.encoded()]);
  }

  /** The digest to tell others; undefined if there is no key. */
  get digest(): string | undefined {
    return this.#keys.digest;
  }

  get areShared(): boolean {
    return this.#keys.sealing !== undefined;
  }

  get sealing(): SealKey {
    return this.#keys.sealing ?? (this.#own ??= this.#draw());
  }

  find(id: number): SealKey | undefined {
    return this.#keys.find(id) ?? (this.#own?.id === id ? this.#own : undefined);
  }

  /** The keys to hand out with the first layout, once they are on the disk: one is made if there is none. */
  async make(): Promise<Uint8Array> {
    await this.#change((keys) => keys.sealing === undefined ? SealKeys.of(this.#draw()) : keys);
    return this.#keys.encoded();
  }

  /** Takes the keys that have come with the first layout. Rejects with a MalformedError if they are none. */
  async take(encoded: Uint8Array): Promise<void> {
    const theirs = SealKeys.decode(encoded);
    await this.#change((keys) => keys.with(theirs));
  }

  /** Makes a key for a cluster whose layout is older than seals, if it is this node's turn. */
  async makeIfDue(): Promise<void> {
    if (this.#keys.sealing !== undefined || !this.#isDue()) return;
    const { log } = this.#options;
    try {
      await this.make();
      log.info("A key to seal contexts with is made: the cluster had none");
    } catch (error) {
      log.warn("Cannot make a key to seal contexts with", { error: messageOf(error) });
    }
  }

  /** Whether this is the first member of those that are up, and none of them has a key. */
  #isDue(): boolean {
    const { clock, layout, members, self } = this.#options;
    const names = new Set(layout()?.members.map(({ node }) => node));
    if (!names.has(self)) return false;
    const others = members().filter(({ node, state }) => state !== "down" && names.has(node));
    const hasWaited = clock.monotonic() - this.#startedAtMs >= PATIENCE_MS;
    if (others.length + 1 < names.size && !hasWaited) return false;
    return others.every(({ heartbeat, node }) => heartbeat.sealKeys === undefined && self < node);
  }

  /** Whether a peer that tells this digest has, or may have, a key that is not known here. */
  differsFrom(peer: PeerId, digest: string | undefined): boolean {
    return digest !== undefined && digest !== this.digest && this.#idle.get(peer) !== digest;
  }

  /** Fetches the keys of a peer that tells this digest. What fails is tried again at its next heartbeat. */
  async fetchFrom(peer: PeerId, digest: string, rpc: Rpc): Promise<void> {
    if (this.#isFetching) return;
    this.#isFetching = true;
    try {
      const reply = await rpc.call(peer, METHODS.fetchSealKeys, [], FETCH_TIMEOUT_MS);
      const before = this.#keys;
      await this.take(new Arguments(reply, "seal keys answer").bytes(LIMITS.sealKeys));
      if (this.#keys === before) this.#idle.set(peer, digest);
    } catch (error) {
      const { log } = this.#options;
      log.warn("Cannot fetch the seal keys of a peer", { peer, error: messageOf(error) });
    } finally {
      this.#isFetching = false;
    }
  }

  /** Puts keys made from the present ones in force, once they are on the disk. */
  async #change(make: (keys: SealKeys) => SealKeys): Promise<void> {
    const done = this.#changing.then(async () => {
      const keys = make(this.#keys);
      if (keys === this.#keys) return;
      await this.#options.storage.setMeta(META_NAME, keys.encoded());
      this.#keys = keys;
      this.#idle.clear();
      this.#options.changed();
    });
    // The caller has the error; the next change only waits for the end of this one.
    this.#changing = done.catch(() => {});
    await done;
  }

  #draw(): SealKey {
    const { random, self } = this.#options;
    return new SealKey(self, random.bytes(SECRET_BYTES));
  }
}
