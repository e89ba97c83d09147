// Refusals, and when they mean that this node must not go on.
//
// A refusal is a bare word, and whoever calls us can say it. So a word counts only from a peer that we have called
// ourselves, and what it takes depends on what there is to lose. A node that belongs to no layout has come to the
// wrong place if those whom it was told to join refuse it for some seconds and nobody has ever let it in. A member of
// a layout holds data: it gives up only when most of the other members have said the same to it, twice. Its
// name it never gives up for: the process that has it may be anybody, and may end, so the node waits. Nor for
// another layout: which of the two is to stay only the operator knows.
//
// That another process has our identity is proven by a connection to it, for only our own key opens that.

import type { Clock } from "../ports/clock.ts";
import type { PeerId, Refusal } from "../ports/network.ts";
import { OTHER_LAYOUT } from "./other_layouts.ts";

/** How long a node that only ever met refusals goes on before it gives up, in milliseconds. */
export const REFUSED_FOR_MS = 10_000;

/** What is said again after so long is meant, and so long after that it is no longer. */
const AGAIN_MS = 2_000;
const FRESH_MS = 30_000;

/** How many refusers are remembered. */
const REFUSER_LIMIT = 1_024;

/** Who has refused us. */
export interface RefusedBy {
  readonly peer: PeerId;
  /** The name that it bears, if it has greeted. */
  readonly name: string | undefined;
  readonly isDialled: boolean;
}

export interface RefusalsOptions {
  readonly clock: Clock;
  /** Our own peer id and name. */
  readonly self: PeerId;
  readonly node: string;
  /** Whether this node was told whom to join; one that was not is nowhere wrong. */
  readonly hasJoined: boolean;
  readonly layoutMembers: () => ReadonlySet<string> | undefined;
}

interface Said {
  readonly code: string;
  readonly firstMs: number;
  lastMs: number;
  refusal: Refusal;
}

export class Refusals {
  readonly #options: RefusalsOptions;
  readonly #saidBy = new Map<string, Said>();
  /** The peers that have let us in at present. */
  readonly #admitted = new Set<PeerId>();
  #wasAdmitted = false;
  #firstMs: number | undefined;

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  /** A peer has let us in. */
  admittedBy(peer: PeerId): void {
    this.#wasAdmitted = true;
    this.#firstMs = undefined;
    this.#admitted.add(peer);
  }

  /** The connection to a peer has ended. */
  endedBy(peer: PeerId): void {
    this.#admitted.delete(peer);
  }

  /** Why nobody lets this node in, if that is so and was said a moment ago. */
  get problem(): string | undefined {
    if (this.#admitted.size > 0) return undefined;
    const nowMs = this.#options.clock.monotonic();
    for (const { lastMs, refusal } of this.#saidBy.values()) {
      if (nowMs - lastMs < FRESH_MS) return refusal.message;
    }
    return undefined;
  }

  /** Takes note of a refusal; returns why this node must give up, if it must. */
  add(by: RefusedBy, refusal: Refusal): string | undefined {
    const { clock, hasJoined, self } = this.#options;
    if (!by.isDialled) return undefined;
    const nowMs = clock.monotonic();
    const said = this.#note(by, refusal, nowMs);
    if (by.peer === self) return isRepeated(said, nowMs) ? refusal.message : undefined;
    const others = this.#otherMembers();
    if (others !== undefined) return this.#agreed(others, refusal, nowMs);
    this.#firstMs ??= nowMs;
    const mayHaveMoved = this.#wasAdmitted && refusal.code !== "identity_in_use";
    if (!hasJoined || mayHaveMoved || this.#admitted.size > 0) return undefined;
    if (nowMs - this.#firstMs < REFUSED_FOR_MS) return undefined;
    const advice = refusal.code === "name_in_use"
      ? ". Each node has a name of its own: start this one with another --name"
      : "";
    return `Refused by ${by.name ?? by.peer}: ${refusal.message}${advice}`;
  }

  /** The other members of the layout that this node belongs to, if it does. */
  #otherMembers(): ReadonlySet<string> | undefined {
    const { layoutMembers, node } = this.#options;
    const members = layoutMembers();
    if (members === undefined || !members.has(node)) return undefined;
    return new Set([...members].filter((member) => member !== node));
  }

  #note({ name, peer }: RefusedBy, refusal: Refusal, nowMs: number): Said {
    const key = peer === this.#options.self ? SELF : name === undefined ? `${peer}` : nameKey(name);
    const before = this.#saidBy.get(key);
    if (before !== undefined && before.code === refusal.code && nowMs - before.lastMs < FRESH_MS) {
      before.lastMs = nowMs;
      before.refusal = refusal;
      return before;
    }
    if (this.#saidBy.size >= REFUSER_LIMIT) this.#saidBy.clear();
    const said = { code: refusal.code, firstMs: nowMs, lastMs: nowMs, refusal };
    this.#saidBy.set(key, said);
    return said;
  }

  /** What most of the other members say, twice each, if it is something to give up for. */
  #agreed(others: ReadonlySet<string>, refusal: Refusal, nowMs: number): string | undefined {
    if (refusal.code === "name_in_use" || refusal.code === OTHER_LAYOUT) return undefined;
    const names = [...others].filter((name) => {
      const said = this.#saidBy.get(nameKey(name));
      return said !== undefined && said.code === refusal.code && isRepeated(said, nowMs);
    });
    if (names.length * 2 <= others.size) return undefined;
    return `Refused by ${names.sort().join(", ")}: ${refusal.message}`;
  }
}

const SELF = "our own identity";

function nameKey(name: string): string {
  return `node ${name}`;
}

function isRepeated({ firstMs, lastMs }: Said, nowMs: number): boolean {
  return lastMs - firstMs >= AGAIN_MS && nowMs - lastMs < FRESH_MS;
}
