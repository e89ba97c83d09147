// Values that merge are what was done to them (I8, I10).
//
// A counter shows, when all is healed, everything that was added with success, once, and of what nobody knows any
// part:
//
//   sum of ok + sum of the negative unknown  <=  value  <=  sum of ok + sum of the positive unknown
//
// An element is in a set if it was added with success after every removal of it had ended; it is not if nobody has
// ever added it, or, where every removal has seen every add before it (`seesAll`), if it was removed with success
// after every add had ended. An add and a removal side by side may come out either way.
//
// Source: Jepsen, checker/counter and checker/set-full.

/** What a client has tried, and what became of it. */
export interface Attempt {
  readonly kind: "count" | "add" | "remove";
  /** Of which counter, or of which element. */
  readonly name: string;
  /** What was added to a counter. */
  readonly amount: number;
  readonly outcome: "ok" | "no" | "unknown";
  readonly invokedAtMs: number;
  readonly endedAtMs: number;
}

/** What is wrong with the value of a counter. */
export function counterProblem(
  name: string,
  attempts: readonly Attempt[],
  value: bigint,
): string | undefined {
  const own = attempts.filter((attempt) => attempt.kind === "count" && attempt.name === name);
  const sum = (counts: (attempt: Attempt) => boolean) =>
    BigInt(own.filter(counts).reduce((total, { amount }) => total + amount, 0));
  const certain = sum(({ outcome }) => outcome === "ok");
  const least = certain + sum(({ amount, outcome }) => outcome === "unknown" && amount < 0);
  const most = certain + sum(({ amount, outcome }) => outcome === "unknown" && amount > 0);
  if (least <= value && value <= most) return undefined;
  return `Counter ${name} shows ${value}, which is not between ${least} and ${most}`;
}

/** What is wrong with the elements of a set. */
export function setProblems(
  attempts: readonly Attempt[],
  elements: readonly string[],
  seesAll: boolean,
): string[] {
  const problems: string[] = [];
  const happened = attempts.filter(({ outcome }) => outcome !== "no");
  const names = new Set([...happened.map(({ name }) => name), ...elements]);
  for (const name of names) {
    const of = (kind: Attempt["kind"]) =>
      happened.filter((attempt) => attempt.kind === kind && attempt.name === name);
    const [adds, removals] = [of("add"), of("remove")];
    const isThere = elements.includes(name);
    if (isThere && adds.length === 0) problems.push(`Element ${name} was never added`);
    if (!isThere && adds.some((add) => isOk(add) && removals.every((it) => isBefore(it, add)))) {
      problems.push(`Element ${name} was added with success and is lost`);
    }
    const isGone = (removal: Attempt) => isOk(removal) && adds.every((it) => isBefore(it, removal));
    if (isThere && seesAll && removals.some(isGone)) {
      problems.push(`Element ${name} was removed with success and has come back`);
    }
  }
  return problems;
}

function isOk({ outcome }: Attempt): boolean {
  return outcome === "ok";
}

/** Whether an attempt had certainly taken effect before another began. */
function isBefore(attempt: Attempt, other: Attempt): boolean {
  return isOk(attempt) && attempt.endedAtMs < other.invokedAtMs;
}
