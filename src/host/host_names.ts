// What the names in addresses mean at this moment.
//
// A name is looked up for each attempt: behind it may be several machines, others than a while ago, or this very one.
// A name that a peer says of itself is as little to be trusted as an address: what it leads to is judged as if the peer
// had said that.

import { lookup } from "node:dns/promises";

/** The numbers of a host; `family` 0 takes both. */
export type Lookup = (host: string, family: 0 | 4 | 6) => Promise<readonly string[]>;

/** How many machines behind one name are called. */
const NUMBERS_MAX = 16;

const NAMED = /^\/(dns|dns4|dns6)\/([^/]+)(\/.*)$/;
const FAMILIES = { dns: 0, dns4: 4, dns6: 6 } as const;

/** Whether an address has a name that is to be looked up. */
export function hasName(address: string): boolean {
  return NAMED.test(address);
}

/** The address with numbers in place of its name; itself if it has none. Rejects if the name is not known. */
export async function withNumbers(
  address: string,
  lookUp: Lookup = systemLookup,
): Promise<string[]> {
  const [, kind, host, rest] = NAMED.exec(address) ?? [];
  if (host === undefined) return [address];
  const numbers = await lookUp(host, FAMILIES[kind as keyof typeof FAMILIES]);
  return [...new Set(numbers)].slice(0, NUMBERS_MAX)
    .map((number) => `/${number.includes(":") ? "ip6" : "ip4"}/${number}${rest}`);
}

/** As the system does it, which looks into its own file of hosts too. */
async function systemLookup(host: string, family: 0 | 4 | 6): Promise<string[]> {
  const found = await lookup(host, { all: true, family });
  return found.map(({ address }) => address);
}
