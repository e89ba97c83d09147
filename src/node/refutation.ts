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

  /**
   * @param refuted told that this node speaks as a later run from now on, and whether a peer remembers a run from before
   * this one that our disk does not know of
   */
  constructor(
    heartbeats: Heartbeats,
    rpc: Rpc,
    { former, incarnation }: Incarnations,
    refuted: (isFormerUnknown: boolean) => void,
  ) {
    this.#heartbeats = heartbeats;
    this.#rpc = rpc;
    this.#former = former;
    this.#own = new Set([incarnation]);
    rpc.serve(METHODS.refute, (request, from) => {
      const args = new Arguments(request.arguments, "refute");
      const remembered = args.count(INCARNATION_MAX);
      const isOwn = this.#own.has(remembered);
      if (!isOwn && remembered <= this.#former) return [];
      // Those who remember a number that cannot be gone above give it up themselves.
      if (!hasRoomAbove(remembered)) return [];
      const isOfMember = heartbeats.isOfMember(from);
      if (!isOfMember && remembered > heartbeats.furthestStart) return [];
      const incarnation = heartbeats.refute(remembered);
      const isUnknown = isOfMember && !isOwn;
      if (!isUnknown && this.#own.has(incarnation)) return [];
      if (isUnknown) this.#former = remembered;
      this.#own.add(incarnation);
      const [oldest] = this.#own;
      if (this.#own.size > OWN_COUNT) this.#own.delete(oldest!);
      refuted(isUnknown);
      return [];
    });
  }

  /** Tells the peers that can be reached and have not learnt it yet which other run of theirs we remember. */
  tell(): void {
    for (const [peer, incarnation] of this.#heartbeats.otherSelves) {
      if (this.#underWay.has(peer) || !this.#rpc.isUp(peer)) continue;
      this.#underWay.add(peer);
      this.#rpc.ask([peer], METHODS.refute, [incarnation], TIMEOUT_MS, (_peer, reply) => {
        this.#underWay.delete(peer);
        if (!(reply instanceof DenamoError)) this.#heartbeats.hasLearnt(peer, incarnation);
      });
    }
  }
}
