// Another process that speaks under our name.
//
// Two processes were started with one name, on the two sides of a cut perhaps, and one of them must yield. But
// anybody can publish a heartbeat under any name, so hearing of a rival means nothing. The members of the layout
// are asked: have they let it in under this name, and does it answer them? And the same of us. The one that fewer
// of them have yields, the later one if they are divided equally; and only if it is so a second time.

import type { Clock } from "../ports/clock.ts";
import type { PeerId } from "../ports/network.ts";
import type { MemberTable } from "../membership/member_table.ts";
import { DenamoError } from "../wire/errors.ts";
import { METHODS } from "../wire/message_codec.ts";
import type { Rpc } from "../wire/rpc.ts";

/** How long the members may take to tell, in milliseconds: they ask the rival in turn. */
const ASKING_MS = 1_500;

/** Between two rounds of asking at the least, in milliseconds. */
const PAUSE_MS = 2_000;

/** For so long the first round counts, in milliseconds. */
const FRESH_MS = 30_000;

export interface RivalsOptions {
  readonly clock: Clock;
  readonly rpc: Rpc;
  readonly table: Pick<MemberTable, "node" | "peerId" | "upMembers">;
  /** Called when this node must leave its name to the rival, with the reason. */
  readonly yieldTo: (reason: string) => void;
}

export class Rivals {
  readonly #options: RivalsOptions;
  #isAsking = false;
  #askedAtMs = -Infinity;
  /** The rival that was found to be in the right once, and when. */
  #found: { readonly peer: PeerId; readonly atMs: number } | undefined;

  constructor(options: RivalsOptions) {
    this.#options = options;
  }

  /** A peer that says to have begun before us was heard under our name. */
  heard(rival: PeerId): void {
    const nowMs = this.#options.clock.monotonic();
    if (this.#isAsking || nowMs - this.#askedAtMs < PAUSE_MS) return;
    this.#isAsking = true;
    this.#askedAtMs = nowMs;
    void this.#ask(rival).finally(() => this.#isAsking = false);
  }

  async #ask(rival: PeerId): Promise<void> {
    const { clock, rpc, table, yieldTo } = this.#options;
    const voters = table.upMembers().map(({ peerId }) => peerId)
      .filter((peer) => peer !== rival && rpc.isUp(peer));
    const [theirs, ours] = await Promise.all([
      this.#votes(voters, rival),
      this.#votes(voters, table.peerId),
    ]);
    if (theirs === 0 || theirs < ours) {
      this.#found = undefined;
      return;
    }
    const nowMs = clock.monotonic();
    const { peer, atMs } = this.#found ?? {};
    if (peer === rival && nowMs - atMs! < FRESH_MS) {
      return yieldTo(`The name "${table.node}" is in use by live peer ${rival}`);
    }
    this.#found = { peer: rival, atMs: nowMs };
  }

  /** How many of the voters know this peer by our name and have an answer of it. */
  #votes(voters: readonly PeerId[], peer: PeerId): Promise<number> {
    const { rpc, table } = this.#options;
    let openCount = voters.length;
    let votes = 0;
    if (openCount === 0) return Promise.resolve(0);
    return new Promise((resolve) => {
      rpc.ask(voters, METHODS.probeFor, [peer, table.node], ASKING_MS, (_voter, reply) => {
        if (!(reply instanceof DenamoError) && reply[0] === true) votes++;
        if (--openCount === 0) resolve(votes);
      });
    });
  }
}
