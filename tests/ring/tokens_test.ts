import assert from "node:assert/strict";
import fc from "fast-check";
import { utf8 } from "../../src/base/bytes.ts";
import { hash64 } from "../../src/base/hash.ts";
import { tokenCount, tokenOf, TokenRing } from "../../src/ring/tokens.ts";

interface Standing {
  readonly node: string;
  readonly weight: number;
}

const standings = fc.uniqueArray(
  fc.record({
    node: fc.stringMatching(/^[a-z][a-z0-9]{0,4}$/),
    weight: fc.constantFrom(0.01, 0.1, 0.5, 1, 1.5, 3),
  }),
  { selector: ({ node }) => node, minLength: 1, maxLength: 12 },
);

/** The slow twin: sorts whole 64-bit hashes and walks the list from its beginning. */
function walkedNodes(
  members: readonly Standing[],
  partition: number,
  partitions: number,
): string[] {
  const start = BigInt(partition) * (2n ** 64n / BigInt(partitions));
  const tokens = members.flatMap(({ node, weight }) =>
    Array.from({ length: tokenCount(weight) }, (_, k) => {
      const place = hash64(utf8(`${node}#${k}`));
      return { node, distance: place >= start ? place - start : place - start + 2n ** 64n };
    })
  );
  tokens.sort((a, b) => a.distance < b.distance ? -1 : 1);
  return [...new Set(tokens.map(({ node }) => node))];
}

function successorNames(members: readonly Standing[], partition: number, partitions = 256) {
  return new TokenRing(members, partitions).successors(partition).map((i) => members[i]!.node);
}

Deno.test("successors() names every member once, in the order of a clockwise walk", () => {
  const members = ["n1", "n2", "n3", "n4"].map((node) => ({ node, weight: 1 }));
  const ring = new TokenRing(members, 1024);
  assert.deepEqual([...ring.successors(7)].sort(), [0, 1, 2, 3]);
  assert.equal(ring.find(7, () => true), ring.successors(7)[0]);
  assert.equal(ring.find(7, (member) => member === 2), 2);
  assert.equal(ring.find(7, () => false), -1);
});

Deno.test("successors() agrees with a walk over a sorted list of whole hashes", () => {
  fc.assert(
    fc.property(standings, fc.nat(1023), (members, partition) => {
      const expected = walkedNodes(members, partition, 1024);
      assert.deepEqual(successorNames(members, partition, 1024), expected);
    }),
    { numRuns: 60, examples: [[[{ node: "n1", weight: 1 }, { node: "n2", weight: 0.01 }], 1023]] },
  );
});

Deno.test("successors() does not depend on the order in which the members are named", () => {
  fc.assert(
    fc.property(standings, fc.nat(255), (members, partition) => {
      const reversed = [...members].reverse();
      assert.deepEqual(successorNames(reversed, partition), successorNames(members, partition));
    }),
    { numRuns: 50 },
  );
});

Deno.test("A member that comes changes nothing in the order of the others", () => {
  fc.assert(
    fc.property(standings, fc.nat(255), (members, partition) => {
      const [newcomer, ...others] = members;
      const order = successorNames(members, partition);
      assert.deepEqual(
        order.filter((node) => node !== newcomer!.node),
        successorNames(others, partition),
      );
    }),
    { numRuns: 50 },
  );
});

Deno.test("A member that gains weight keeps its tokens and never moves back", () => {
  fc.assert(
    fc.property(standings, fc.nat(255), (members, partition) => {
      const [grown, ...others] = members;
      const heavier = [{ node: grown!.node, weight: grown!.weight + 2 }, ...others];
      const before = successorNames(members, partition).indexOf(grown!.node);
      assert.ok(successorNames(heavier, partition).indexOf(grown!.node) <= before);
    }),
    { numRuns: 50 },
  );
});

Deno.test("tokenCount() is 64 times the weight, and at least one", () => {
  assert.deepEqual([0.001, 0.01, 0.5, 1, 1.25, 100].map(tokenCount), [1, 1, 32, 64, 80, 6400]);
});

Deno.test("tokenOf() is what it has always been, since every node must agree", () => {
  assert.equal(tokenOf("n1", 0), Number(hash64(utf8("n1#0")) / 2048n));
  assert.equal(tokenOf("n1", 0), 7_620_299_559_824_729);
});
