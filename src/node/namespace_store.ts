// What was set of namespaces at run time: on this node's disk, in force, and from its peers.
//
// Every heartbeat bears the digest of the table that its sender knows. Who hears of another digest than its own
// fetches that table and merges it, and tells its own digest at once if that has changed: so two nodes
// that know different things each fetch from the other, and all end with the same table. A table is on the
// disk before it is in force.

import type { HybridClock } from "../causality/hybrid_clock.ts";
import { type HybridTime, millisecondsOf, TICKS_PER_MS } from "../causality/dot.ts";
import type { DataObject } from "../crdt/data_object.ts";
import type { Log } from "../ports/log.ts";
import type { PeerId } from "../ports/network.ts";
import type { Cluster } from "../replica/cluster.ts";
import type { KeyMove } from "../replica/key_moves.ts";
import { mistakesIn, type SettingsOfPrefix } from "../replica/namespace_rules.ts";
import { furthestOrder, type NamespaceEntry, NamespaceTable } from "../replica/namespace_table.ts";
import type { Namespaces } from "../replica/namespaces.ts";
import type { Storage } from "../storage/storage.ts";
import { Arguments } from "../wire/arguments.ts";
import { CorruptError, DenamoError, messageOf } from "../wire/errors.ts";
import { LIMITS } from "../wire/limits.ts";
import { METHODS } from "../wire/message_codec.ts";
import type { Rpc } from "../wire/rpc.ts";
import type { NamespaceApi, NamespacesView, NamespaceView } from "./namespace_api.ts";

const META_NAME = "namespaces";
const FETCH_TIMEOUT_MS = 5_000;

export interface NamespaceStoreOptions {
  readonly cluster: Pick<Cluster, "clockProblem" | "current" | "self">;
  readonly storage: Storage<DataObject>;
  readonly namespaces: Namespaces;
  readonly clock: HybridClock;
  readonly log: Log;
  /** The others, each with the digest that it told last. */
  readonly members: () => readonly { node: string; namespaces?: string | undefined }[];
  /**
   * Called when another table is in force, in the same turn.
   *
   * @param moves from which numbers of copies keys have come to which by it
   */
  readonly changed: (moves: readonly KeyMove[]) => void;
}

export class NamespaceStore implements NamespaceApi {
  readonly #options: NamespaceStoreOptions;
  /** Changes of the table in the order in which they came. */
  #changing: Promise<void> = Promise.resolve();
  #isFetching = false;

  constructor(options: NamespaceStoreOptions) {
    this.#options = options;
  }

  /** Reads what the disk has and puts it in force. @throws {CorruptError} */
  async load(): Promise<void> {
    const { namespaces, storage } = this.#options;
    const encoded = await storage.getMeta(META_NAME);
    if (encoded === undefined) return;
    try {
      namespaces.use(NamespaceTable.restore(encoded));
    } catch (error) {
      throw new CorruptError("the stored namespaces", messageOf(error));
    }
  }

  /** Begins to answer who asks for the table. */
  register(rpc: Rpc): void {
    rpc.serve(METHODS.fetchNamespaces, () => [this.#table.encoded()]);
  }

  /** The digest to tell others; undefined if nothing was ever set. */
  get digest(): string | undefined {
    return this.#table.digest || undefined;
  }

  /** Whether who tells this digest has, or may have, something that is not known here. */
  differsFrom(digest: string | undefined): boolean {
    return digest !== undefined && digest !== this.#table.digest;
  }

  /** Fetches and merges the table of a peer. What fails is tried again at its next heartbeat. */
  async fetchFrom(peer: PeerId, rpc: Rpc): Promise<void> {
    if (this.#isFetching) return;
    this.#isFetching = true;
    try {
      const read = (answer: readonly unknown[]) =>
        NamespaceTable.decode(new Arguments(answer, "namespaces answer").bytes(LIMITS.object));
      const theirs = await rpc.query(peer, METHODS.fetchNamespaces, [], FETCH_TIMEOUT_MS, read);
      await this.#change((table) => table.merge(theirs, this.#furthest));
    } catch (error) {
      const { log } = this.#options;
      log.warn("Cannot fetch the namespaces of a peer", { peer, error: messageOf(error) });
    } finally {
      this.#isFetching = false;
    }
  }

  async set(prefix: string, settings: SettingsOfPrefix): Promise<NamespaceView> {
    const mistakes = mistakesIn(prefix, settings);
    mistakes.push(...this.#tooFewCopies(settings));
    if (mistakes.length > 0) {
      const message = `Cannot set namespace ${JSON.stringify(prefix)}: ${mistakes.join("; ")}`;
      throw new DenamoError("bad_request", "no", message, { mistakes });
    }
    await this.#order(prefix, settings);
    this.#options.log.info(`Namespace ${JSON.stringify(prefix)} is set`, { ...settings });
    return this.list().namespaces.find((view) => view.prefix === prefix)!;
  }

  async remove(prefix: string): Promise<boolean> {
    if (this.#table.entries.get(prefix)?.settings === undefined) return false;
    await this.#order(prefix, undefined);
    this.#options.log.info(`Namespace ${JSON.stringify(prefix)} is set no longer`);
    return true;
  }

  list(): NamespacesView {
    const { members, namespaces } = this.#options;
    const inForce = ({ prefix: _, ...rest }: typeof namespaces.defaults) => {
      return { ...rest, n: rest.n ?? this.#replication };
    };
    const views = namespaces.all().map((namespace): NamespaceView => {
      const prefix = new TextDecoder().decode(namespace.prefix);
      const entry = this.#table.entries.get(prefix);
      const isSet = entry?.settings !== undefined;
      const { prefix: _, ...configured } = namespaces.base.get(prefix) ?? { prefix };
      return {
        prefix,
        source: isSet ? "set" : "config",
        setAtMs: isSet ? Math.floor(entry.time / TICKS_PER_MS) : undefined,
        setBy: isSet ? entry.node : undefined,
        settings: isSet ? entry.settings : configured,
        inForce: inForce(namespace),
      };
    });
    const differing = members().filter((member) =>
      (member.namespaces ?? "") !== this.#table.digest
    );
    return {
      defaults: inForce(namespaces.defaults),
      namespaces: views.sort((a, b) => a.prefix < b.prefix ? -1 : 1),
      differing: differing.map(({ node }) => node).sort(),
    };
  }

  /** The copies of keys that leave it open; undefined before there is a layout. */
  get #replication(): number | undefined {
    return this.#options.cluster.current()?.layout.replication;
  }

  /** The latest time that counts. */
  get #furthest(): HybridTime {
    return furthestOrder(millisecondsOf(this.#options.clock.reading()));
  }

  get #table(): NamespaceTable {
    return this.#options.namespaces.table;
  }

  #tooFewCopies({ n, ...levels }: SettingsOfPrefix): string[] {
    const copies = this.#options.namespaces.defaults.n ?? this.#replication;
    if (n !== undefined || copies === undefined) return [];
    return (["r", "w"] as const).flatMap((level) => {
      const needed = levels[level];
      const isTooMany = typeof needed === "number" && needed > copies;
      return isTooMany ? [`${level} is ${needed}, but there are only ${copies} copies`] : [];
    });
  }

  async #order(prefix: string, settings: NamespaceEntry["settings"]): Promise<void> {
    const { clock, cluster } = this.#options;
    const problem = cluster.clockProblem();
    if (problem !== undefined) throw new DenamoError("clock_skew", "no", problem);
    await this.#change((table) => {
      const furthest = this.#furthest;
      const time = clock.tick(table.timeBelow(prefix, furthest));
      try {
        return table.with(prefix, settings, time, cluster.self, furthest);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        throw new DenamoError("bad_request", "no", error.message);
      }
    });
  }

  /** Puts a table made from the present one in force, once it is on the disk. */
  async #change(make: (table: NamespaceTable) => NamespaceTable): Promise<void> {
    const { changed, namespaces, storage } = this.#options;
    const done = this.#changing.then(async () => {
      const table = make(this.#table);
      if (table === this.#table) return;
      await storage.setMeta(META_NAME, table.encoded());
      changed(namespaces.use(table));
    });
    // The caller has the error; the next change only waits for the end of this one.
    this.#changing = done.catch(() => {});
    await done;
  }
}
