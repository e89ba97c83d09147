// Members for property tests: few enough nodes, zones and racks that the spreading rule often binds.

import fc from "fast-check";
import type { Member } from "../../src/ring/layout.ts";

const zone = fc.oneof(
  fc.constantFrom("d1", "d2", "d3", "d4", "d5"),
  fc.constantFrom("d1/r1", "d1/r2", "d1/r3", "d2/r1", "d2/r2", "d3/r1"),
);

const weight = fc.oneof(
  { weight: 3, arbitrary: fc.constant(1) },
  { weight: 2, arbitrary: fc.constantFrom(0.5, 1.5, 2, 3, 4.25) },
  { weight: 1, arbitrary: fc.constantFrom(0.01, 0.1, 20, 100) },
);

/** Up to `maxLength` members with distinct names out of 24, in any order. */
export function members(maxLength = 14, minLength = 1): fc.Arbitrary<Member[]> {
  const member = fc.record({
    node: fc.integer({ min: 1, max: 24 }).map((k) => `n${k}`),
    zone,
    weight,
  });
  return fc.uniqueArray(member, { selector: ({ node }) => node, minLength, maxLength });
}

/** `count` members called n1, n2 and so on, each in the zone and of the weight that its index, from 0, gives. */
export function memberList(
  count: number,
  zoneOf: (index: number) => string = () => "d1",
  weightOf: (index: number) => number = () => 1,
): Member[] {
  return Array.from({ length: count }, (_, index) => ({
    node: `n${index + 1}`,
    zone: zoneOf(index),
    weight: weightOf(index),
  }));
}
