// All that a node has to do with its layout: what it holds, how the first one is made, and which one it takes when it
// comes late.

import type { DataObject } from "../crdt/data_object.ts";
import type { Member } from "../membership/member_table.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { PeerId } from "../ports/network.ts";
import type { Layout } from "../ring/layout.ts";
import type { Storage } from "../storage/storage.ts";
import { DenamoError } from "../wire/errors.ts";
import type { Rpc } from "../wire/rpc.ts";
import type { InitLayoutOptions, MemberView } from "./api.ts";
import { FirstLayout, type SeenNode } from "./first_layout.ts";
import { LayoutAgreement } from "./layout_agreement.ts";
import { LayoutStore } from "./layout_store.ts";
import { checkedNames, planFirst, planProblem } from "./plan_first.ts";
import type { SealKeyStore } from "./seal_key_store.ts";
import type { NodeSettings } from "./settings.ts";

export interface LayoutsOptions {
  readonly self: string;
  readonly storage: Storage<DataObject>;
  readonly rpc: Rpc;
  readonly clock: Clock;
  readonly log: Log;
  readonly sealKeys: SealKeyStore;
  /** All other nodes as they are at this moment. */
  readonly others: () => readonly Member[];
  /** Called when a layout has come into force. */
  readonly changed: () => void;
  /** Told why this node must have forgotten data, if the cluster has a layout that its disk does not know of. */
  readonly hasForgotten: (reason: string) => void;
}

export class Layouts {
  readonly store: LayoutStore;
  readonly first: FirstLayout;
  readonly agreement: LayoutAgreement;
  readonly #options: LayoutsOptions;

  /** Serves the requests about layouts from the moment it is made. */
  constructor(options: LayoutsOptions) {
    this.#options = options;
    const { clock, hasForgotten, rpc, self } = options;
    this.store = new LayoutStore({
      ...options,
      changed: () => {
        this.#tellPlace();
        options.changed();
      },
      isFirst: (layout) => {
        const isOwner = layout.members.some(({ node }) => node === self);
        if (!isOwner || this.first.hasPromised(layout.id)) return;
        hasForgotten("The cluster has a layout that this node's disk does not know of");
      },
    });
    this.first = new FirstLayout(
      self,
      rpc,
      clock,
      this.store,
      options.sealKeys,
      () => this.#connected(),
    );
    this.agreement = new LayoutAgreement({
      ...options,
      store: this.store,
      seen: () => this.#seen().map(({ heartbeat: { layoutId }, node }) => ({ node, layoutId })),
      prepare: (peer, layout) => this.#takeKeys(peer, layout),
    });
  }

  /** Reads what the disk has. @throws {CorruptError} */
  async load(): Promise<void> {
    await this.store.load();
    this.first.load();
    this.#tellPlace();
  }

  /** Whether this node is its own cluster, as is asked for, and has made its layout when it started. */
  #isAloneBy(names: readonly string[]): boolean {
    const { self } = this.#options;
    const { members } = this.store;
    return names.length === 1 && names[0] === self && members?.size === 1 && members.has(self);
  }

  /** A node that comes to a cluster that has its layout is useful, but not as its operator may expect. */
  #tellPlace(): void {
    const { log, self } = this.#options;
    const { held } = this.store;
    if (held === undefined || held.placement.members.has(self)) return;
    log.warn(`${self} is not in the layout, which cannot be changed: it owns no keys`, {
      does: "it takes requests for all keys, and stands in for owners that cannot be reached",
      layout: held.layout.id,
    });
  }

  /**
   * Plans the first layout for these members, as this node sees them, and makes it.
   *
   * @param views all nodes that this one knows
   * @throws {DenamoError} `layout_exists` or `layout_refused`; then nothing has changed anywhere
   */
  async make(
    settings: NodeSettings,
    members: readonly string[],
    views: readonly MemberView[],
    options: InitLayoutOptions = {},
  ): Promise<void> {
    const names = checkedNames(members);
    if (this.#isAloneBy(names)) return;
    const missing = this.first.missing(names);
    if (missing.length > 0) {
      throw new DenamoError("layout_refused", "no", `This node does not see ${missing.join(", ")}`);
    }
    const problem = planProblem(settings, names, this.#seen().map(({ node }) => node));
    if (problem !== undefined && options.force !== true && this.store.held === undefined) {
      throw new DenamoError("layout_refused", "no", problem);
    }
    const byName = new Map(views.map((view) => [view.node, view]));
    await this.first.make(planFirst(settings, names.map((name) => byName.get(name)!)));
  }

  /**
   * A node that serves gives out contexts, and others must be able to open them: it has the keys of a member before it
   * has the layout. A cluster that is older than seals has none yet.
   */
  async #takeKeys(peer: PeerId, { members }: Layout): Promise<boolean> {
    const { rpc, sealKeys } = this.#options;
    const teller = this.#seen().find(({ peerId }) => peerId === peer);
    if (teller === undefined || !members.some(({ node }) => node === teller.node)) return false;
    const digest = teller.heartbeat.sealKeys;
    if (digest === undefined || sealKeys.areShared) return true;
    await sealKeys.fetchFrom(peer, digest, rpc);
    return sealKeys.areShared;
  }

  #connected(): SeenNode[] {
    const { rpc } = this.#options;
    return this.#seen().filter(({ peerId }) => rpc.isUp(peerId))
      .map(({ node, peerId }) => ({ node, peer: peerId }));
  }

  #seen(): Member[] {
    return this.#options.others().filter(({ state }) => state !== "down");
  }
}
