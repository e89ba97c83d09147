import assert from "node:assert/strict";
import fc from "fast-check";
import { Placement } from "../../src/ring/placement.ts";
import { planLayout } from "../../src/ring/planner.ts";
import { TokenRing } from "../../src/ring/tokens.ts";
import { memberList, members } from "./arbitrary_members.ts";

function placementOf(list: Parameters<typeof planLayout>[0]["members"], replication = 3) {
  return new Placement(planLayout({ version: 1, members: list, partitions: 256, replication }));
}

Deno.test("Placement names the owners of a partition and who stands in for them", () => {
  const placement = placementOf(memberList(5));
  const owners = placement.owners(17);
  const fallbacks = placement.fallbacks(17);
  assert.equal(owners.length, 3);
  assert.equal(fallbacks.length, 2);
  assert.deepEqual(placement.preferenceList(17), [...owners, ...fallbacks]);
  assert.ok(placement.isOwner(owners[0]!, 17));
  assert.ok(!placement.isOwner(fallbacks[0]!, 17));
  assert.ok(placement.partitionsOf(owners[0]!).includes(17));
});

Deno.test("preferenceList() names every member once: the owners, then the rest in successor order", () => {
  fc.assert(
    fc.property(members(), fc.integer({ min: 1, max: 5 }), fc.nat(255), (list, n, partition) => {
      const placement = placementOf(list, n);
      const { layout } = placement;
      const names = layout.members.map(({ node }) => node);
      assert.deepEqual([...placement.preferenceList(partition)].sort(), [...names].sort());
      const owners = layout.assignment[partition]!.map((owner) => names[owner]!);
      assert.deepEqual(placement.owners(partition), owners);
      const successors = new TokenRing(layout.members, 256).successors(partition);
      assert.deepEqual(
        placement.fallbacks(partition),
        successors.map((member) => names[member]!).filter((node) => !owners.includes(node)),
      );
    }),
    { numRuns: 40 },
  );
});

Deno.test("ownersFor() gives the first of the preference list, as many as there are", () => {
  fc.assert(
    fc.property(members(8), fc.integer({ min: 1, max: 5 }), fc.nat(255), (list, n, partition) => {
      const placement = placementOf(list, n);
      const preferred = placement.preferenceList(partition);
      for (let copies = 1; copies <= 10; copies++) {
        const expected = copies === n ? placement.owners(partition) : preferred.slice(0, copies);
        assert.deepEqual(placement.ownersFor(partition, copies), expected);
        for (const node of preferred) {
          assert.equal(placement.isOwner(node, partition, copies), expected.includes(node));
        }
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("partitionsOf() is the inverse of ownersFor()", () => {
  fc.assert(
    fc.property(members(8), fc.integer({ min: 1, max: 6 }), (list, copies) => {
      const placement = placementOf(list);
      for (const { node } of list) {
        const owned = Array.from({ length: 256 }, (_, partition) => partition)
          .filter((partition) => placement.ownersFor(partition, copies).includes(node));
        assert.deepEqual(placement.partitionsOf(node, copies), owned);
        if (copies === 3) assert.deepEqual(placement.partitionsOf(node), owned);
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("Placement answers the same table each time, and nobody can change it", () => {
  const placement = placementOf(memberList(5));
  for (
    const read of [
      () => placement.owners(3),
      () => placement.fallbacks(3),
      () => placement.preferenceList(3),
      () => placement.ownersFor(3, 2),
      () => placement.ownersFor(3, 4),
      () => placement.ownersFor(3, 9),
      () => placement.partitionsOf("n1"),
    ]
  ) {
    assert.equal(read(), read());
    assert.ok(Object.isFrozen(read()));
  }
});

Deno.test("Placement refuses partitions that are none and numbers of copies below 1", () => {
  const placement = placementOf(memberList(3));
  for (const partition of [-1, 256, 0.5, NaN]) {
    assert.throws(() => placement.owners(partition), /^RangeError: Partition .* from 0 to 255$/);
    assert.throws(() => placement.fallbacks(partition), RangeError);
    assert.throws(() => placement.preferenceList(partition), RangeError);
    assert.throws(() => placement.ownersFor(partition, 2), RangeError);
  }
  for (const copies of [0, -1, 1.5, NaN]) {
    assert.throws(() => placement.ownersFor(0, copies), RangeError);
  }
  assert.deepEqual(placement.partitionsOf("stranger"), []);
  assert.equal(placement.isOwner("stranger", 0), false);
});
