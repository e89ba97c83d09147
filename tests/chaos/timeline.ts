// What a load saw, second by second: how much succeeded, how long it took, and what was done to the cluster.

/** One request with its second try, if it needed one. Times are milliseconds since the load began. */
export interface Served {
  readonly kind: "read" | "write";
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly isOk: boolean;
}

/** Something that was done to a node. */
export interface Blow {
  readonly what: string;
  readonly node: string;
  readonly atMs: number;
  /** When it was taken back; Infinity while it is not. */
  untilMs: number;
}

/** One second, or one window, of a load. */
export interface Figures {
  readonly okCount: number;
  readonly failedCount: number;
  readonly okWrites: number;
  /** Percentiles of what succeeded, in milliseconds; NaN if nothing did. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export class Timeline {
  readonly served: Served[] = [];
  readonly blows: Blow[] = [];

  /** What ended from `fromMs` to before `untilMs`. */
  figures(fromMs: number, untilMs: number): Figures {
    const within = this.served.filter(({ endedAtMs }) =>
      endedAtMs >= fromMs && endedAtMs < untilMs
    );
    return figuresOf(within);
  }

  /** One row for each second. */
  seconds(): Figures[] {
    const rows: Served[][] = [];
    for (const served of this.served) {
      (rows[Math.floor(served.endedAtMs / 1_000)] ??= []).push(served);
    }
    return Array.from(rows, (row) => figuresOf(row ?? []));
  }

  /** The share of writes that succeeded; 1 if there were none. */
  writeSuccess(): number {
    const writes = this.served.filter(({ kind }) => kind === "write");
    if (writes.length === 0) return 1;
    return writes.filter(({ isOk }) => isOk).length / writes.length;
  }
}

function figuresOf(served: readonly Served[]): Figures {
  const ok = served.filter(({ isOk }) => isOk);
  const tookMs = ok.map(({ endedAtMs, startedAtMs }) => endedAtMs - startedAtMs)
    .sort((a, b) => a - b);
  return {
    okCount: ok.length,
    failedCount: served.length - ok.length,
    okWrites: ok.filter(({ kind }) => kind === "write").length,
    p50Ms: percentile(tookMs, 0.5),
    p99Ms: percentile(tookMs, 0.99),
  };
}

/** Of numbers in order; NaN of none. */
export function percentile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return NaN;
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)]!;
}
