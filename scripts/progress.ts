// How far a long run is: one line that is rewritten on a terminal, and elsewhere a line now and then.

import { duration } from "../src/cli/output.ts";

/** Where a run stands. */
export interface Standing {
  readonly done: number;
  readonly total: number;
  readonly failures: number;
  /** How much was simulated. */
  readonly virtualMs: number;
  readonly elapsedMs: number;
}

/** Where progress is shown. */
export interface ProgressScreen {
  readonly isTerminal: boolean;
  /** How many characters fit in a line. */
  columns(): number;
  write(text: string): void;
}

/** How often the line is rewritten, and how often one is written. */
const REWRITE_MS = 200;
const WRITE_MS = 10_000;

/** Shows where a run stands until it is stopped. */
export class Progress {
  readonly #screen: ProgressScreen;
  readonly #line: (columns?: number) => string;
  readonly #timer: ReturnType<typeof setInterval>;

  /** @param line what to show at any moment, in so many columns of a terminal */
  constructor(screen: ProgressScreen, line: (columns?: number) => string) {
    this.#screen = screen;
    this.#line = line;
    this.#timer = setInterval(() => this.#show(), screen.isTerminal ? REWRITE_MS : WRITE_MS);
  }

  /** Ends it; nothing is left of the line on a terminal. */
  stop(): void {
    clearInterval(this.#timer);
    if (this.#screen.isTerminal) this.#screen.write(`\r${ERASE}`);
  }

  #show(): void {
    const { isTerminal } = this.#screen;
    if (!isTerminal) return this.#screen.write(`${this.#line()}\n`);
    // A line that is full would break, and could not be rewritten.
    this.#screen.write(`\r${this.#line(this.#screen.columns() - 1)}${ERASE}`);
  }
}

/** One line on a run of seeds; on a terminal that is wide enough with a bar. */
export function standingLine(standing: Standing, columns?: number): string {
  const { done, total, failures, virtualMs, elapsedMs } = standing;
  const speed = elapsedMs === 0 ? 0 : virtualMs / 60_000 / (elapsedMs / 1_000);
  const left = done === 0 ? "" : `, ${duration(elapsedMs / done * (total - done))} left`;
  const text = `${done} of ${total} seeds, ${failures} failed, ${speed.toFixed(1)} min/s${left}`;
  if (columns === undefined) return text;
  const room = Math.min(LONGEST_BAR, columns - text.length - 3);
  if (room < SHORTEST_BAR) return text.slice(0, Math.max(0, columns));
  const full = total === 0 ? room : Math.floor(room * done / total);
  return `[${"#".repeat(full)}${"-".repeat(room - full)}] ${text}`;
}

const SHORTEST_BAR = 10;
const LONGEST_BAR = 30;

/** Clears the rest of a line. */
const ERASE = "\x1b[K";
