// What a fuzzer has sent and what came of it, in numbers that can be added up.

export class Tally {
  /** Inputs by kind. */
  readonly sent = new Map<string, number>();
  /** Answers by what they say: `ok`, or the code of an error. */
  readonly answers = new Map<string, number>();
  /** What must not be, each with the command that does it again. */
  readonly findings: string[] = [];

  get sentCount(): number {
    return sum(this.sent);
  }

  send(kind: string, count = 1): void {
    add(this.sent, kind, count);
  }

  answer(what: string, count = 1): void {
    add(this.answers, what, count);
  }

  /** Adds what another has counted. */
  join(other: TallyWords): void {
    for (const [kind, count] of other.sent) this.send(kind, count);
    for (const [what, count] of other.answers) this.answer(what, count);
    this.findings.push(...other.findings);
  }

  words(): TallyWords {
    return { sent: [...this.sent], answers: [...this.answers], findings: [...this.findings] };
  }
}

/** A tally as it goes from one thread to another. */
export interface TallyWords {
  readonly sent: readonly [string, number][];
  readonly answers: readonly [string, number][];
  readonly findings: readonly string[];
}

/** The largest first, as one line. */
export function countsText(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return sorted.map(([what, count]) => `${what} ${count}`).join(", ") || "none";
}

function add(counts: Map<string, number>, what: string, count: number): void {
  counts.set(what, (counts.get(what) ?? 0) + count);
}

function sum(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}
