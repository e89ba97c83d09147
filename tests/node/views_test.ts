import assert from "node:assert/strict";
import fc from "fast-check";
import type { Heartbeat } from "../../src/membership/heartbeat.ts";
import type { Member } from "../../src/membership/member_table.ts";
import { memberViews, ringView, type SelfView } from "../../src/node/views.ts";
import { heartbeatOf } from "../membership/manual_clock.ts";
import { layoutOf } from "./layout_world.ts";

const SELF: SelfView = heartbeatOf({ node: "n1", peerId: "peer-1", http: "127.0.0.1:7301" });

const UPTIME_MS = 60_000;

function memberOf(fields: Partial<Heartbeat>, seen: Partial<Member> = {}): Member {
  const heartbeat = heartbeatOf(fields);
  const { node, peerId } = heartbeat;
  const because = "its heartbeats arrive";
  const sources = [{ source: "heartbeats", says: because, forMs: 300.4 }] as const;
  const since = { stateSinceMs: 0, stateForMs: 5_000.4, because, sources };
  const up = { state: "up", ...since, phi: 0.5, isConnected: true } as const;
  return { node, peerId, heartbeat, ...up, ...seen };
}

Deno.test("memberViews() shows ourselves, the others, and those whom only the layout names", () => {
  const others = [
    memberOf({ node: "n3", peerId: "peer-3", zone: "dc2/rack1", weight: 2, layoutVersion: 1 }),
    memberOf({ node: "n0", peerId: "peer-0" }, { state: "suspect", phi: 4, isConnected: false }),
  ];
  const views = memberViews(SELF, others, layoutOf(["n1", "n2", "n3"]), UPTIME_MS);
  assert.deepEqual(views.map(({ node }) => node), ["n0", "n1", "n2", "n3"]);
  const [stranger, self, unheard, other] = views;
  assert.deepEqual(
    [self!.isSelf, self!.state, self!.phi, self!.isConnected, self!.inLayout, self!.http],
    [true, "up", 0, true, true, "127.0.0.1:7301"],
  );
  assert.deepEqual(
    [stranger!.isSelf, stranger!.state, stranger!.phi, stranger!.isConnected, stranger!.inLayout],
    [false, "suspect", 4, false, false],
  );
  assert.deepEqual(
    [other!.peerId, other!.zone, other!.weight, other!.layoutVersion, other!.inLayout],
    ["peer-3", "dc2/rack1", 2, 1, true],
  );
  assert.deepEqual(
    [unheard!.state, unheard!.peerId, unheard!.isConnected, unheard!.zone, unheard!.inLayout],
    ["down", undefined, false, "dc1/rack1", true],
  );
  assert.deepEqual([unheard!.disk, other!.disk], [undefined, "ok"], "it has said nothing yet");
  assert.deepEqual(views.map(({ because, stateForMs }) => `${because} ${stateForMs}`), [
    "its heartbeats arrive 5000",
    "it was asked 60000",
    "it was never heard of 60000",
    "its heartbeats arrive 5000",
  ]);
});

Deno.test("memberViews() shows what each source says, and of ourselves why we may be cut off", () => {
  const selfDoubt = "this node hears nothing of n2, n3 and may be cut off itself";
  const others = [memberOf({ node: "n2" })];
  const [self, other] = memberViews({ ...SELF, selfDoubt }, others, undefined, UPTIME_MS);
  assert.deepEqual([self!.state, self!.because, self!.sources], ["up", selfDoubt, []]);
  const clockProblem = "The clock of this node is wrong";
  const [wrong] = memberViews({ ...SELF, selfDoubt, clockProblem }, others, undefined, UPTIME_MS);
  assert.equal(wrong!.because, clockProblem);
  assert.deepEqual(other!.sources, [
    { source: "heartbeats", says: "its heartbeats arrive", forMs: 300 },
  ]);
});

Deno.test("memberViews() names everybody once and in order, and one of them is ourselves", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9]{0,2}$/).filter((text) => text !== SELF.node);
  const names = fc.uniqueArray(name, { maxLength: 8 });
  fc.assert(
    fc.property(names, names, fc.boolean(), (seen, inLayout, isInLayout) => {
      const layoutNames = isInLayout ? [...inLayout, SELF.node] : inLayout;
      const layout = layoutNames.length === 0 ? undefined : layoutOf(layoutNames, 1);
      const others = seen.map((node) => memberOf({ node, peerId: `peer-${node}` }));
      const views = memberViews(SELF, others, layout, UPTIME_MS);
      const expected = [...new Set([SELF.node, ...seen, ...layoutNames])].sort();
      assert.deepEqual(views.map(({ node }) => node), expected);
      assert.deepEqual(views.filter(({ isSelf }) => isSelf).map(({ node }) => node), [SELF.node]);
      for (const view of views) assert.equal(view.inLayout, layoutNames.includes(view.node));
    }),
    { numRuns: 50 },
  );
});

Deno.test("before the first layout nobody is in it", () => {
  const views = memberViews(SELF, [memberOf({ node: "n2" })], undefined, UPTIME_MS);
  assert.deepEqual(views.map(({ inLayout }) => inLayout), [false, false]);
});

Deno.test("ringView() tells what every member of the layout owns", () => {
  const layout = layoutOf(["n1", "n2", "n3", "n4"]);
  const { members, ...rest } = ringView(layout);
  assert.deepEqual(rest, { version: 1, id: layout.id, partitions: 256, replication: 3 });
  assert.deepEqual(members.map(({ node }) => node), ["n1", "n2", "n3", "n4"]);
  assert.equal(members.reduce((sum, { partitions }) => sum + partitions, 0), 3 * 256);
  for (const { load } of members) assert.ok(Math.abs(load - 1) < 0.05);
});
