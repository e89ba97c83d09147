// How a node judges who may be its peer, and what peers say against it, put together.

import type { HybridTime } from "../causality/dot.ts";
import type { Heartbeats } from "../membership/heartbeats.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { PeerId } from "../ports/network.ts";
import type { Floors } from "../replica/floors.ts";
import { Admission } from "./admission.ts";
import type { Ending } from "./ending.ts";
import { LeftBehindVoices } from "./left_behind_voices.ts";
import type { PeerBook } from "./peer_book.ts";
import type { OtherLayouts } from "./other_layouts.ts";
import { Refusals } from "./refusals.ts";
import type { NodeSettings } from "./settings.ts";

export interface EntranceParts {
  readonly settings: Pick<NodeSettings, "join" | "node">;
  readonly self: PeerId;
  readonly clock: Clock;
  readonly log: Log;
  readonly heartbeats: Heartbeats;
  readonly floors: Floors;
  /** Of the settings that all nodes must share. */
  readonly settingsDigest: string;
  readonly book: PeerBook;
  readonly ending: Ending;
  readonly otherLayouts: OtherLayouts;
  readonly layoutMembers: () => ReadonlySet<string> | undefined;
  readonly isConnected: (node: string) => boolean;
  /** The latest time that another node's clock may have given. */
  readonly latest: () => HybridTime;
}

export function entranceOf(parts: EntranceParts): Admission {
  const { book, clock, ending, floors, heartbeats, layoutMembers, log, self, settings } = parts;
  const leftBehind = new LeftBehindVoices({
    floors,
    log,
    members: layoutMembers,
    nodeOf: (peer) => book.nodeOf(peer),
    isConnected: parts.isConnected,
    latest: parts.latest,
    startAnew: () => ending.startAnew(),
  });
  const refusals = new Refusals({
    clock,
    self,
    node: settings.node,
    hasJoined: settings.join.length > 0,
    layoutMembers,
  });
  return new Admission(
    settings.node,
    floors,
    parts.settingsDigest,
    heartbeats,
    refusals,
    clock,
    log,
    (reason) => ending.giveUp(reason),
    leftBehind,
    parts.otherLayouts,
  );
}
