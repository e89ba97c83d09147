import assert from "node:assert/strict";
import fc from "fast-check";
import type { Heartbeat } from "../../src/membership/heartbeat.ts";
import { MEMBER_LIMIT, type MemberChange, MemberTable } from "../../src/membership/member_table.ts";
import { heartbeatOf } from "./manual_clock.ts";

function makeTable(incarnation = 10): { table: MemberTable; changes: MemberChange[] } {
  const changes: MemberChange[] = [];
  const onChange = (change: MemberChange) => void changes.push(change);
  return {
    table: new MemberTable({ node: "n1", peerId: "peer-1", incarnation, onChange }),
    changes,
  };
}

/** Heartbeats of one node, each second, until `untilMs` included. Returns the last sequence number. */
function beat(
  table: MemberTable,
  fields: Partial<Heartbeat>,
  fromMs: number,
  untilMs: number,
): number {
  let sequence = fields.sequence ?? 1;
  for (let atMs = fromMs; atMs <= untilMs; atMs += 1000) {
    assert.equal(table.record(heartbeatOf({ ...fields, sequence: sequence++ }), atMs), "recorded");
  }
  return sequence - 1;
}

/** Judges at a moment when a member that seems dead reaches nobody. Returns who is down since. */
function judge(table: MemberTable, atMs: number): string[] {
  const before = table.evaluate(atMs);
  for (const target of table.beginProbes(atMs)) {
    table.probed(target, { kind: "nobody", witnesses: [] }, atMs);
  }
  return [...before, ...table.evaluate(atMs)];
}

Deno.test("MemberTable follows a member from its first heartbeat to its end and its return", () => {
  const { table, changes } = makeTable();
  assert.equal(table.stateOf("n2"), "down");
  const last = beat(table, {}, 0, 10_000);
  assert.equal(table.stateOf("n2"), "up");
  assert.deepEqual(table.evaluate(11_000), []);
  assert.deepEqual(table.evaluate(13_000), []);
  assert.equal(table.stateOf("n2"), "suspect");
  assert.deepEqual(judge(table, 14_500), ["n2"]);
  assert.deepEqual(judge(table, 15_000), []);
  assert.equal(table.stateOf("n2"), "down");
  beat(table, { sequence: last + 1 }, 20_000, 21_000);
  assert.equal(table.stateOf("n2"), "up");
  const member = table.member("n2", 21_500)!;
  assert.deepEqual([member.stateSinceMs, member.stateForMs], [21_000, 500]);
  assert.equal(member.because, "its heartbeats arrive");
  assert.ok(member.phi < 1);
  const about = { node: "n2", peerId: "peer-a" };
  assert.deepEqual(changes, [
    { kind: "joined", ...about },
    { kind: "state", ...about, from: "up", to: "suspect" },
    { kind: "state", ...about, from: "suspect", to: "down" },
    { kind: "state", ...about, from: "down", to: "up" },
  ]);
});

Deno.test("downForMs() counts from when a member was judged down, and of a stranger from the start", () => {
  const { table } = makeTable();
  assert.equal(table.downForMs("n2", 300), 300);
  const last = beat(table, {}, 1_000, 10_000);
  assert.equal(table.downForMs("n2", 13_500), 0);
  assert.deepEqual(judge(table, 14_500), ["n2"]);
  assert.equal(table.downForMs("n2", 20_000), 5_500);
  table.record(heartbeatOf({ sequence: last + 1 }), 20_000);
  assert.equal(table.downForMs("n2", 20_500), 6_000, "one heartbeat is no return");
  table.record(heartbeatOf({ sequence: last + 2 }), 21_000);
  assert.equal(table.downForMs("n2", 21_000), 0);
  assert.equal(table.downForMs("n1", 21_000), 0, "we are here");
});

Deno.test("MemberTable knows names and peer ids, our own among them", () => {
  const { table } = makeTable();
  table.record(heartbeatOf({ node: "n3", peerId: "peer-c" }), 0);
  table.record(heartbeatOf(), 0);
  table.connected("peer-c");
  assert.equal(table.nodeOf("peer-1"), "n1");
  assert.equal(table.peerOf("n1"), "peer-1");
  assert.equal(table.stateOf("n1"), "up");
  assert.equal(table.incarnationOf("n1"), 10);
  assert.equal(table.nodeOf("peer-c"), "n3");
  assert.equal(table.peerOf("n3"), "peer-c");
  assert.equal(table.peerOf("n9"), undefined);
  assert.deepEqual(
    table.members(0).map(({ node, isConnected }) => [node, isConnected]),
    [["n2", false], ["n3", true]],
  );
});

Deno.test("record() comes to the same members whatever the order and number of heartbeats", () => {
  const stream = fc.integer({ min: 1, max: 30 }).chain((length) =>
    fc.array(fc.nat(length - 1), { minLength: length, maxLength: 3 * length }).map((extra) => ({
      length,
      order: [...extra, length - 1, ...extra],
    }))
  );
  fc.assert(fc.property(stream, ({ length, order }) => {
    const beats = Array.from(
      { length },
      (_, i) => heartbeatOf({ incarnation: 1 + Math.floor(i / 10), sequence: 1 + i % 10, load: i }),
    );
    const { table } = makeTable();
    let newest = -1;
    for (const index of order) {
      const outcome = table.record(beats[index]!, 0);
      assert.equal(outcome, index > newest ? "recorded" : "old");
      newest = Math.max(newest, index);
    }
    assert.deepEqual(table.member("n2", 0)!.heartbeat, beats[length - 1]);
  }));
});

Deno.test("a heartbeat that comes twice or late does not keep a member alive", () => {
  const { table } = makeTable();
  const last = beat(table, {}, 0, 10_000);
  for (let atMs = 10_250; atMs < 15_000; atMs += 250) {
    assert.equal(table.record(heartbeatOf({ sequence: last - (atMs % 2) }), atMs), "old");
    judge(table, atMs);
  }
  assert.equal(table.stateOf("n2"), "down");
});

Deno.test("one heartbeat does not bring back a member that was down, a restart does", () => {
  const { table, changes } = makeTable();
  const last = beat(table, {}, 0, 5000);
  judge(table, 60_000);
  table.record(heartbeatOf({ sequence: last + 1 }), 60_000);
  assert.equal(table.stateOf("n2"), "down");
  table.record(heartbeatOf({ incarnation: 2, sequence: 1 }), 60_100);
  assert.equal(table.stateOf("n2"), "up");
  assert.ok(changes.some(({ kind }) => kind === "restarted"));
});

Deno.test("a silent member is down once it is known that nobody reaches it, unless it has spoken", () => {
  const at = (witness: (table: MemberTable) => void) => {
    const { table } = makeTable();
    table.connected("peer-a");
    beat(table, {}, 0, 10_000);
    table.evaluate(13_000);
    assert.deepEqual(table.beginProbes(13_000), [{ node: "n2", peerId: "peer-a" }]);
    witness(table);
    table.evaluate(13_500);
    return table.stateOf("n2");
  };
  const target = { node: "n2", peerId: "peer-a" };
  const nobody = { kind: "nobody", witnesses: [] } as const;
  assert.equal(at(() => {}), "suspect");
  assert.equal(at((table) => table.probed(target, nobody, 13_400)), "down");
  assert.equal(at((table) => table.probed(target, "answered", 13_400)), "suspect");
  const through = { kind: "others", through: "n4" } as const;
  assert.equal(at((table) => table.probed(target, through, 13_400)), "suspect");
  const late = (table: MemberTable) => {
    table.spoke("peer-a", 13_100);
    table.probed(target, nobody, 13_400);
  };
  assert.equal(at(late), "suspect", "it has spoken since it was asked");
  assert.equal(at((table) => table.probed({ ...target, peerId: "x" }, nobody, 1)), "suspect");
});

Deno.test("members are asked when they are silent or their connection is lost, once an interval", () => {
  const { table } = makeTable();
  table.connected("peer-a");
  const last = beat(table, {}, 0, 10_000);
  assert.deepEqual(table.beginProbes(10_500), []);
  table.disconnected("peer-a");
  table.evaluate(10_500);
  assert.deepEqual(table.beginProbes(11_000), [], "it may be back in a moment");
  table.record(heartbeatOf({ sequence: last + 1 }), 11_000);
  const [target] = table.beginProbes(11_500);
  assert.equal(target!.node, "n2");
  assert.deepEqual(table.beginProbes(13_000), [], "one is under way");
  table.probed(target!, { kind: "others", through: "n4" }, 11_600);
  table.evaluate(11_700);
  assert.equal(table.stateOf("n2"), "suspect");
  const { because, sources } = table.member("n2", 11_700)!;
  assert.equal(because, "its heartbeats arrive, its connection is lost, n4 reaches it, we do not");
  assert.deepEqual(sources, [
    { source: "heartbeats", says: "its heartbeats arrive", forMs: 700 },
    { source: "connection", says: "its connection is lost", forMs: 1_200 },
    { source: "probes", says: "n4 reaches it, we do not", forMs: 100 },
  ]);
  assert.deepEqual(table.beginProbes(12_000), []);
  assert.equal(table.beginProbes(12_500).length, 1);
  table.connected("peer-a");
  table.record(heartbeatOf({ sequence: last + 2 }), 12_600);
  table.evaluate(12_700);
  assert.equal(table.stateOf("n2"), "up");
  assert.deepEqual(table.beginProbes(14_000), []);
});

Deno.test("a member that is down and answers nevertheless is not down", () => {
  const { table } = makeTable();
  beat(table, {}, 0, 5000);
  judge(table, 60_000);
  assert.deepEqual(table.beginProbes(70_000), []);
  table.connected("peer-a");
  const [target] = table.beginProbes(70_000);
  table.probed(target!, "answered", 70_100);
  table.evaluate(70_100);
  assert.equal(table.stateOf("n2"), "suspect");
  assert.match(table.member("n2", 70_100)!.because, /stopped, it answers/);
});

Deno.test("most members silent at once are not called down for ten intervals, unless others say so", () => {
  const crowd = () => {
    const { table } = makeTable();
    for (const i of [2, 3]) beat(table, { node: `n${i}`, peerId: `peer-${i}` }, 0, 10_000);
    assert.deepEqual(judge(table, 13_000), []);
    assert.match(table.selfDoubt!, /hears nothing of n2, n3/);
    return table;
  };
  const { members, table } = { members: ["n2", "n3"], table: crowd() };
  for (let atMs = 13_250; atMs < 23_000; atMs += 250) assert.deepEqual(judge(table, atMs), []);
  assert.deepEqual(judge(table, 23_000), members);
  judge(table, 23_250);
  assert.equal(table.selfDoubt, undefined);
  const witnessed = crowd();
  const [target] = witnessed.beginProbes(14_000);
  witnessed.probed(target!, { kind: "nobody", witnesses: ["n3"] }, 14_500);
  assert.deepEqual(witnessed.evaluate(14_500), ["n2"]);
});

Deno.test("judge() refuses a second live peer of one name and names the first", () => {
  const { table, changes } = makeTable();
  table.record(heartbeatOf(), 0);
  const refusal = 'Node name "n2" is in use by the live peer peer-a';
  assert.equal(table.judge("n2", "peer-b", 99)?.message, refusal);
  assert.equal(table.judge("n2", "peer-a", 1), undefined);
  assert.equal(table.judge("n3", "peer-b", 1), undefined);
  const claim = heartbeatOf({ peerId: "peer-b", incarnation: 99 });
  assert.equal(table.record(claim, 100), "refused");
  assert.equal(table.record({ ...claim, sequence: 2 }, 200), "refused");
  assert.equal(table.peerOf("n2"), "peer-a");
  assert.equal(table.nodeOf("peer-b"), undefined);
  assert.deepEqual(changes.slice(1), [
    { kind: "refused", node: "n2", peerId: "peer-b", reason: refusal },
  ]);
});

Deno.test("a node that lost its disk returns with another peer id once the old peer is not live", () => {
  const { table, changes } = makeTable();
  table.connected("peer-a");
  beat(table, { incarnation: 5 }, 0, 5000);
  judge(table, 60_000);
  assert.match(table.judge("n2", "peer-b", 6)!.message, /in use by the live peer peer-a/);
  table.disconnected("peer-a");
  assert.equal(table.judge("n2", "peer-b", 5), undefined);
  assert.equal(table.laterSelfOf("n2", "peer-b", 5), 5, "the same would leave two equal claims");
  assert.equal(table.record(heartbeatOf({ peerId: "peer-b", incarnation: 5 }), 60_000), "old");
  assert.equal(table.peerOf("n2"), "peer-a");
  assert.equal(table.laterSelfOf("n2", "peer-b", 6), undefined);
  const heartbeat = heartbeatOf({ peerId: "peer-b", incarnation: 6 });
  assert.equal(table.record(heartbeat, 60_000), "recorded");
  assert.equal(table.stateOf("n2"), "up");
  assert.equal(table.peerOf("n2"), "peer-b");
  assert.equal(table.nodeOf("peer-a"), undefined);
  assert.deepEqual(changes.at(-2), {
    kind: "rebound",
    node: "n2",
    peerId: "peer-b",
    formerPeerId: "peer-a",
  });
  assert.equal(table.record(heartbeatOf({ incarnation: 5, sequence: 99 }), 60_001), "refused");
  assert.equal(table.peerOf("n2"), "peer-b");
});

Deno.test("judge() refuses a peer under a second name", () => {
  const { table } = makeTable();
  table.record(heartbeatOf({ incarnation: 5 }), 0);
  assert.equal(
    table.judge("n3", "peer-a", 9)?.message,
    'Peer peer-a is node "n2" and cannot be node "n3" too',
  );
  assert.match(table.judge("n3", "peer-1", 9)!.message, /Peer peer-1 is node "n1"/);
});

Deno.test("a peer whose incarnation fell is admitted, and not heard until it has gone above", () => {
  const { table } = makeTable();
  table.record(heartbeatOf({ incarnation: 5, sequence: 3 }), 0);
  assert.equal(table.judge("n2", "peer-a", 4), undefined);
  assert.equal(table.laterSelfOf("n2", "peer-a", 4), 5);
  assert.equal(table.laterSelfOf("n2", "peer-a", 5), undefined);
  assert.equal(table.record(heartbeatOf({ incarnation: 4, sequence: 9 }), 1), "old");
  assert.equal(table.record(heartbeatOf({ incarnation: 6, sequence: 10 }), 2), "recorded");
});

Deno.test("of two live peers with one name the later yields, and only it", () => {
  const pairs = fc.record({
    incarnations: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  });
  fc.assert(fc.property(pairs, ({ incarnations }) => {
    const peers = ["peer-a", "peer-b"];
    const changes: MemberChange[][] = [[], []];
    const tables = incarnations.map((incarnation, i) =>
      new MemberTable({
        node: "n1",
        peerId: peers[i]!,
        incarnation,
        onChange: (change) => changes[i]!.push(change),
      })
    );
    const later = incarnations[1] >= incarnations[0] ? 1 : 0;
    for (const i of [0, 1]) {
      const other = 1 - i;
      const peerId = peers[other]!;
      const incarnation = incarnations[other]!;
      assert.equal(tables[i]!.judge("n1", peerId, incarnation) === undefined, i === later);
      for (const sequence of [1, 2]) {
        const heartbeat = heartbeatOf({ node: "n1", peerId, incarnation, sequence });
        assert.equal(tables[i]!.record(heartbeat, 0), "refused");
      }
    }
    assert.deepEqual(changes[later]!.map(({ kind }) => kind), ["rival"]);
    assert.deepEqual(changes[1 - later]!.map(({ kind }) => kind), ["refused"]);
  }));
});

Deno.test("a late heartbeat of our own former peer does not make us give up", () => {
  const { table, changes } = makeTable(10);
  const late = heartbeatOf({ node: "n1", peerId: "peer-old", incarnation: 9, sequence: 70 });
  for (let i = 0; i < 3; i++) table.record(late, i);
  table.record({ ...late, sequence: 69 }, 4);
  assert.deepEqual(changes, []);
});

Deno.test("record() lets us refute what is said of us with a higher incarnation", () => {
  const { table } = makeTable(10);
  const own = heartbeatOf({ node: "n1", peerId: "peer-1", incarnation: 10 });
  assert.equal(table.record(own, 0), "own");
  assert.equal(table.incarnation, 10);
  assert.equal(table.record({ ...own, incarnation: 12 }, 0), "own");
  assert.equal(table.incarnation, 13);
  table.refute(12);
  assert.equal(table.incarnation, 13);
  table.refute(13);
  assert.equal(table.incarnation, 14);
});

Deno.test("forget() removes a member, which returns as a new one if it lives", () => {
  const { table, changes } = makeTable();
  table.record(heartbeatOf({ sequence: 7 }), 0);
  table.forget("n2");
  table.forget("n2");
  assert.equal(table.peerOf("n2"), undefined);
  assert.equal(table.nodeOf("peer-a"), undefined);
  assert.equal(table.judge("n2", "peer-b", 1), undefined);
  table.record(heartbeatOf({ sequence: 8 }), 1000);
  assert.deepEqual(changes.map(({ kind }) => kind), ["joined", "joined"]);
});

Deno.test("MemberTable is bounded", () => {
  const { table } = makeTable();
  for (let i = 0; i < MEMBER_LIMIT; i++) {
    table.record(heartbeatOf({ node: `m${i}`, peerId: `p${i}` }), 0);
  }
  assert.equal(table.judge("one-more", "p", 1)?.code, "table_full");
  assert.equal(table.record(heartbeatOf({ node: "one-more", peerId: "p" }), 0), "refused");
  assert.equal(table.judge("m1", "p1", 1), undefined);
  assert.equal(table.members(0).length, MEMBER_LIMIT);
});
