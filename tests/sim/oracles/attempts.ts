// What a client has tried, as the oracles of values that merge see it.

/** One request that should change something. */
export interface Tried {
  readonly outcome: "ok" | "no" | "unknown";
  readonly invokedAtMs: number;
  readonly endedAtMs: number;
}

export function isOk({ outcome }: Tried): boolean {
  return outcome === "ok";
}

/** Whether it may have taken effect, or may still. */
export function mayHaveHappened({ outcome }: Tried): boolean {
  return outcome !== "no";
}

/** Whether an attempt had certainly taken effect before another began. */
export function isBefore(attempt: Tried, other: Tried): boolean {
  return isOk(attempt) && attempt.endedAtMs < other.invokedAtMs;
}
