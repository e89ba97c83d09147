// The first step of a story, which sets the stage: how many nodes there are, and what they promise.

import type { QuorumLevel } from "../../src/replica/namespaces.ts";
import type { Setting } from "./stage.ts";

type Clause = (words: RegExpExecArray) => Partial<Setting>;

const CLAUSES: readonly (readonly [RegExp, Clause])[] = [
  [/^each key on (\d+)$/, ([, count]) => ({ replication: Number(count) })],
  [/^wide: on (\d+)$/, ([, count]) => ({ namespaces: { wide: Number(count) } })],
  [/^thin: on (\d+)$/, ([, count]) => ({ namespaces: { thin: Number(count) } })],
  [/^r (\w+)$/, ([, level]) => ({ r: readLevel(level!) })],
  [/^w (\w+)$/, ([, level]) => ({ w: readLevel(level!) })],
  [/^patience (\d+ m?s)$/, ([, time]) => ({ timeoutMs: readTimeMs(time!) })],
  [/^strict$/, () => ({ isStrict: true })],
  [/^compared every (\d+ m?s)$/, ([, time]) => ({ compareMs: readTimeMs(time!) })],
  [/^forgets after (\d+ m?s)$/, ([, time]) => ({ forgetAfterMs: readTimeMs(time!) })],
  [/^left out after (\d+ m?s)$/, ([, time]) => ({ maxAbsenceMs: readTimeMs(time!) })],
  [/^hints for (\d+ m?s)$/, ([, time]) => ({ hintWindowMs: readTimeMs(time!) })],
  // Each commit goes on to the records at once, and each read is one of the disk.
  [/^no caches$/, () => ({ cacheBytes: 0, journalCount: 0 })],
];

const NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven"];

/**
 * Reads a setting such as "three nodes n1 n2 n3, each key on 3, r quorum, w quorum". What is not said is as
 * in that one.
 *
 * @throws {SyntaxError}
 */
export function readSetting(text: string): Setting {
  const [nodes, ...clauses] = text.split(", ");
  const [, count, names] = /^(\w+) nodes?((?: n\d+)*)$/.exec(nodes!) ?? [];
  if (count === undefined || names === undefined) throw new SyntaxError(`Cannot read "${nodes}"`);
  const nodeCount = NUMBERS.includes(count) ? NUMBERS.indexOf(count) : Number(count);
  const expected = Array.from({ length: nodeCount || 0 }, (_, i) => ` n${i + 1}`).join("");
  if (expected === "" || names !== expected) {
    throw new SyntaxError(`Of ${count} nodes the names are "n1 n2 ...", not "${names.trim()}"`);
  }
  let setting: Setting = { nodeCount, replication: 3, r: "quorum", w: "quorum" };
  for (const clause of clauses) {
    const found = CLAUSES.find(([pattern]) => pattern.test(clause));
    if (found === undefined) throw new SyntaxError(`Cannot read "${clause}"`);
    const said = found[1](found[0].exec(clause)!);
    const namespaces = { ...setting.namespaces, ...said.namespaces };
    setting = { ...setting, ...said, namespaces };
  }
  return setting;
}

/** @throws {SyntaxError} */
export function readLevel(word: string): QuorumLevel {
  if (word === "one" || word === "quorum" || word === "all") return word;
  if (/^[1-9]$/.test(word)) return Number(word);
  throw new SyntaxError(`"${word}" is no level: one, quorum, all, or a number`);
}

/** Reads "20 s" or "500 ms", in milliseconds. */
export function readTimeMs(text: string): number {
  const [count, unit] = text.split(" ");
  return Number(count) * (unit === "s" ? 1_000 : 1);
}
