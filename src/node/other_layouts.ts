// Peers that work by another layout than this node: two clusters have met under one name.
//
// Each was given a layout of its own while they did not see each other. Their nodes would look for the same key at
// different owners, so they must not talk: each refuses the other, and says so until the operator has decided which
// one is to stay. But anybody can name a layout. So a node goes on serving as long as another member of its own
// layout is connected to it; where nobody confirms its layout and somebody names another, it is not ready.

import type { Heartbeat } from "../membership/heartbeat.ts";
import type { Clock } from "../ports/clock.ts";
import type { PeerId, Refusal } from "../ports/network.ts";
import type { Layout } from "../ring/layout.ts";
import { ADVICE } from "./layout_store.ts";

/** The code of the refusal. */
export const OTHER_LAYOUT = "other_layout";

/** A peer that has another layout, as it says. */
export interface OtherLayout extends Omit<Heartbeat, "layoutId"> {
  readonly layoutId: string;
}

export interface OtherLayoutsOptions {
  readonly node: string;
  readonly clock: Clock;
  /** The layout of this node, if it has one. */
  readonly layout: () => Layout | undefined;
  /** Tells the operator. */
  readonly report: (layoutId: string, peer: PeerId, node: string) => void;
  /** Whether a connection leads to the node of this name. */
  readonly isConnected: (node: string) => boolean;
}

/** For so long a peer counts that was refused, in milliseconds: whoever goes on calling does so more often. */
const FRESH_MS = 45_000;

/** So many are remembered. */
const PEERS_MAX = 64;

interface Heard {
  readonly other: OtherLayout;
  readonly atMs: number;
}

export class OtherLayouts {
  readonly #options: OtherLayoutsOptions;
  readonly #heard = new Map<PeerId, Heard>();

  constructor(options: OtherLayoutsOptions) {
    this.#options = options;
  }

  /** Takes note of the layout that a peer names; a refusal if it is not ours. */
  judge(heartbeat: Heartbeat): Refusal | undefined {
    const { clock, layout, node, report } = this.#options;
    const { layoutId, peerId } = heartbeat;
    const own = layout()?.id;
    this.#heard.delete(peerId);
    if (own === undefined || layoutId === undefined || layoutId === own) return undefined;
    if (this.#heard.size >= PEERS_MAX) this.#heard.delete(this.#heard.keys().next().value!);
    this.#heard.set(peerId, { other: { ...heartbeat, layoutId }, atMs: clock.monotonic() });
    report(layoutId, peerId, heartbeat.node);
    const message = `${heartbeat.node} has layout ${layoutId} and ${node} has ${own}: ${ADVICE}`;
    return { code: OTHER_LAYOUT, message, details: { layout: own } };
  }

  /** Those that were heard of lately, by name. */
  get known(): OtherLayout[] {
    const sinceMs = this.#options.clock.monotonic() - FRESH_MS;
    const own = this.#options.layout()?.id;
    return [...this.#heard.values()]
      .filter(({ atMs, other }) => atMs > sinceMs && other.layoutId !== own)
      .map(({ other }) => other)
      .sort((a, b) => a.node < b.node ? -1 : 1);
  }

  /** Why this node may be in the wrong cluster, if nobody confirms its layout and somebody names another. */
  get problem(): string | undefined {
    const { isConnected, node, layout } = this.#options;
    const own = layout();
    const [other] = this.known;
    if (own === undefined || other === undefined) return undefined;
    const isConfirmed = own.members.some((it) => it.node !== node && isConnected(it.node));
    return isConfirmed ? undefined : otherLayoutSentence(other, own.id);
  }
}

/** What an operator is told of a peer with another layout. */
export function otherLayoutSentence(
  { layoutId, node }: Pick<OtherLayout, "layoutId" | "node">,
  own: string,
): string {
  return `${node} has layout ${layoutId}, this node has ${own}: ${ADVICE}`;
}
