import assert from "node:assert/strict";
import fc from "fast-check";
import type { Member } from "../../src/ring/layout.ts";
import { fairShares, quotas } from "../../src/ring/quotas.ts";
import { spreadRule } from "../../src/ring/spread.ts";
import { memberList, members } from "./arbitrary_members.ts";

function sharesOf(list: readonly Member[], replication: number): number[] {
  return [...fairShares({ members: list, replication })].map((share) =>
    Math.round(share * 1e9) / 1e9
  );
}

Deno.test("fairShares() is proportional to weight where the zones allow it", () => {
  const weights = [1, 2, 3, 4];
  assert.deepEqual(
    sharesOf(memberList(4, () => "d1", (i) => weights[i]!), 2),
    [0.2, 0.4, 0.6, 0.8],
  );
});

Deno.test("fairShares() gives a small zone its copy of everything, and shares the rest", () => {
  const zones = ["d1", "d1", "d1", "d1", "d2"];
  assert.deepEqual(sharesOf(memberList(5, (i) => zones[i]!), 2), [0.25, 0.25, 0.25, 0.25, 1]);
  assert.deepEqual(sharesOf(memberList(5, (i) => zones[i]!), 3), [0.5, 0.5, 0.5, 0.5, 1]);
  const racks = ["d1/a", "d1/a", "d1/b", "d2/a", "d2/a"];
  assert.deepEqual(sharesOf(memberList(5, (i) => racks[i]!), 3), [0.5, 0.5, 1, 0.5, 0.5]);
});

Deno.test("fairShares() gives no member more than one copy of a partition", () => {
  assert.deepEqual(sharesOf(memberList(3, () => "d1", (i) => i === 0 ? 100 : 1), 2), [1, 0.5, 0.5]);
  assert.deepEqual(sharesOf(memberList(2), 3), [1, 1]);
});

/** Whether shares can be had: every group of the spreading rule is within its bounds. */
function isPossible(list: readonly Member[], replication: number, shares: readonly number[]) {
  const near = 1e-7;
  const owners = Math.min(replication, list.length);
  const sums = (nameOf: (member: Member) => string) => {
    const groups = new Map<string, number>();
    for (const [i, member] of list.entries()) {
      groups.set(nameOf(member), (groups.get(nameOf(member)) ?? 0) + shares[i]!);
    }
    return [...groups.values()];
  };
  const datacentres = sums(({ zone }) => zone.split("/")[0]!);
  const zones = sums(({ zone }) => zone);
  return shares.every((share) => share > -near && share < 1 + near) &&
    Math.abs(shares.reduce((a, b) => a + b) - owners) < near &&
    [datacentres, zones].every((groups) =>
      groups.length >= owners
        ? groups.every((sum) => sum < 1 + near)
        : groups.every((sum) => sum > 1 - near)
    );
}

Deno.test("fairShares() cannot be made more even without breaking the spreading rule", () => {
  fc.assert(
    fc.property(members(10), fc.integer({ min: 1, max: 5 }), (list, replication) => {
      const shares = [...fairShares({ members: list, replication })];
      assert.ok(isPossible(list, replication, shares));
      const step = 1e-4;
      for (const [i, high] of list.entries()) {
        for (const [j, low] of list.entries()) {
          if (shares[i]! / high.weight <= shares[j]! / low.weight + 2 * step / low.weight) continue;
          const evened = [...shares];
          evened[i]! -= step;
          evened[j]! += step;
          assert.ok(!isPossible(list, replication, evened), `${high.node} can give to ${low.node}`);
        }
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("quotas() are the shares in partitions, rounded down or up, and fill all places", () => {
  fc.assert(
    fc.property(
      members(),
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.nat(300), { minLength: 14, maxLength: 14 }),
      (list, replication, former) => {
        const rule = spreadRule({ members: list, replication });
        const result = quotas(rule, list.map(({ weight }) => weight), 256, Int32Array.from(former));
        const shares = fairShares({ members: list, replication });
        assert.equal(result.reduce((a, b) => a + b), 256 * rule.owners);
        result.forEach((quota, i) => {
          assert.ok(Math.abs(quota - shares[i]! * 256) < 1, `${quota} for ${shares[i]! * 256}`);
        });
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("quotas() round up the members that own much already", () => {
  const rule = spreadRule({ members: memberList(3), replication: 1 });
  assert.deepEqual([...quotas(rule, [1, 1, 1], 256, Int32Array.of(85, 86, 85))], [85, 86, 85]);
  assert.deepEqual([...quotas(rule, [1, 1, 1], 256, Int32Array.of(0, 0, 256))], [85, 85, 86]);
});
