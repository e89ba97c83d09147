// Which keys have come to other owners: where settings of namespaces say another number of copies than before.
//
// Where keys live is told by the layout and, for each prefix, by a number of copies; the longest prefix that a key has
// decides. So all keys with the same longest prefix, of those before and after, move together.

/** By prefix, how many copies its keys have; 0 stands for as many as the layout says. "" is for keys of no other. */
export type CopiesByPrefix = ReadonlyMap<string, number>;

/** Some keys had `from` copies and have `to`; 0 stands for as many as the layout says. */
export interface KeyMove {
  readonly from: number;
  readonly to: number;
}

/** Where no namespace has a number of copies of its own. */
export const NO_NAMESPACES: CopiesByPrefix = new Map([["", 0]]);

/** All moves that lie between two settings, each once. */
export function movesBetween(before: CopiesByPrefix, after: CopiesByPrefix): KeyMove[] {
  const moves = new Map<string, KeyMove>();
  for (const prefix of new Set([...before.keys(), ...after.keys()])) {
    const [from, to] = [copiesOf(before, prefix), copiesOf(after, prefix)];
    if (from !== to) moves.set(`${from} ${to}`, { from, to });
  }
  return [...moves.values()];
}

function copiesOf(copies: CopiesByPrefix, key: string): number {
  let longest = "";
  for (const prefix of copies.keys()) {
    if (prefix.length > longest.length && key.startsWith(prefix)) longest = prefix;
  }
  return copies.get(longest) ?? 0;
}
