// Elements drawn at random, as SRANDMEMBER gives them.

/**
 * So many of a list, each once and in no order; for a negative count exactly so many, each as often as it is
 * drawn.
 */
export function drawSome<T>(list: readonly T[], count: number): T[] {
  if (list.length === 0) return [];
  if (count < 0) return Array.from({ length: -count }, () => list[below(list.length)]!);
  const left = [...list];
  const size = Math.min(count, left.length);
  for (let at = 0; at < size; at++) {
    const chosen = at + below(left.length - at);
    [left[at], left[chosen]] = [left[chosen]!, left[at]!];
  }
  return left.slice(0, size);
}

function below(limit: number): number {
  return Math.floor(Math.random() * limit);
}
