// Keeps connections to chosen peers: dials, and dials again after every loss.
//
// libp2p gives up after five times, and only knows peers by their ids. We never give up, and a target may be
// a bare address: whoever answers there is the peer, today this one and after a disk was lost another.
// The pause doubles from one failure to the next and is shortened by chance, lest a cluster
// dial in step; a peer that refused us is asked again slowly at once.
//
// The addresses of a named peer are what it says of itself. Until it was met there it may have named anybody, and all
// who believe it would call. So a peer that was never met is called ever more seldom, few such are called at
// a time or known at all, and an address that did not lead to one of them is left alone for as long by the
// others, under whatever name it comes.

import type { Clock, Timer } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { PeerId } from "../ports/network.ts";
import { type Random, randomBelow } from "../ports/random.ts";
import { messageOf } from "../wire/errors.ts";
import { placeOf } from "./addresses.ts";

/** Between the first failure and the second attempt, in milliseconds. */
export const FIRST_PAUSE_MS = 200;

/** The longest pause between two attempts, in milliseconds. */
export const LONGEST_PAUSE_MS = 5_000;

/** The longest for a peer that was never met, in milliseconds. */
export const LONGEST_PAUSE_UNMET_MS = 30_000;

/** The longest for an address at which we answer ourselves, in milliseconds. */
export const LONGEST_PAUSE_OWN_MS = 30_000;

/** How many peers that were never met are called at a time, and known. */
export const UNMET_DIALS_MAX = 16;
export const UNMET_TARGETS_MAX = 1_024;

/** How many addresses that led to nobody are remembered. */
const DEAD_ADDRESSES_MAX = 1_024;

/** How long an open connection may take to become a link, in milliseconds. */
const SETTLE_MS = 10_000;

/** What became of one attempt: who answered, or that we answered ourselves. */
export type Dialled = PeerId | "self";

export interface RedialOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Opens a connection, or finds one that is open. Rejects if nobody answers. */
  readonly dial: (addresses: readonly string[], peer: PeerId | undefined) => Promise<Dialled>;
  /** Whether the link to this peer is up. */
  readonly isUp: (peer: PeerId) => boolean;
}

interface Target {
  readonly key: string;
  addresses: readonly string[];
  /** True if the target was given by its peer id: then only that peer will do. */
  readonly isNamed: boolean;
  peer: PeerId | undefined;
  pauseMs: number;
  timer: Timer | undefined;
  isDialling: boolean;
  /** Whether a link to it was up since it is a target. */
  wasMet: boolean;
  /** How often in a row it could not be reached; the log hears of the first time only. */
  failures: number;
}

export class Redial {
  readonly #options: RedialOptions;
  readonly #targets = new Map<string, Target>();
  /** Addresses that led to none of the peers that were never met, by whom they were tried, and until when they rest. */
  readonly #resting = new Map<string, { readonly key: string; readonly untilMs: number }>();
  #unmetDials = 0;
  #isRunning = false;

  constructor(options: RedialOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isRunning = true;
    for (const target of this.#targets.values()) this.#schedule(target, 0);
  }

  /** Ends all attempts; one that is under way finds nobody who listens. */
  stop(): void {
    this.#isRunning = false;
    for (const target of this.#targets.values()) target.timer?.cancel();
    this.#targets.clear();
  }

  /** Adds a target, or gives new addresses to the one that is there. */
  keep(addresses: readonly string[], peer: PeerId | undefined): void {
    const key = peer ?? addresses.join(" ");
    const known = this.#targets.get(key);
    if (known !== undefined) {
      if (known.addresses.join(" ") === addresses.join(" ")) return;
      known.addresses = [...addresses];
      // Whoever was never met may name another address with every breath.
      const isUrgent = !isUnmet(known) && !known.isDialling && known.failures > 0;
      if (isUrgent) this.#schedule(known, FIRST_PAUSE_MS);
      return;
    }
    if (peer !== undefined && !this.#hasRoom()) return;
    const target: Target = {
      key,
      addresses: [...addresses],
      isNamed: peer !== undefined,
      peer,
      pauseMs: FIRST_PAUSE_MS,
      timer: undefined,
      isDialling: false,
      wasMet: false,
      failures: 0,
    };
    this.#targets.set(key, target);
    if (this.#isRunning) this.#schedule(target, 0);
  }

  /**
   * Drops the target of this peer. A bare address at which it answered stays a target: it may be another that answers
   * there now, or this one again once it is let in.
   */
  forget(peer: PeerId): void {
    for (const target of this.#of(peer)) {
      if (target.isNamed) {
        this.#drop(target);
        continue;
      }
      target.peer = undefined;
      if (this.#isRunning) this.#schedule(target, LONGEST_PAUSE_MS);
    }
  }

  peerUp(peer: PeerId): void {
    for (const target of this.#of(peer)) {
      target.timer?.cancel();
      target.pauseMs = FIRST_PAUSE_MS;
      target.failures = 0;
      target.wasMet = true;
    }
  }

  /** A link to this peer has ended, whether or not it had been up. */
  linkEnded(peer: PeerId, reason: string): void {
    if (this.#options.isUp(peer)) return;
    for (const target of this.#of(peer)) if (!target.isDialling) this.#failed(target, reason);
  }

  /** The peer has refused us: it will hardly have changed its mind at once. */
  refused(peer: PeerId): void {
    for (const target of this.#of(peer)) target.pauseMs = LONGEST_PAUSE_MS;
  }

  #of(peer: PeerId): Target[] {
    return [...this.#targets.values()].filter((target) => target.peer === peer);
  }

  #drop(target: Target): void {
    target.timer?.cancel();
    this.#targets.delete(target.key);
  }

  #isCurrent(target: Target): boolean {
    return this.#isRunning && this.#targets.get(target.key) === target;
  }

  #schedule(target: Target, pauseMs: number): void {
    const waitMs = this.#isCoveredByName(target) ? LONGEST_PAUSE_MS : pauseMs;
    target.timer?.cancel();
    target.timer = this.#options.clock.after(this.#shortened(waitMs), () => {
      this.#attempt(target).catch((error) => this.#failed(target, messageOf(error)));
    });
  }

  async #attempt(target: Target): Promise<void> {
    if (!this.#isCurrent(target) || target.isDialling) return;
    if (target.peer !== undefined && this.#options.isUp(target.peer)) return;
    const isStranger = isUnmet(target);
    if (isStranger && this.#unmetDials >= UNMET_DIALS_MAX) {
      return this.#schedule(target, FIRST_PAUSE_MS);
    }
    const addresses = isStranger ? this.#awake(target) : target.addresses;
    if (addresses.length === 0) return this.#failed(target, "Nobody answered there a while ago");
    target.isDialling = true;
    if (isStranger) this.#unmetDials++;
    let dialled: Dialled;
    try {
      dialled = await this.#options.dial(addresses, target.isNamed ? target.peer : undefined);
    } catch (error) {
      if (isStranger) this.#rest(target, addresses);
      throw error;
    } finally {
      target.isDialling = false;
      if (isStranger) this.#unmetDials--;
    }
    if (!this.#isCurrent(target)) return;
    if (dialled === "self") {
      this.#options.log.debug("An address to join is our own", { addresses: target.addresses });
      // Not for ever perhaps: a name, or a number that is handed on, may mean another machine in a while.
      this.#schedule(target, target.pauseMs);
      target.pauseMs = Math.min(target.pauseMs * 2, LONGEST_PAUSE_OWN_MS);
      return;
    }
    target.peer = dialled;
    if (this.#options.isUp(dialled)) return this.peerUp(dialled);
    // The link is greeting; should it neither come up nor end, we try again.
    this.#schedule(target, SETTLE_MS);
  }

  /** A bare address whose peer is also kept by name is tried seldom: only another peer may have come there. */
  #isCoveredByName(target: Target): boolean {
    return !target.isNamed && target.peer !== undefined && this.#targets.has(target.peer);
  }

  #failed(target: Target, reason: string): void {
    if (!this.#isCurrent(target)) return;
    target.failures++;
    const fields = { addresses: target.addresses, peer: target.peer, reason };
    if (target.failures === 1) this.#options.log.info("A peer cannot be reached", fields);
    else this.#options.log.debug("A peer still cannot be reached", fields);
    this.#schedule(target, target.pauseMs);
    const longestMs = isUnmet(target) ? LONGEST_PAUSE_UNMET_MS : LONGEST_PAUSE_MS;
    target.pauseMs = Math.min(target.pauseMs * 2, longestMs);
  }

  /** Whether another peer may be taken that was never met: the one that failed most often makes way. */
  #hasRoom(): boolean {
    const unmet = [...this.#targets.values()].filter(isUnmet);
    if (unmet.length < UNMET_TARGETS_MAX) return true;
    const [worst] = unmet.filter(({ isDialling }) => !isDialling)
      .sort((a, b) => b.failures - a.failures);
    if (worst === undefined || worst.failures === 0) return false;
    this.#drop(worst);
    return true;
  }

  /** The addresses of a target, without those that have just failed another one. */
  #awake({ addresses, key }: Target): readonly string[] {
    const nowMs = this.#options.clock.monotonic();
    return addresses.filter((address) => {
      const resting = this.#resting.get(placeOf(address));
      return resting === undefined || resting.key === key || resting.untilMs <= nowMs;
    });
  }

  #rest({ key, pauseMs }: Target, addresses: readonly string[]): void {
    const untilMs = this.#options.clock.monotonic() + Math.max(pauseMs, LONGEST_PAUSE_MS);
    for (const address of addresses) {
      const place = placeOf(address);
      this.#resting.delete(place);
      if (this.#resting.size >= DEAD_ADDRESSES_MAX) {
        const [oldest] = this.#resting.keys();
        this.#resting.delete(oldest!);
      }
      this.#resting.set(place, { key, untilMs });
    }
  }

  /** Between three quarters and the whole of a pause. */
  #shortened(pauseMs: number): number {
    return pauseMs - randomBelow(this.#options.random, Math.floor(pauseMs / 4) + 1);
  }
}

/** A bare address was given by who runs the node; a peer by its id has said itself where it is. */
function isUnmet({ isNamed, wasMet }: Target): boolean {
  return isNamed && !wasMet;
}
