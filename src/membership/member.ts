// A member as it is seen from outside the table, and what is told of it.

import type { PeerId } from "../ports/network.ts";
import type { MemberState } from "./evidence.ts";
import type { Heartbeat } from "./heartbeat.ts";

/** What one source says of a member. */
export interface Source {
  readonly source: "heartbeats" | "connection" | "probes" | "words";
  readonly says: string;
  /** For how long, in milliseconds of the table's time. */
  readonly forMs: number;
}

/** A member that can be asked. */
export interface Target {
  readonly node: string;
  readonly peerId: PeerId;
}

/** One other node, as it was at the moment of asking. */
export interface Member {
  readonly node: string;
  readonly peerId: PeerId;
  readonly state: MemberState;
  /** When it came into this state, in milliseconds of the table's time. */
  readonly stateSinceMs: number;
  /** How long ago that was, in the same milliseconds. */
  readonly stateForMs: number;
  /** What speaks for this state: a short phrase. */
  readonly because: string;
  /** What each source says, and for how long. */
  readonly sources: readonly Source[];
  readonly phi: number;
  readonly isConnected: boolean;
  /** The last thing that it said of itself. */
  readonly heartbeat: Heartbeat;
}

/** Something that has changed. `restarted`: the same peer with a higher incarnation. */
export type MemberChange =
  | { readonly kind: "joined"; readonly node: string; readonly peerId: PeerId }
  | { readonly kind: "restarted"; readonly node: string; readonly peerId: PeerId }
  | {
    readonly kind: "rebound";
    readonly node: string;
    readonly peerId: PeerId;
    readonly formerPeerId: PeerId;
  }
  | {
    readonly kind: "state";
    readonly node: string;
    readonly peerId: PeerId;
    readonly from: MemberState;
    readonly to: MemberState;
  }
  /** Somebody claims a name that is not free; told once per claimant. */
  | {
    readonly kind: "refused";
    readonly node: string;
    readonly peerId: PeerId;
    readonly reason: string;
  }
  /** A peer that says to have begun before us speaks under our own name. It may be anybody. */
  | { readonly kind: "rival"; readonly node: string; readonly peerId: PeerId }
  /** A node was dropped from the table: it has ended, and its place or its name was needed. */
  | { readonly kind: "dropped"; readonly node: string; readonly peerId: PeerId };

/** What became of a heartbeat: `old` has been overtaken, `own` is ours, `refused` has no right to its name. */
export type RecordOutcome = "recorded" | "old" | "own" | "refused";
