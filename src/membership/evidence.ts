// From evidence to a verdict: is a member up, suspect or down?
//
// No single source can tell a dead node from a bad path to it. So the sources are laid side by side and
// joined here, by one pure function, and a further source (a probe, the word of others) is one more
// field. As it stands: silence of the heartbeats makes suspect; a lost connection on top of that
// makes down; so does silence alone once it is beyond reasonable doubt. A peer that has
// just answered us directly is never down, however its heartbeats travel.

/** `up` by its heartbeats, `suspect` when they are late, `down` when they have stopped. */
export type MemberState = "up" | "suspect" | "down";

/** All that is known of one member at one moment. */
export interface Evidence {
  /** How surprising the silence of its heartbeats is. */
  readonly phi: number;
  /** Heartbeats since it was judged down last, or since it is known. */
  readonly heartbeats: number;
  /** Whether we had a connection to it, which broke, and have none. */
  readonly isConnectionLost: boolean;
  /** Whether it has told us something directly within the last intervals. */
  readonly hasSpoken: boolean;
}

/** The levels of phi. */
export const SUSPECT_PHI = 3;
export const DOWN_PHI = 8;
const CALM_PHI = 1;

/** Heartbeats of the same incarnation that a member that was down must show to be up again. */
const HEARTBEATS_TO_RETURN = 2;

/** The verdict on a member whose last one was `before`. Between the levels it stays as it was. */
export function verdict(before: MemberState, evidence: Evidence): MemberState {
  const { phi, heartbeats, isConnectionLost, hasSpoken } = evidence;
  const isSilent = phi >= DOWN_PHI || (phi >= SUSPECT_PHI && isConnectionLost);
  if (isSilent && !hasSpoken) return "down";
  if (before === "down") {
    return phi < CALM_PHI && heartbeats >= HEARTBEATS_TO_RETURN ? "up" : "down";
  }
  if (phi >= SUSPECT_PHI) return "suspect";
  return phi < CALM_PHI ? "up" : before;
}

/** What speaks for the verdict on a member, as a phrase for its operator. */
export function reasonFor(state: MemberState, evidence: Evidence): string {
  const { phi, heartbeats, isConnectionLost, hasSpoken } = evidence;
  const path = hasSpoken ? ", it answers" : isConnectionLost ? ", its connection is lost" : "";
  if (phi >= DOWN_PHI) return `its heartbeats have stopped${path}`;
  if (phi >= SUSPECT_PHI) return `its heartbeats are late${path}`;
  if (state === "down") {
    return `${heartbeats} of ${HEARTBEATS_TO_RETURN} heartbeats since it was down${path}`;
  }
  if (phi >= CALM_PHI) return `its heartbeats are a little late${path}`;
  return isConnectionLost ? `its heartbeats arrive${path}` : "its heartbeats arrive";
}
