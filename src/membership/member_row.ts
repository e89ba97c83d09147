// One row of the member table: what has been heard of one other node since it is known, or since it began anew.

import { assert } from "../base/assert.ts";
import {
  type Evidence,
  type MemberState,
  type Reach,
  reachText,
  silenceOf,
  SUSPECT_PHI,
  UNKNOWN_REACH,
} from "./evidence.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { hasRoomAbove } from "./incarnation_step.ts";
import type { Source } from "./member.ts";
import { PhiAccrual } from "./phi_accrual.ts";

/** For so many of its intervals a direct word of a peer speaks for it. */
const SPOKEN_INTERVALS = 2;

/** From this level on a member is part of a silence that may be our own fault. */
const HUSH_PHI = 2;

/** Times are milliseconds of the table's time. */
export interface Row {
  heartbeat: Heartbeat;
  detector: PhiAccrual;
  state: MemberState;
  stateSinceMs: number;
  /** Since it was judged down last, or since the incarnation began. */
  heartbeats: number;
  /** Whether a connection was open in this incarnation, and was the last to change by breaking. */
  isConnectionLost: boolean;
  spokeAtMs: number;
  /** When the last heartbeat came. */
  heardAtMs: number;
  /** Since when the connection is lost, as far as it has been noticed. */
  lostAtMs: number | undefined;
  /** What came of the last probe, since when it has been so, and when the last probe began. */
  reach: Reach;
  reachSinceMs: number;
  probedAtMs: number;
  isProbing: boolean;
}

/** A node that was first heard of at `atMs`. */
export function makeRow(heartbeat: Heartbeat, atMs: number): Row {
  return {
    heartbeat,
    detector: new PhiAccrual(heartbeat.intervalMs, atMs),
    state: "up",
    stateSinceMs: atMs,
    heartbeats: 1,
    isConnectionLost: false,
    spokeAtMs: -Infinity,
    heardAtMs: atMs,
    lostAtMs: undefined,
    reach: UNKNOWN_REACH,
    reachSinceMs: atMs,
    probedAtMs: -Infinity,
    isProbing: false,
  };
}

/** All that is known of the node as of `atMs`. */
export function evidenceOf(row: Row, atMs: number, isSelfDoubted: boolean): Evidence {
  return {
    phi: row.detector.phi(atMs),
    heartbeats: row.heartbeats,
    isConnectionLost: row.isConnectionLost,
    hasSpoken: hasSpoken(row, atMs),
    reach: row.reach,
    isSelfDoubted,
  };
}

/** What each source says of the node as of `atMs`, and for how long it has. */
export function sourcesOf(row: Row, atMs: number): Source[] {
  const silence = silenceOf(row.detector.phi(atMs));
  const sources: Source[] = [
    { source: "heartbeats", says: silence, forMs: atMs - row.heardAtMs },
  ];
  if (row.isConnectionLost) {
    const forMs = atMs - (row.lostAtMs ?? atMs);
    sources.push({ source: "connection", says: "its connection is lost", forMs });
  }
  if (row.reach.kind !== "unknown") {
    const forMs = atMs - row.reachSinceMs;
    sources.push({ source: "probes", says: reachText(row.reach), forMs });
  }
  if (hasSpoken(row, atMs)) {
    sources.push({ source: "words", says: "it answers", forMs: atMs - row.spokeAtMs });
  }
  return sources;
}

/** Whether the node seems silent, so that its neighbours' silence makes us doubt ourselves. */
export function isSilent(row: Row, atMs: number): boolean {
  if (hasSpoken(row, atMs)) return false;
  return row.detector.phi(atMs) >= HUSH_PHI ||
    (row.isConnectionLost && row.reach.kind === "nobody");
}

/**
 * Whether the node should be asked at `atMs` if it lives: when its heartbeats are late, when its connection
 * has been lost for a while, and when it counts as down and yet is connected. Not more often than once
 * an interval.
 */
export function isProbeDue(row: Row, isConnected: boolean, atMs: number): boolean {
  const { intervalMs } = row.heartbeat;
  if (row.isProbing || atMs - row.probedAtMs < intervalMs) return false;
  if (row.state === "down") return isConnected;
  if (row.detector.phi(atMs) >= SUSPECT_PHI) return true;
  return row.lostAtMs !== undefined && atMs - row.lostAtMs >= intervalMs;
}

/** Takes note of another heartbeat of the same incarnation. Who sends it is reached by somebody. */
export function continueIncarnation(row: Row, heartbeat: Heartbeat, atMs: number): void {
  row.heartbeat = heartbeat;
  row.heardAtMs = atMs;
  row.detector.arrived(atMs);
  row.heartbeats++;
  if (row.reach.kind === "nobody") setReach(row, UNKNOWN_REACH, atMs);
}

/** Takes note of what a probe has come to at `atMs`. */
export function setReach(row: Row, reach: Reach, atMs: number): void {
  if (reach.kind !== row.reach.kind) row.reachSinceMs = atMs;
  row.reach = reach;
}

/** Takes note that time has passed: since when a connection is lost, and that old probes say nothing. */
export function refresh(row: Row, atMs: number): void {
  row.lostAtMs = row.isConnectionLost ? row.lostAtMs ?? atMs : undefined;
  const isDoubtful = row.isConnectionLost || row.state === "down" ||
    row.detector.phi(atMs) >= SUSPECT_PHI;
  if (!isDoubtful) setReach(row, UNKNOWN_REACH, atMs);
}

function hasSpoken(row: Row, atMs: number): boolean {
  return atMs - row.spokeAtMs < row.heartbeat.intervalMs * SPOKEN_INTERVALS;
}

/** Another run of the node is heard of at `atMs`: what was known of the last one says nothing of it. */
export function beginIncarnation(row: Row, heartbeat: Heartbeat, atMs: number): void {
  const { incarnation } = row.heartbeat;
  assert(heartbeat.incarnation > incarnation || !hasRoomAbove(incarnation), "incarnations rise");
  row.heartbeat = heartbeat;
  row.detector = new PhiAccrual(heartbeat.intervalMs, atMs);
  row.heartbeats = 1;
  row.isConnectionLost = false;
  row.spokeAtMs = -Infinity;
  row.heardAtMs = atMs;
  row.lostAtMs = undefined;
  setReach(row, UNKNOWN_REACH, atMs);
  row.probedAtMs = -Infinity;
}
