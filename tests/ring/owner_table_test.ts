import assert from "node:assert/strict";
import fc from "fast-check";
import type { Member } from "../../src/ring/layout.ts";
import { NOBODY, OwnerTable } from "../../src/ring/owner_table.ts";
import { spreadRule } from "../../src/ring/spread.ts";
import { memberList, members } from "./arbitrary_members.ts";

/** The slow twin: every whole set of owners that is spread as the design says. */
function spreadSets(list: readonly Member[], replication: number): number[][] {
  const datacentre = (i: number) => list[i]!.zone.split("/")[0]!;
  const size = Math.min(replication, list.length);
  const distinct = <T>(values: T[]) => new Set(values).size;
  const everybody = list.map((_, i) => i);
  const datacentres = Math.min(size, distinct(everybody.map(datacentre)));
  const zones = Math.min(size, distinct(list.map(({ zone }) => zone)));
  const sets: number[][] = [];
  for (let bits = 0; bits < 2 ** list.length; bits++) {
    const set = everybody.filter((i) => (bits >> i) & 1);
    if (set.length !== size) continue;
    if (distinct(set.map(datacentre)) !== datacentres) continue;
    if (distinct(set.map((i) => list[i]!.zone)) === zones) sets.push(set);
  }
  return sets;
}

Deno.test("canReplace() keeps a place for every zone that needs one", () => {
  const list = memberList(5, (i) => ["d1", "d1", "d1", "d2", "d2"][i]!);
  const table = new OwnerTable(256, spreadRule({ members: list, replication: 3 }));
  table.replace(0, NOBODY, 0);
  table.replace(0, NOBODY, 1);
  assert.equal(table.canReplace(0, NOBODY, 2), false, "d2 would be left out");
  assert.equal(table.canReplace(0, NOBODY, 3), true);
  assert.equal(table.canReplace(0, 1, 2), true);
  table.replace(0, NOBODY, 3);
  assert.deepEqual(table.owners(0), [0, 1, 3]);
  assert.equal(table.canReplace(0, 3, 2), false);
  assert.equal(table.canReplace(0, 3, 4), true);
  assert.deepEqual([...table.loads], [1, 1, 0, 1, 0]);
});

Deno.test("canReplace() allows exactly what can be completed to a spread set of owners", () => {
  fc.assert(
    fc.property(
      members(7),
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.tuple(fc.nat(6), fc.nat(6)), { maxLength: 12 }),
      (list, replication, changes) => {
        const table = new OwnerTable(1, spreadRule({ members: list, replication }));
        const sets = spreadSets(list, replication);
        const canComplete = (owners: number[]) =>
          new Set(owners).size === owners.length &&
          sets.some((set) => owners.every((owner) => set.includes(owner)));
        for (const [which, member] of changes) {
          const arriving = member % list.length;
          const owners = table.owners(0);
          const leaving = owners[which] ?? NOBODY;
          const changed = [...owners.filter((owner) => owner !== leaving), arriving];
          const isAllowed = table.canReplace(0, leaving, arriving);
          // Staying where one is would be no exchange.
          assert.equal(isAllowed, canComplete(changed) && arriving !== leaving);
          if (isAllowed) table.replace(0, leaving, arriving);
          assert.ok(table.isAllowed(0));
          for (let i = 0; i < list.length; i++) {
            assert.equal(table.isOwner(0, i), table.owners(0).includes(i));
            assert.equal(table.loads[i], table.owners(0).includes(i) ? 1 : 0);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});
