// Telling a node that others have known a later self of it.
//
// Incarnations are taken from the clock, so that a node whose disk was lost or put back still comes after its
// earlier runs. Only a clock that was ahead then and is right now breaks that: the node returns with a lower
// incarnation than the others remember, and all that it says counts as old. Whoever has admitted such a
// node tells it the incarnation that it remembers, until it has answered; the node goes above it and is heard
// again.
//
// The same word tells a node that its disk is not the one it had: if a peer remembers a run later than the last
// one that the disk knows of, then the disk is empty, or an old copy was put back. An incarnation of this very run
// says no such thing: another peer has borne it under our name, and the node goes above it like any other. So it does
// whoever tells it, if a run can have it that begins about now; that our disk is not the one it had, and what lies
// further ahead, only a member can tell.
//
// A node whose disk is not the one it had fills its copies and serves nobody from them meanwhile, so one voice must not
// be able to say so for nothing. An earlier run began before this one: a number not far from our clock is what any
// member may well remember. One far away is what a very
// wrong clock has left behind, or a flipped bit, or an error of that one member; the others remember it too if there
// was such a run. So the node goes above it, which does no harm, and believes it when most members say so.
//
// Source: Das et al., "SWIM" (2002), section 4.2, where a member refutes what is said of it in this way.

import type { Heartbeats } from "../membership/heartbeats.ts";
import { hasRoomAbove, INCARNATION_MAX } from "../membership/incarnation_step.ts";
import type { PeerId } from "../ports/network.ts";
import { Arguments } from "../wire/arguments.ts";
import { DenamoError } from "../wire/errors.ts";
import { METHODS } from "../wire/message_codec.ts";
import type { Rpc } from "../wire/rpc.ts";
import type { Incarnations } from "./incarnations.ts";

/** A word that got lost is said again when this has passed and the cluster speaks again. */
const TIMEOUT_MS = 5_000;

const DAY_MS = 24 * 3_600_000;

/** How long before the start of this run an earlier one may have begun for one member to be believed: ten years. */
const NEAR_BEFORE_MS = 3_650 * DAY_MS;

/** How far ahead of it, by a wrong clock: 30 days. */
const NEAR_AHEAD_MS = 30 * DAY_MS;

/** What is not to be tried again at once is after so many words of the cluster: some seconds. */
const WORDS_PAUSE = 16;

/** So many of the last incarnations of this run are known for its own. */
const OWN_COUNT = 64;

export class Refutation {
  readonly #heartbeats: Heartbeats;
  readonly #rpc: Rpc;
  /** Peers that are being told. */
  readonly #underWay = new Set<PeerId>();
  /** The incarnations of this run. */
  readonly #own: Set<number>;
  /** The highest incarnation of an earlier run that is known here, from the disk or by what was told. */
  #former: number;

  readonly #note: () => Promise<void>;
  /** How many times others are told before a stranger is heard again: each step is told to the whole cluster. */
  #untilHeard = 0;
  /** Where the disk could not note how far this run has gone: how many times others are told before it shall again. */
  #untilNoted = 0;

  /** The peers that remember a run that began at a time far from that of this one. */
  readonly #afar = new Set<PeerId>();

  /**
   * @param memberCount how many members the layout has, 0 without one
   * @param note notes on the disk that this node has gone above an incarnation; tried again if it rejects
   * @param remembers told that a run from before this one is remembered that our disk does not know of
   */
  constructor(
    heartbeats: Heartbeats,
    rpc: Rpc,
    { former, incarnation }: Incarnations,
    memberCount: () => number,
    note: () => Promise<void>,
    remembers: () => void,
  ) {
    this.#heartbeats = heartbeats;
    this.#rpc = rpc;
    this.#former = former;
    this.#own = new Set([incarnation]);
    this.#note = note;
    rpc.serve(METHODS.refute, (request, from) => {
      const args = new Arguments(request.arguments, "refute");
      const remembered = args.count(INCARNATION_MAX);
      const isOwn = this.#own.has(remembered);
      if (!isOwn && remembered <= this.#former) return [];
      // Those who remember a number that cannot be gone above give it up themselves.
      if (!hasRoomAbove(remembered)) return [];
      const isOfMember = heartbeats.isOfMember(from);
      const isHeard = isOfMember ||
        this.#untilHeard === 0 && remembered <= heartbeats.furthestStart;
      if (!isHeard) return [];
      const next = heartbeats.refute(remembered);
      if (!this.#own.has(next)) {
        this.#own.add(next);
        const [oldest] = this.#own;
        if (this.#own.size > OWN_COUNT) this.#own.delete(oldest!);
        if (!isOfMember) this.#untilHeard = WORDS_PAUSE;
        this.#noteStep();
      }
      if (isOwn || !isOfMember) return [];
      const aheadMs = remembered - incarnation;
      if (aheadMs < -NEAR_BEFORE_MS || aheadMs > NEAR_AHEAD_MS) {
        this.#afar.add(from);
        if (this.#afar.size < neededOf(memberCount())) return [];
      }
      this.#former = remembered;
      remembers();
      return [];
    });
  }

  /** Tells the peers that can be reached and have not learnt it yet which other run of theirs we remember. */
  tell(): void {
    if (this.#untilHeard > 0) this.#untilHeard--;
    if (this.#untilNoted > 0 && --this.#untilNoted === 0) this.#noteStep();
    for (const [peer, incarnation] of this.#heartbeats.otherSelves) {
      if (this.#underWay.has(peer) || !this.#rpc.isUp(peer)) continue;
      this.#underWay.add(peer);
      this.#rpc.ask([peer], METHODS.refute, [incarnation], TIMEOUT_MS, (_peer, reply) => {
        this.#underWay.delete(peer);
        if (!(reply instanceof DenamoError)) this.#heartbeats.hasLearnt(peer, incarnation);
      });
    }
  }

  #noteStep(): void {
    this.#untilNoted = 0;
    this.#note().catch(() => this.#untilNoted = WORDS_PAUSE);
  }
}

/** A majority of all members, or all that there are beside this node. */
function neededOf(memberCount: number): number {
  return Math.max(1, Math.min(Math.floor(memberCount / 2) + 1, memberCount - 1));
}
