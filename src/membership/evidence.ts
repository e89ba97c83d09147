// From evidence to a verdict: is a member up, suspect or down?
//
// No single source can tell a dead node from a bad path to it. So the sources are laid side by side and
// joined here, by one pure function. The silence of the heartbeats makes suspect, and never more. Down needs
// direct evidence on top: the member has not answered us, and of those that were asked to reach it in
// our place nobody did. If one did, then the path is at fault and the member stays suspect. A peer
// that has just told us something directly is never down, however its heartbeats travel.
//
// When most members fall silent at once, the likeliest culprit is our own end. Then nobody is condemned on
// our word alone: another node must have found the member as dead as we do (see self_doubt.ts).
//
// Sources: Das et al., "SWIM" (2002), section 3.1, for probes through others; Hayashibara et al. (2004)
// for the level of silence; Dadgar et al., "Lifeguard" (2018), for the doubt.

/** `up` by its heartbeats, `suspect` when a source speaks against it, `down` when all do. */
export type MemberState = "up" | "suspect" | "down";

/** What came of asking a member directly, and others to ask it, since we have last heard of it. */
export type Reach =
  | { readonly kind: "unknown" }
  /** It did not answer us, but the node `through`. */
  | { readonly kind: "others"; readonly through: string }
  /** It did not answer us, nor the `witnesses`; whoever is not named has not answered either. */
  | { readonly kind: "nobody"; readonly witnesses: readonly string[] };

export const UNKNOWN_REACH: Reach = { kind: "unknown" };

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
  readonly reach: Reach;
  /** Whether so many members are silent that the fault may be ours. */
  readonly isSelfDoubted: boolean;
}

/** The levels of phi. */
export const SUSPECT_PHI = 3;
export const STOPPED_PHI = 8;
const CALM_PHI = 1;

/** Heartbeats of the same incarnation that a member that was down must show to be up again. */
const HEARTBEATS_TO_RETURN = 2;

/** The verdict on a member whose last one was `before`. Between the levels it stays as it was. */
export function verdict(before: MemberState, evidence: Evidence): MemberState {
  const { phi, heartbeats, hasSpoken, reach } = evidence;
  if (phi >= SUSPECT_PHI && isUnreached(evidence)) return "down";
  const returns = hasSpoken || (phi < CALM_PHI && heartbeats >= HEARTBEATS_TO_RETURN);
  if (before === "down" && !returns) return "down";
  if (phi >= SUSPECT_PHI || (reach.kind === "others" && !hasSpoken)) return "suspect";
  if (phi < CALM_PHI) return "up";
  return before === "down" ? "suspect" : before;
}

/** Whether the direct evidence is enough to call a silent member down. */
function isUnreached({ hasSpoken, isSelfDoubted, reach }: Evidence): boolean {
  if (hasSpoken || reach.kind !== "nobody") return false;
  return !isSelfDoubted || reach.witnesses.length > 0;
}

/** What speaks for the verdict on a member, as a phrase for its operator. */
export function reasonFor(state: MemberState, evidence: Evidence): string {
  const { phi, heartbeats, hasSpoken, reach } = evidence;
  const isReturning = state === "down" && phi < SUSPECT_PHI;
  const parts = [
    isReturning
      ? `${heartbeats} of ${HEARTBEATS_TO_RETURN} heartbeats since it was down`
      : silenceOf(phi),
  ];
  if (hasSpoken) {
    if (phi >= SUSPECT_PHI || isReturning) parts.push("it answers");
  } else {
    if (evidence.isConnectionLost) parts.push("its connection is lost");
    if (reach.kind !== "unknown") parts.push(reachText(reach));
    if (phi >= SUSPECT_PHI && state !== "down") {
      if (reach.kind === "unknown") parts.push("it is being asked");
      if (evidence.isSelfDoubted) parts.push("this node may be cut off itself");
    }
  }
  return parts.join(", ");
}

/** What the heartbeats say. */
export function silenceOf(phi: number): string {
  if (phi >= STOPPED_PHI) return "its heartbeats have stopped";
  if (phi >= SUSPECT_PHI) return "its heartbeats are late";
  return phi >= CALM_PHI ? "its heartbeats are a little late" : "its heartbeats arrive";
}

/** What asking directly and through others has come to. */
export function reachText(reach: Reach): string {
  switch (reach.kind) {
    case "unknown":
      return "nobody was asked";
    case "others":
      return `${reach.through} reaches it, we do not`;
    case "nobody":
      return reach.witnesses.length === 0
        ? "it does not answer us, and nobody else could tell"
        : `neither we nor ${reach.witnesses.join(", ")} reach it`;
  }
}
