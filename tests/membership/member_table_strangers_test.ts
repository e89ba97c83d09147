// What a stranger, or a number that nobody can have counted up to, may do to the table of members.

import assert from "node:assert/strict";
import fc from "fast-check";
import { HEARTBEAT_LIMITS } from "../../src/membership/heartbeat.ts";
import { hasRoomAbove, INCARNATION_MAX } from "../../src/membership/incarnation_step.ts";
import {
  MEMBER_LIMIT,
  type MemberChange,
  MemberTable,
  OTHERS_LIMIT,
} from "../../src/membership/member_table.ts";
import { heartbeatOf } from "./manual_clock.ts";

function makeTable(members?: readonly string[]) {
  const changes: MemberChange[] = [];
  const layout: { members: ReadonlySet<string> | undefined } = {
    members: members === undefined ? undefined : new Set(members),
  };
  const table = new MemberTable({
    node: "n1",
    peerId: "peer-1",
    incarnation: 10,
    layoutMembers: () => layout.members,
    onChange: (change) => void changes.push(change),
  });
  return { table, changes, layout };
}

/** Lets everybody who is silent be found dead. */
function bury(table: MemberTable, atMs: number): void {
  table.evaluate(atMs);
  for (const target of table.beginProbes(atMs)) {
    table.probed(target, { kind: "nobody", witnesses: ["n9"] }, atMs);
  }
  table.evaluate(atMs);
}

Deno.test("a member of the layout has a place, however many others are in the table", () => {
  const { table, layout, changes } = makeTable();
  for (let i = 0; i < MEMBER_LIMIT; i++) {
    table.record(heartbeatOf({ node: `x${i}`, peerId: `p${i}` }), i);
  }
  assert.equal(table.judge("n2", "peer-2", 1)?.code, "table_full");
  layout.members = new Set(["n1", "n2", "n3"]);
  assert.equal(table.judge("y", "q", 1)?.code, "table_full", "others have no more place");
  for (const node of ["n2", "n3"]) {
    const heartbeat = heartbeatOf({ node, peerId: `peer of ${node}` });
    assert.equal(table.record(heartbeat, 5_000), "recorded");
  }
  const dropped = changes.filter(({ kind }) => kind === "dropped").map(({ node }) => node);
  assert.deepEqual(dropped, ["x0", "x1"], "those unheard for longest make way");
  assert.equal(table.members(0).length, MEMBER_LIMIT);
});

Deno.test("nodes that have ended give their places back, members of the layout do not", () => {
  const { table } = makeTable(["n1", "n2"]);
  table.record(heartbeatOf({ node: "n2", peerId: "peer-2" }), 0);
  for (let i = 1; i < OTHERS_LIMIT; i++) {
    table.record(heartbeatOf({ node: `x${i}`, peerId: `p${i}` }), 0);
  }
  assert.equal(table.judge("y", "q", 1)?.code, "table_full");
  assert.equal(table.record(heartbeatOf({ node: "y", peerId: "q" }), 0), "refused");
  bury(table, 60_000);
  bury(table, 60_000);
  assert.deepEqual(table.members(0).map(({ node }) => node), ["n2"]);
  assert.equal(table.record(heartbeatOf({ node: "y", peerId: "q" }), 60_000), "recorded");
});

Deno.test("nodes outside the layout are no witnesses, and their silence is no reason to doubt ourselves", () => {
  const { table } = makeTable(["n1", "n2"]);
  table.record(heartbeatOf({ node: "n2", peerId: "peer-2" }), 0);
  for (let i = 0; i < 8; i++) table.record(heartbeatOf({ node: `x${i}`, peerId: `p${i}` }), 0);
  assert.deepEqual(table.upMembers().map(({ node }) => node), ["n2"]);
  table.record(heartbeatOf({ node: "n2", peerId: "peer-2", sequence: 2 }), 2_000);
  table.evaluate(2_900);
  assert.equal(table.selfDoubt, undefined);
});

Deno.test("a peer that has ended under another name may take a new one", () => {
  const { table, changes } = makeTable();
  table.record(heartbeatOf({ node: "n8", peerId: "peer-2" }), 0);
  assert.equal(table.judge("n2", "peer-2", 9)?.code, "name_differs");
  bury(table, 60_000);
  assert.equal(table.judge("n2", "peer-2", 9), undefined);
  assert.equal(
    table.record(heartbeatOf({ node: "n2", peerId: "peer-2", incarnation: 9 }), 60_000),
    "recorded",
  );
  assert.equal(table.nodeOf("peer-2"), "n2");
  assert.equal(table.peerOf("n8"), undefined);
  assert.ok(changes.some(({ kind, node }) => kind === "dropped" && node === "n8"));
});

Deno.test("a peer that has another name cannot be our rival", () => {
  const { table, changes } = makeTable();
  table.record(heartbeatOf({ node: "n2", peerId: "peer-2" }), 0);
  for (const sequence of [1, 2, 3]) {
    const claim = heartbeatOf({ node: "n1", peerId: "peer-2", incarnation: 1, sequence });
    assert.equal(table.record(claim, sequence), "refused");
  }
  assert.deepEqual(changes.map(({ kind }) => kind), ["joined", "refused"]);
});

Deno.test("no incarnation that is remembered makes us say a number that cannot be sent", () => {
  fc.assert(fc.property(
    fc.array(fc.oneof(
      fc.integer({ min: 0, max: INCARNATION_MAX }),
      fc.integer({ min: INCARNATION_MAX - 2 ** 23, max: INCARNATION_MAX }),
      fc.constant(Number.MAX_SAFE_INTEGER),
    )),
    fc.integer({ min: 1, max: 2 ** 20 }),
    (remembered, step) => {
      const { table } = makeTable();
      for (const incarnation of remembered) {
        const before = table.incarnation;
        table.refute(incarnation, step);
        assert.ok(table.incarnation >= before && table.incarnation <= INCARNATION_MAX);
        const isAbove = table.incarnation > incarnation;
        assert.ok(isAbove || !hasRoomAbove(incarnation), "it is above what it can be above");
      }
    },
  ));
});

/**
 * A forger has taken the name n2 with numbers of its choice and is silent now; the true n2 counts on as nodes do.
 * Returns after how many heartbeats it is heard.
 */
function heardAgain(
  claims: readonly { readonly peerId: string; readonly incarnation: number }[],
  own: number,
  isDirect: boolean,
): number {
  const { table } = makeTable(["n1", "n2"]);
  let atMs = 0;
  for (const claim of claims) {
    table.record(heartbeatOf(claim), atMs);
    bury(table, atMs += 60_000);
  }
  let incarnation = own;
  for (let sequence = 1; sequence <= 10; sequence++) {
    const heartbeat = heartbeatOf({ peerId: "peer-true", incarnation, sequence });
    assert.equal(table.judge("n2", "peer-true", incarnation), undefined, "it is admitted");
    if (table.record(heartbeat, atMs += 1_000, isDirect) === "recorded") {
      assert.equal(table.peerOf("n2"), "peer-true");
      return sequence;
    }
    // It is told what is remembered, and goes above it if it can.
    const later = table.laterSelfOf("n2", "peer-true", incarnation, isDirect);
    if (later !== undefined && hasRoomAbove(later)) incarnation = later + 2 ** 20;
  }
  return Infinity;
}

Deno.test("whatever incarnations a forger has claimed, the true node is heard once he is silent", () => {
  const claimed = fc.oneof(
    fc.integer({ min: 0, max: INCARNATION_MAX }),
    fc.integer({ min: INCARNATION_MAX - 2 ** 23, max: INCARNATION_MAX }),
    fc.constant(INCARNATION_MAX),
  );
  const claims = fc.array(
    fc.record({ peerId: fc.constantFrom("peer-a", "peer-b", "peer-true"), incarnation: claimed }),
    { maxLength: 6 },
  );
  const starts = fc.oneof(fc.constant(1_700_000_000_000), fc.nat(HEARTBEAT_LIMITS.timeMsMax));
  fc.assert(fc.property(claims, starts, fc.boolean(), (claims, own, isDirect) => {
    assert.ok(heardAgain(claims, own, isDirect) <= 3);
  }));
});

Deno.test("a peer that greets with less than the absurd number of its former run is heard at once", () => {
  const { table } = makeTable();
  table.connected("peer-2");
  const absurd = heartbeatOf({ peerId: "peer-2", incarnation: INCARNATION_MAX });
  table.record(absurd, 0);
  const right = heartbeatOf({ peerId: "peer-2", incarnation: 5 });
  assert.equal(table.record(right, 100), "old", "what was published may be old");
  assert.equal(table.record(right, 100, true), "recorded");
  assert.equal(table.record({ ...absurd, sequence: 2 }, 200), "old", "the former run is over");
  assert.equal(table.record({ ...right, sequence: 2 }, 300), "recorded");
});

Deno.test("an incarnation that nobody can have counted up to is no news of a node that is known", () => {
  const { table } = makeTable();
  table.record(heartbeatOf({ peerId: "peer-2", incarnation: 5 }), 0);
  bury(table, 60_000);
  const absurd = heartbeatOf({ peerId: "peer-9", incarnation: INCARNATION_MAX });
  assert.equal(table.record(absurd, 60_000), "old");
  assert.equal(table.peerOf("n2"), "peer-2");
});
