// What makes no sense: counted by sender and kind, told to the operator, and hardly ever a reason to cut somebody off.
//
// A peer whose message cannot be read is seldom an enemy. It is of another version, a bit of its memory has flipped, or
// it passes on what it got from somebody else; and in between it sends ten thousand messages that are right. A
// connection that is cut takes all of those along. So nonsense is answered with an error, or passed over, and
// only a peer that sends nothing else is cut off. What a message carries for somebody else, such as an object,
// is counted and never held against the messenger.

import { MalformedError } from "../base/malformed.ts";
import type { Log } from "../ports/log.ts";
import type { PeerId } from "../ports/network.ts";

/** So many messages of one peer without sense, and not one with sense between them, end its connection. */
export const NONSENSE_IN_A_ROW = 100;

/** Of one peer the log speaks no more often than this, in milliseconds. */
const LOG_EVERY_MS = 60_000;

/** So many peers are told apart; the figures of all others are added up. Strangers can make up ids. */
const PEERS_TOLD_APART = 64;
const OTHERS = "others";

/** That what a message carries makes no sense; the message itself does. */
export class CarriedNonsense extends Error {
  override readonly name = "CarriedNonsense";
}

/** Reads what a message carries. @throws {CarriedNonsense} if that makes no sense */
export function readCarried<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedError) throw new CarriedNonsense(error.message);
    throw error;
  }
}

/** How often one peer has sent nonsense of one kind, since the start. */
export interface NonsenseCount {
  readonly peer: PeerId;
  /** The name of a method, its answer, or what could not be read at all. */
  readonly kind: string;
  readonly count: number;
}

interface Sender {
  /** By kind. */
  readonly counts: Map<string, number>;
  loggedAtMs: number;
  /** Since the log last spoke of it. */
  unlogged: number;
}

export class Nonsense {
  readonly #log: Log;
  readonly #senders = new Map<PeerId, Sender>();
  /** By peer, how much nonsense has come since it last sent something with sense. */
  readonly #inARow = new Map<PeerId, number>();

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * A message made no sense.
   *
   * @param kind one of few: every kind of every peer has a counter
   * @param isCarried whether only what it carries for somebody else made none
   * @returns whether its sender is to be cut off
   */
  note(peer: PeerId, kind: string, problem: string, nowMs: number, isCarried = false): boolean {
    const sender = this.#senderOf(peer);
    sender.counts.set(kind, (sender.counts.get(kind) ?? 0) + 1);
    sender.unlogged++;
    if (nowMs - sender.loggedAtMs >= LOG_EVERY_MS) {
      this.#log.warn("A peer has sent what makes no sense", {
        peer,
        kind,
        problem,
        messages: sender.unlogged,
      });
      sender.loggedAtMs = nowMs;
      sender.unlogged = 0;
    }
    if (isCarried) return false;
    const inARow = (this.#inARow.get(peer) ?? 0) + 1;
    this.#inARow.set(peer, inARow);
    return inARow >= NONSENSE_IN_A_ROW;
  }

  /** A message of this peer made sense. Cheap enough for every message. */
  madeSense(peer: PeerId): void {
    if (this.#inARow.size > 0) this.#inARow.delete(peer);
  }

  /** A connection has ended: what comes over the next one is judged anew. */
  forget(peer: PeerId): void {
    this.#inARow.delete(peer);
  }

  counts(): NonsenseCount[] {
    return [...this.#senders].flatMap(([peer, { counts }]) => {
      return [...counts].map(([kind, count]) => ({ peer, kind, count }));
    });
  }

  #senderOf(peer: PeerId): Sender {
    const known = this.#senders.get(peer);
    if (known !== undefined) return known;
    const name = this.#senders.size < PEERS_TOLD_APART ? peer : OTHERS;
    const sender = this.#senders.get(name) ??
      { counts: new Map(), loggedAtMs: -Infinity, unlogged: 0 };
    this.#senders.set(name, sender);
    return sender;
  }
}
