import assert from "node:assert/strict";
import { copiesToMove, memberLoads } from "../../src/ring/load.ts";
import { makeLayout } from "../../src/ring/layout_codec.ts";
import { planLayout } from "../../src/ring/planner.ts";
import { memberList } from "./arbitrary_members.ts";

Deno.test("memberLoads() tells what each member owns beside what its weight asks for", () => {
  const layout = makeLayout({
    version: 1,
    members: memberList(2, () => "d1", (i) => i + 1),
    partitions: 256,
    replication: 1,
    assignment: Array.from({ length: 256 }, (_, partition) => [partition < 64 ? 0 : 1]),
  });
  const [n1, n2] = memberLoads(layout);
  assert.equal(n1!.node, "n1");
  assert.equal(n1!.partitions, 64);
  assert.equal(n1!.load, 0.75);
  assert.equal(n1!.fairPartitions, 85.333333);
  assert.equal(n2!.partitions, 192);
  assert.equal(n2!.load, 1.125);
});

Deno.test("memberLoads() shows the member of a zone that is too small as overloaded, though fair", () => {
  const members = memberList(5, (i) => i === 0 ? "small" : "large");
  const [lone, other] = memberLoads(
    planLayout({ version: 1, members, partitions: 256, replication: 2 }),
  );
  assert.equal(lone!.partitions, 256);
  assert.equal(lone!.fairPartitions, 256);
  assert.equal(lone!.load, 2.5);
  assert.equal(other!.load, 0.625);
});

Deno.test("copiesToMove() counts owners that are not owners yet, by name", () => {
  const assignment = Array.from({ length: 256 }, () => [0, 1]);
  const content = {
    version: 1,
    members: memberList(3),
    partitions: 256,
    replication: 2,
    assignment,
  };
  const previous = makeLayout(content);
  const next = makeLayout({ ...content, assignment: [[1, 0], [0, 2], ...assignment.slice(2)] });
  assert.equal(copiesToMove(previous, next), 1);
  // Without n1 the indices of n2 and n3 are others; n2 stays an owner all the same.
  const without = makeLayout({ ...content, members: memberList(3).slice(1) });
  assert.equal(copiesToMove(previous, without), 256);
});
