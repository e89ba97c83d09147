// One row of the member table: what has been heard of one other node since it is known, or since it began anew.

import { assert } from "../base/assert.ts";
import type { Evidence, MemberState } from "./evidence.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { PhiAccrual } from "./phi_accrual.ts";

/** For so many of its intervals a direct word of a peer speaks for it. */
const SPOKEN_INTERVALS = 2;

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
  };
}

/** All that is known of the node as of `atMs`. */
export function evidenceOf(row: Row, atMs: number): Evidence {
  return {
    phi: row.detector.phi(atMs),
    heartbeats: row.heartbeats,
    isConnectionLost: row.isConnectionLost,
    hasSpoken: atMs - row.spokeAtMs < row.heartbeat.intervalMs * SPOKEN_INTERVALS,
  };
}

/** Another run of the node is heard of at `atMs`: what was known of the last one says nothing of it. */
export function beginIncarnation(row: Row, heartbeat: Heartbeat, atMs: number): void {
  assert(heartbeat.incarnation > row.heartbeat.incarnation, "incarnations rise");
  row.heartbeat = heartbeat;
  row.detector = new PhiAccrual(heartbeat.intervalMs, atMs);
  row.heartbeats = 1;
  row.isConnectionLost = false;
  row.spokeAtMs = -Infinity;
}
