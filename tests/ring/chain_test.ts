import assert from "node:assert/strict";
import { moveByChains } from "../../src/ring/chain.ts";
import { NOBODY, OwnerTable } from "../../src/ring/owner_table.ts";
import { spreadRule } from "../../src/ring/spread.ts";
import { memberList } from "./arbitrary_members.ts";

const zones = ["d1", "d1", "d2", "d3"];
const everybody = [0, 1, 2, 3];

/** Two partitions with two copies each, in different datacentres: n1 and n2 share d1. */
function tableOf(...assignment: number[][]): OwnerTable {
  const rule = spreadRule({ members: memberList(4, (i) => zones[i]!), replication: 2 });
  const table = new OwnerTable(assignment.length, rule);
  for (const [partition, owners] of assignment.entries()) {
    for (const owner of owners) table.replace(partition, NOBODY, owner);
  }
  return table;
}

Deno.test("moveByChains() goes through a third member where two cannot exchange", () => {
  // n3 has one too many, n2 one too few, but n2 may not join n1 in its datacentre.
  const table = tableOf([0, 2], [3, 2], [0, 3]);
  const formerOwners = [[0, 2], [3, 2], [0, 3]];
  const quotas = Int32Array.of(1, 1, 2, 2);
  moveByChains({ table, quotas, formerOwners, candidates: () => everybody });
  assert.deepEqual([...table.loads], [1, 1, 2, 2]);
  assert.deepEqual([0, 1, 2].map((partition) => table.isAllowed(partition)), [true, true, true]);
});

Deno.test("moveByChains() passes a partition on when its own owner is the only one that can give", () => {
  const table = tableOf([0, 2], [2, 3]);
  const formerOwners = [[0, 2], [2, 3]];
  // n2 can only take n1's place beside n3, or a place in partition 1.
  moveByChains({
    table,
    quotas: Int32Array.of(1, 1, 1, 1),
    formerOwners,
    candidates: () => everybody,
  });
  assert.deepEqual([...table.loads], [1, 1, 1, 1]);
  const owners = [table.owners(0).sort(), table.owners(1).sort()];
  assert.deepEqual(owners, [[0, 2], [1, 3]]);
});

Deno.test("moveByChains() fills an empty place, if need be by moving another owner", () => {
  const table = tableOf([0], [2, 3]);
  // The empty place may take n3 or n4, but only n2 is below its quota: it takes from one of them.
  moveByChains({
    table,
    quotas: Int32Array.of(1, 1, 1, 1),
    formerOwners: [[0], [2, 3]],
    candidates: () => everybody,
  });
  assert.deepEqual([...table.loads], [1, 1, 1, 1]);
  assert.ok(table.isFull(0) && table.isAllowed(0) && table.isAllowed(1));
});

Deno.test("moveByChains() leaves alone what its candidates cannot mend", () => {
  const table = tableOf([0, 2], [2, 3]);
  moveByChains({
    table,
    quotas: Int32Array.of(1, 1, 1, 1),
    formerOwners: [[0, 2], [2, 3]],
    candidates: () => [0, 2],
  });
  assert.deepEqual([table.owners(0), table.owners(1)], [[0, 2], [2, 3]]);
});

Deno.test("moveByChains() takes the shortest chain, though two members hold each other's copies", () => {
  // Partition 0 is empty; n2 holds what n1 had and n1 what n2 had. Only n2's may go to n3.
  const rule = spreadRule({ members: memberList(3), replication: 1 });
  const table = new OwnerTable(3, rule);
  table.replace(1, NOBODY, 1);
  table.replace(2, NOBODY, 0);
  const candidates = [[0, 1], [0, 2], [1]];
  moveByChains({
    table,
    quotas: Int32Array.of(1, 1, 1),
    formerOwners: [[], [0], [1]],
    candidates: (partition) => candidates[partition]!,
  });
  assert.deepEqual([0, 1, 2].map((partition) => table.owners(partition)), [[1], [2], [0]]);
});
