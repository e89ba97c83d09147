// Where two texts differ, line by line, for the reader of a story that went another way.

/** How many equal lines are shown around each difference. */
const AROUND = 3;

/**
 * The lines of both texts: "-" stands only in `expected`, "+" only in `observed`, and of what both have the
 * nearest lines are shown. Empty if they are equal.
 */
export function lineDiff(expected: string, observed: string): string[] {
  const all = aligned(expected.split("\n"), observed.split("\n"));
  const isNear = all.map((_, i) =>
    all.slice(Math.max(0, i - AROUND), i + AROUND + 1).some((line) => !line.startsWith(" "))
  );
  const shown: string[] = [];
  for (const [i, line] of all.entries()) {
    if (isNear[i]) shown.push(line);
    else if (isNear[i - 1]) shown.push("  ...");
  }
  return shown;
}

/** Both texts as one, by a longest common subsequence of their lines. */
function aligned(a: readonly string[], b: readonly string[]): string[] {
  // common[i][j]: how many lines a from i and b from j have in common.
  const common = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const longest = Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
      common[i]![j] = a[i] === b[j] ? common[i + 1]![j + 1]! + 1 : longest;
    }
  }
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(`  ${a[i++]}`);
      j++;
    } else if (i < a.length && (j === b.length || common[i + 1]![j]! >= common[i]![j + 1]!)) {
      lines.push(`- ${a[i++]}`);
    } else {
      lines.push(`+ ${b[j++]}`);
    }
  }
  return lines;
}
