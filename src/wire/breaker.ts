// The circuit breaker of one peer: whether requests should wait for it.
//
// Failure detection takes seconds, and a process that is stopped takes its requests along until their
// deadlines. So while requests are open, the peer is looked at every 100 ms. A look that finds no word from it
// since the last one is a strike and sends a small question of our own, for the requests may have reason
// to take long, but the question has none. At the third strike in a row the breaker is open: others are
// asked before this peer, and stand-ins beside it. The peer's next word closes it. While it is open the question
// is repeated after growing pauses, so no request pays for finding out that the peer is back.
//
// Answers that say the peer cannot serve anybody (its queue is full, its disk has failed) are strikes too.
//
// Source: Nygard, "Release It!" (2007), the stability pattern of this name.

/** How often a peer is looked at while it owes answers, in milliseconds. */
export const LOOK_MS = 100;

const STRIKES = 3;
/** Looks between two questions while open: at first, and at most. */
const FIRST_PAUSE = 5;
const LONGEST_PAUSE = 20;

/** What a look finds to be done. */
export type Look = "nothing" | "ask";

export class Breaker {
  #strikes = 0;
  #hasSpoken = false;
  #pause = FIRST_PAUSE;
  #looksToWait = 0;

  /** Whether others should be asked before this peer. */
  get isOpen(): boolean {
    return this.#strikes >= STRIKES;
  }

  /** The peer has sent something that is no refusal. Cheap enough for every message. */
  spoke(): void {
    this.#hasSpoken = true;
    if (this.#strikes !== 0) {
      this.#strikes = 0;
      this.#pause = FIRST_PAUSE;
    }
  }

  /** The peer has said that it cannot serve. */
  refused(): void {
    this.#hasSpoken = true;
    this.#strike();
  }

  /** Looks whether the peer has spoken since the last look, of which it had the chance if it `owes`. */
  look(owes: boolean): Look {
    const wasSilent = !this.#hasSpoken;
    this.#hasSpoken = false;
    if (this.isOpen) {
      if (this.#looksToWait-- > 0) return "nothing";
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
      this.#looksToWait = this.#pause;
      return "ask";
    }
    if (!owes || !wasSilent) return "nothing";
    this.#strike();
    return "ask";
  }

  #strike(): void {
    this.#strikes++;
    if (this.#strikes === STRIKES) this.#looksToWait = this.#pause;
  }
}
