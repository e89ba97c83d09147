// Telling a node that others have known a later self of it.
//
// Incarnations are taken from the clock, so that a node whose disk was lost or put back still comes after its
// earlier runs. Only a clock that was ahead then and is right now breaks that: the node returns with a lower
// incarnation than the others remember, and all that it says counts as old. Whoever has admitted such a
// node tells it the incarnation that it remembers; the node goes above it and is heard again.
//
// The same word tells a node that its disk is not the one it had: if a peer remembers a run later than the last
// one that the disk knows of, then the disk is empty, or an old copy was put back.
//
// Source: Das et al., "SWIM" (2002), section 4.2, where a member refutes what is said of it in this way.

import type { Heartbeats } from "../membership/heartbeats.ts";
import type { PeerId } from "../ports/network.ts";
import { Arguments } from "../wire/arguments.ts";
import { METHODS } from "../wire/message_codec.ts";
import type { Rpc } from "../wire/rpc.ts";

/** Nobody waits for the answer; a node that missed the word is told again over its next connection. */
const TIMEOUT_MS = 5_000;

export class Refutation {
  readonly #heartbeats: Heartbeats;
  readonly #rpc: Rpc;

  /** @param remembers told every incarnation of ours that a peer remembers from before this run */
  constructor(heartbeats: Heartbeats, rpc: Rpc, remembers: (incarnation: number) => void) {
    this.#heartbeats = heartbeats;
    this.#rpc = rpc;
    rpc.serve(METHODS.refute, (request) => {
      const args = new Arguments(request.arguments, "refute");
      const incarnation = args.count(Number.MAX_SAFE_INTEGER - 1);
      heartbeats.refute(incarnation);
      remembers(incarnation);
      return [];
    });
  }

  /** A connection is open to a peer that has shown itself just before. */
  peerUp(peer: PeerId): void {
    const incarnation = this.#heartbeats.otherSelfOf(peer);
    if (incarnation === undefined) return;
    this.#rpc.ask([peer], METHODS.refute, [incarnation], TIMEOUT_MS, () => {});
  }
}
