// How long a peer's answers take: the time that nineteen of twenty of them stay below.
//
// A mean says little about when waiting has become pointless, and a sample of the last hundred would have
// to be sorted. Instead the estimate walks: an answer that took longer raises it by 19 steps, any other
// lowers it by one, so that it rests where one answer in twenty is longer. A step is a share of the
// estimate itself, hence as fine for a peer at half a millisecond as for one across an ocean, and it takes
// a few dozen answers to follow when a peer becomes slower, some hundreds when it becomes faster.
//
// Accuracy: of steady answers of many shapes between 3 and 7 in a hundred are longer than the estimate, on
// average 5 (tests/wire/answer_times_test.ts).
//
// Source: Yazidi, Hammer: "Multiplicative update methods for incremental quantile estimation", IEEE
// Transactions on Cybernetics 2019.

const QUANTILE = 0.95;
/** The share of the estimate by which one long answer raises it is this times the quantile. */
const STEP = 0.05;
const LEAST_MS = 0.05;
/** Before this many answers the estimate is not worth much. */
const ENOUGH = 20;

export class AnswerTimes {
  #p95Ms = 0;
  #count = 0;

  /** Takes note of one answer. */
  learn(ms: number): void {
    if (this.#count < ENOUGH) {
      // Begins with the longest of the first few, which is a p95 of twenty.
      this.#p95Ms = Math.max(this.#p95Ms, ms, LEAST_MS);
      this.#count++;
    } else if (ms > this.#p95Ms) this.#p95Ms *= 1 + STEP * QUANTILE;
    else this.#p95Ms = Math.max(LEAST_MS, this.#p95Ms * (1 - STEP * (1 - QUANTILE)));
  }

  /** The estimate in milliseconds; undefined before there are enough answers. */
  get p95Ms(): number | undefined {
    return this.#count < ENOUGH ? undefined : this.#p95Ms;
  }
}
