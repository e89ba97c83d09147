// The story of a seed: its trace without the noise, one event a line.
//
// Four lines of five in a trace are messages between nodes, and they say how long a message was. What is
// left is what clients did, what went wrong, what nodes logged, and which dots were drawn and committed.

/** How much of a failure is shown. */
const SHOWN_EVENTS = 50;
const SHOWN_FIRST = 15;
const SHOWN_LATER = 25;

/** One line of a trace for a reader; undefined if it is noise. */
export function storyLine(line: string): string | undefined {
  const { atMs, what } = partsOf(line);
  if (isMessage(what)) return undefined;
  const time = (atMs / 1_000).toFixed(3).padStart(9);
  const [, verb, id, client, node, request, end = ""] = REQUEST.exec(what) ?? [];
  if (verb === "begins") return `${time}  ${client!.padEnd(WHO)}${id} ${request} at ${node}`;
  if (verb === "ends") return `${time}  ${client!.padEnd(WHO)}${id} ${request}: ${end.trim()}`;
  const [, who, did] = /^(n\d+) (.*)$/s.exec(what) ?? [];
  if (who !== undefined) return `${time}  ${who.padEnd(WHO)}${did}`;
  return `${time}  ${"*".padEnd(WHO)}${what}`;
}

/** What leads to the first violation of a run, from all the lines of its trace. */
export class Story {
  readonly #last: string[] = [];
  readonly #first: string[] = [];
  readonly #later: string[] = [];
  readonly #named: RegExp | undefined;
  readonly #violation: string | undefined;
  #isOver = false;

  /** @param violation the first of the run */
  constructor(violation: string | undefined) {
    this.#violation = violation;
    const names = violation?.match(REQUEST_OR_VALUE) ?? [];
    if (names.length === 0) return;
    const either = [...new Set(names)].map((name) => name.replace(".", "\\.")).join("|");
    this.#named = new RegExp(`(?<![\\w.])(?:${either})(?![\\w.])`);
  }

  /** Takes one line of the trace. */
  add(line: string): void {
    if (this.#isOver) return;
    const shown = storyLine(line);
    if (shown === undefined) return;
    push(this.#last, shown, SHOWN_EVENTS);
    this.#isOver = partsOf(line).what === `VIOLATION ${this.#violation}`;
    if (this.#isOver || this.#named?.test(shown) !== true) return;
    if (this.#first.length < SHOWN_FIRST) this.#first.push(shown);
    else push(this.#later, shown, SHOWN_LATER);
  }

  /** The last events up to the violation, the oldest first. */
  lastEvents(): string[] {
    return [...this.#last];
  }

  /** The events of the requests and values that the violation names, the first and the last of them. */
  namedEvents(): string[] {
    return [...this.#first, ...this.#later];
  }
}

/** "#12", or a value such as "c1.3". */
const REQUEST_OR_VALUE = /#\d+\b|\b[a-z]+\d*\.\d+\b/g;

function push(lines: string[], line: string, kept: number): void {
  lines.push(line);
  if (lines.length > kept) lines.shift();
}

/** Who did something stands in a column of its own. */
const WHO = 6;

const REQUEST = /^(begins|ends) (#\d+) (\S+)@(\S+) (.*?) -> (.*)$/s;

function partsOf(line: string): { atMs: number; what: string } {
  const [, atMs = "0", what = line] = /^\s*([\d.]+) (.*)$/s.exec(line) ?? [];
  return { atMs: Number(atMs), what };
}

function isMessage(what: string): boolean {
  return /^\S+ > \S+ /.test(what);
}
