// What a node sees of its cluster, and what that means for those who would send it requests: whether it sees enough of
// its members, and whether another cluster has come its way.

import type { MemberTable } from "../membership/member_table.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { PeerId } from "../ports/network.ts";
import type { Layout } from "../ring/layout.ts";
import { OtherLayouts } from "./other_layouts.ts";
import { Readiness } from "./readiness.ts";
import type { NodeSettings } from "./settings.ts";
import { Solitude } from "./solitude.ts";

export interface OutlookOptions {
  readonly settings: Pick<NodeSettings, "join" | "node">;
  readonly clock: Clock;
  readonly log: Log;
  readonly table: MemberTable;
  readonly layout: () => Layout | undefined;
  /** Tells the operator of another layout. */
  readonly report: (layoutId: string, peer: PeerId, node: string) => void;
  /** Whether the node has a key of the cluster to seal contexts with. */
  readonly canSeal: () => boolean;
}

export class Outlook {
  readonly otherLayouts: OtherLayouts;
  readonly #layout: OutlookOptions["layout"];
  readonly #readiness: Readiness;
  readonly #solitude: Solitude;

  constructor(options: OutlookOptions) {
    const { canSeal, clock, settings: { join, node: self }, table } = options;
    const isConnected = (node: string) => table.isConnected(node);
    const isSeen = (node: string) => isConnected(node) && table.stateOf(node) !== "down";
    this.#layout = options.layout;
    this.otherLayouts = new OtherLayouts({ ...options, node: self, isConnected });
    this.#readiness = new Readiness(self, clock, isSeen, canSeal);
    this.#solitude = new Solitude({
      ...options,
      self,
      isSeen,
      hasPeers: () => table.hasConnections,
      join,
    });
  }

  start(): void {
    this.#solitude.start();
  }

  stop(): void {
    this.#solitude.stop();
  }

  /** Why requests should go elsewhere, if they should; `refusal` says why no peer lets the node in. */
  problem(refusal: string | undefined): string | undefined {
    return this.otherLayouts.problem ?? refusal ?? this.#readiness.problem(this.#layout());
  }
}
