// Who says that this node was left behind, and when that is enough to believe it.
//
// To believe it is to empty this node's copies. Floors are raised without a member only after all others have promised
// to leave it out, and each of those refuses it from then on. So if it is true, all members that can be asked
// say so, and it counts only once a majority of all members of the layout have said it in this run, each known by
// the peer id that this disk remembers of it. Until then the node waits and tells its operator.
//
// A disk without a layout has no copies. Then one word is enough, since nothing is emptied.

import type { HybridTime } from "../causality/dot.ts";
import type { Log } from "../ports/log.ts";
import type { PeerId } from "../ports/network.ts";
import type { Floors } from "../replica/floors.ts";

export interface LeftBehindVoicesOptions {
  readonly floors: Pick<Floors, "emptied" | "haveEmptied" | "miss">;
  readonly log: Log;
  /** The members of the layout that this node's disk has. */
  readonly members: () => ReadonlySet<string> | undefined;
  /** The member that this peer was last known as. */
  readonly nodeOf: (peer: PeerId) => string | undefined;
  /** Whether the peer that bears the name of a member at present has let this node in. */
  readonly isConnected: (node: string) => boolean;
  /** The latest time that the clocks of the cluster can have come to. */
  readonly latest: () => HybridTime;
  /** Told once the disk knows that this node must start again with empty copies. */
  readonly startAnew: () => void;
}

/** So many strangers are told to the operator. */
const STRANGERS_COUNT = 64;

export class LeftBehindVoices {
  readonly #options: LeftBehindVoicesOptions;
  /** By member, up to when it says that this node has missed floors. */
  readonly #voices = new Map<string, HybridTime>();
  /** Others who say so and do not count. */
  readonly #strangers = new Set<PeerId>();

  constructor(options: LeftBehindVoicesOptions) {
    this.#options = options;
  }

  /** A peer says that floors were raised up to this time without us. Rejects if the disk cannot note what follows. */
  async hear(peer: PeerId, upTo: HybridTime): Promise<void> {
    const { floors, latest, members, nodeOf, startAnew } = this.#options;
    if (upTo <= floors.emptied || upTo > latest()) return;
    const all = members();
    if (all === undefined) {
      if (await floors.miss(upTo)) await floors.haveEmptied();
      return;
    }
    const node = nodeOf(peer);
    if (node === undefined || !all.has(node)) return this.#passOver(peer);
    const isNews = this.#voices.get(node) !== upTo;
    this.#voices.set(node, upTo);
    const voices = this.#counted();
    if (voices.length >= neededOf(all)) {
      if (await floors.miss(Math.max(...voices.map(([, upTo]) => upTo)))) startAnew();
    } else if (isNews) {
      this.#options.log.warn("A member says that this node was left behind, which is not enough", {
        node,
        said: voices.length,
        needed: neededOf(all),
      });
    }
  }

  /** A peer has let this node in. */
  admittedBy(peer: PeerId): void {
    const node = this.#options.nodeOf(peer);
    if (node !== undefined) this.#voices.delete(node);
  }

  /** What members say that have not let this node in meanwhile, under whatever peer ids. */
  #counted(): [node: string, upTo: HybridTime][] {
    return [...this.#voices].filter(([node]) => !this.#options.isConnected(node));
  }

  #passOver(peer: PeerId): void {
    if (this.#strangers.has(peer) || this.#strangers.size >= STRANGERS_COUNT) return;
    this.#strangers.add(peer);
    const message =
      "A peer that is no member we know says that this node was left behind: it does not count";
    this.#options.log.warn(message, { peer });
  }

  /** A sentence for the operator if any member says so. */
  get problem(): string | undefined {
    const all = this.#options.members();
    const names = this.#counted().map(([node]) => node).sort().join(", ");
    if (names === "" || all === undefined) return undefined;
    return `Left behind as ${names} says: the node waits until ${
      neededOf(all)
    } members do, and then ` +
      "takes all its copies from them. If they cannot be reached, start it with an empty data directory";
  }
}

/** A majority of all members. */
function neededOf(members: ReadonlySet<string>): number {
  return Math.floor(members.size / 2) + 1;
}
