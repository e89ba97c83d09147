// Whether the fault may be our own.
//
// A node whose network card has died hears nobody, and to it the whole cluster looks dead. That most others
// die at the same moment is rarer by far. So when more than half of the members that counted as alive have
// fallen silent together, we doubt ourselves before we doubt them: nobody is called down on our word
// alone while the doubt lasts. But it happens that most are dead: of three nodes two share a rack. Nothing
// that we could still hear would ever tell us so, and therefore the doubt ends after ten intervals.
//
// One silent member is no crowd: in a cluster of two the other one is condemned without a doubt, since
// otherwise each death there would take that long to be noticed.
//
// Source: Dadgar, Phillips, Currey: "Lifeguard: local health awareness for more accurate failure
// detection", DSN-W 2018, section 3, of whose idea this is the simplest form.

/** For so many intervals of heartbeats we doubt ourselves at most. */
export const DOUBT_INTERVALS = 10;

/** So many silent members are named at most. */
const MOST_NAMED = 5;

/** What is counted of the members that are not down. */
export interface Hush {
  readonly alive: number;
  /** Those of them that are silent, by name. */
  readonly silent: readonly string[];
  readonly intervalMs: number;
}

/** Remembers since when most members are silent. Times never go back. */
export class SelfDoubt {
  #sinceMs: number | undefined;
  #silent: readonly string[] = [];
  #isDoubting = false;

  /** Takes note of who is silent at `atMs`. */
  update({ alive, intervalMs, silent }: Hush, atMs: number): void {
    if (silent.length < 2 || silent.length * 2 <= alive) {
      this.#sinceMs = undefined;
      this.#isDoubting = false;
      return;
    }
    this.#silent = silent;
    this.#sinceMs ??= atMs;
    this.#isDoubting = atMs - this.#sinceMs < intervalMs * DOUBT_INTERVALS;
  }

  get isDoubting(): boolean {
    return this.#isDoubting;
  }

  /** A phrase for the operator while the doubt lasts. */
  get reason(): string | undefined {
    if (!this.#isDoubting) return undefined;
    const names = [...this.#silent].sort();
    const others = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} others` : "";
    const named = names.slice(0, MOST_NAMED).join(", ");
    return `this node hears nothing of ${named}${others} and may be cut off itself`;
  }
}
