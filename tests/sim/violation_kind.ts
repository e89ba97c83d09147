// Whether two violations are of one kind: the same promise was broken, on whatever node, by whatever write.

/**
 * What remains of a violation without the things that it names: "k0: lost write #12 …" and
 * "k3: lost write #7 …" are both "lost write".
 */
export function violationKind(violation: string): string {
  const sentence = violation.split("\n", 1)[0]!.replace(/^k\d+: /, "");
  const [said] = sentence.split(/\s*(?:: )?[#[{]/, 1);
  const words = (said || sentence).split(/\s+/).map((word) =>
    word.replace(/[^\s:,;]*\d[^\s:,;]*/, "*")
  );
  return words.join(" ").slice(0, LONGEST);
}

const LONGEST = 120;
